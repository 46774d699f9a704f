/**
 * What a backlog costs: a no-op processor's records/s while 100 000 records wait in its input topic, against 1000.
 *
 * Each round is a processor of its own on the same topics, which is removed again long before it has read to the end:
 * the first records are for warming up, then the time is taken over {@link MEASURED} that are settled, and the whole
 * backlog is still behind them.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startLocalBrigade } from "../scripts/lib/local-brigade.ts";
import type { ProcessorView } from "../src/api/scheduler-port.ts";
import { systemClock } from "../src/base/clock.ts";
import { silentLogger } from "../src/base/log.ts";
import { parseHostPorts } from "../src/config/addresses.ts";
import { KafkaAdmin } from "../src/kafka/admin.ts";
import { brigadeCpu } from "./process-cpu.ts";
import { report, spread } from "./support.ts";

const BACKLOGS = [1000, 100_000] as const;
const WARM = 500;
const MEASURED = Number(process.env.BENCH_RECORDS ?? 5000);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 9);
const POLL_MS = 50;

interface Round {
  readonly perSecond: number;
  readonly cpuMs: number;
}

const folder = mkdtempSync(join(tmpdir(), "brigade-bench-"));
const processors = join(folder, "processors");
mkdirSync(processors);
// One that stays and has nothing to do: to lose all at once would look like a mishap.
const idle = { name: "idle", input: "nothing", output: "out", command: ["/bin/cat"] };
writeFileSync(join(processors, "idle.json"), JSON.stringify(idle));
const brigade = await startLocalBrigade(["--processors", processors, "--cpus", "8"]);

async function view(name: string): Promise<ProcessorView | undefined> {
  const all = (await (await fetch(`${brigade.api}/api/v1/processors`)).json()) as ProcessorView[];
  return all.find((one) => one.name === name);
}

/** Waits until so many are settled. @returns how many really are */
async function settled(name: string, atLeast: number): Promise<number> {
  for (;;) {
    const count = (await view(name))?.partitions.reduce((sum, { committed }) => sum + (committed ?? 0), 0) ?? 0;
    if (count >= atLeast) return count;
    await Bun.sleep(POLL_MS);
  }
}

async function measure(backlog: number, round: number): Promise<Round> {
  const name = `noop-${backlog}-${round}`;
  const file = join(processors, `${name}.json`);
  const spec = {
    name,
    input: `in-${backlog}`,
    output: "out",
    command: ["/bin/cat"],
    cpus: 0.1,
    mem: 8,
    concurrency: 8,
  };
  writeFileSync(file, JSON.stringify(spec));
  const first = await settled(name, WARM);
  const cpuBefore = brigadeCpu(brigade.pid).total;
  const start = performance.now();
  const records = (await settled(name, first + MEASURED)) - first;
  const seconds = (performance.now() - start) / 1000;
  const cpuMs = (brigadeCpu(brigade.pid).total - cpuBefore) / records;
  const lag = (await view(name))?.partitions.reduce((sum, one) => sum + (one.lag ?? 0), 0) ?? 0;
  if (lag < backlog) throw new Error(`${lag} records were left, which is no backlog of ${backlog}`);
  rmSync(file);
  while ((await view(name)) !== undefined) await Bun.sleep(POLL_MS);
  return { perSecond: records / seconds, cpuMs };
}

try {
  const kafka = { brokers: parseHostPorts(brigade.kafka) ?? [], clientId: "bench" };
  const admin = new KafkaAdmin({ kafka, clock: systemClock, log: silentLogger });
  await admin.ensureTopics(
    BACKLOGS.map((backlog) => `in-${backlog}`),
    { partitions: 1, replication: 1 },
  );
  for (const backlog of BACKLOGS) {
    // What is settled between two looks, and what is open when the last one comes, stands in front of the backlog.
    const records = backlog + WARM + MEASURED + 1000;
    await brigade.cli(["produce", `in-${backlog}`], `${"x".repeat(200)}\n`.repeat(records));
  }
  const rounds: { few: Round; many: Round }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    // Each goes first in turn.
    const fewFirst = round % 2 === 0 ? await measure(BACKLOGS[0], round) : undefined;
    const many = await measure(BACKLOGS[1], round);
    rounds.push({ few: fewFirst ?? (await measure(BACKLOGS[0], round)), many });
  }
  report("no-op records/s, 100 000 waiting", spread(rounds.map(({ many }) => many.perSecond)));
  report("baseline: 1000 waiting", spread(rounds.map(({ few }) => few.perSecond)));
  report("ratio (goal 0.95)", spread(rounds.map(({ few, many }) => many.perSecond / few.perSecond)));
  report("CPU ms a record, 100 000 waiting", spread(rounds.map(({ many }) => many.cpuMs)));
  report("baseline: 1000 waiting", spread(rounds.map(({ few }) => few.cpuMs)));
} finally {
  await brigade.stop();
  rmSync(folder, { recursive: true, force: true });
  rmSync(brigade.folder, { recursive: true, force: true });
}
