import { expect } from "bun:test";
import { resolve } from "node:path";
import { buildBroken } from "../../scripts/lib/broken-build.ts";
import { endToEnd, endToEndOnce } from "../support/e2e/end-to-end.ts";
import { World } from "../support/e2e/world.ts";
import { runChaos } from "./chaos.ts";
import { formatReport, violationsOf } from "./report.ts";
import { doubtful, type Target } from "./schedule.ts";

/*
 * A short run of the ledger test with fixed seeds; `scripts/chaos` makes longer ones, and docs/reliability.md tells what
 * is counted. Most of the time goes into waiting until Kafka has forgotten a scheduler that was killed.
 */

const runs: readonly { target: Target; seed: number; faults: number; name: string }[] = [
  { target: "scheduler", seed: 214, faults: 3, name: "kills of the scheduler alone start no program a second time" },
  {
    target: "executors",
    seed: 1,
    faults: 4,
    name: "kills of executors lose nothing, and each second start is counted",
  },
  {
    target: "agents",
    seed: 7,
    faults: 5,
    name: "kills of agents, alone and with all that runs there, lose nothing, and each second start is counted",
  },
  { target: "engines", seed: 1, faults: 5, name: "kills of Kafka and Mesos lose nothing that was acknowledged" },
  { target: "whole", seed: 1, faults: 4, name: "kills of everything at once lose nothing" },
];

for (const { target, seed, faults, name } of runs) {
  // The others strike the embedded Kafka, or those to whom it is all one which Kafka there is.
  const run = target === "scheduler" ? endToEnd : endToEndOnce;
  run(
    name,
    async (world) => {
      const forMs = Number.POSITIVE_INFINITY;
      const result = await runChaos(world, { seed, target, faults, forMs, recordsPerSecond: 10, processors: 2 });
      if (violationsOf(result).length > 0) process.stderr.write(formatReport(result));
      expect(violationsOf(result)).toEqual([]);
    },
    { concurrent: true },
  );
}

endToEndOnce(
  "a build that commits before it produces loses records, and they are missed",
  async () => {
    await using broken = await buildBroken(resolve(import.meta.dir, "../.."));
    const world = await World.create({ binary: broken.binary });
    try {
      const result = await runChaos(world, {
        seed: 1,
        target: "scheduler",
        plan: doubtful,
        faults: doubtful.length,
        forMs: Number.POSITIVE_INFINITY,
        recordsPerSecond: 30,
        processors: 2,
      });
      expect(violationsOf(result).map(({ rule }) => rule)).toContain("loss");
    } finally {
      await world.close();
    }
  },
  { concurrent: true },
);
