/**
 * What the binary costs before it does anything: start-up time, memory, and the memory of one more processor.
 *
 * Baseline of the start-up time: an empty program compiled by the same Bun.
 */

import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { binary, startLocalBrigade } from "../scripts/lib/local-brigade.ts";
import { tree } from "./process-cpu.ts";
import { report, spread } from "./support.ts";

const ROUNDS = 7;
const MORE = 10;
const folder = mkdtempSync(join(tmpdir(), "brigade-bench-"));

function startMs(command: readonly string[]): number {
  const start = performance.now();
  const run = Bun.spawnSync([...command], { stdout: "ignore", stderr: "ignore", env: {} });
  if (run.exitCode === null) throw new Error(`${command.join(" ")} was killed`);
  return performance.now() - start;
}

/** Resident memory of the scheduler's process alone, once `count` processors run and a while has gone by. */
async function schedulerBytes(count: number): Promise<number> {
  const processors = join(folder, `processors-${count}`);
  mkdirSync(processors);
  for (let index = 0; index < count; index++) {
    const spec = { name: `p${index}`, input: `in${index}`, output: `out${index}`, command: ["cat"] };
    writeFileSync(join(processors, `p${index}.json`), JSON.stringify(spec));
  }
  const brigade = await startLocalBrigade(["--processors", processors]);
  try {
    await Bun.sleep(3000);
    const scheduler = tree(brigade.pid, () => true).find(({ pid }) => pid === brigade.pid);
    return scheduler?.rssBytes ?? Number.NaN;
  } finally {
    await brigade.stop();
    rmSync(brigade.folder, { recursive: true, force: true });
  }
}

try {
  const empty = join(folder, "empty");
  writeFileSync(join(folder, "empty.ts"), "");
  const build = Bun.spawnSync([process.execPath, "build", "--compile", "--outfile", empty, join(folder, "empty.ts")]);
  if (!build.success) throw new Error(`cannot compile the baseline: ${build.stderr.toString()}`);

  startMs([binary, "--version"]);
  startMs([empty]);
  const times = Array.from({ length: ROUNDS }, () => ({
    version: startMs([binary, "--version"]),
    // Without Mesos' variables it says so and ends: everything is loaded by then.
    executor: startMs([binary, "executor"]),
    empty: startMs([empty]),
  }));
  report("brigade --version, ms", spread(times.map((time) => time.version)));
  report("brigade executor until it reads its environment, ms", spread(times.map((time) => time.executor)));
  report("baseline: an empty program compiled by Bun, ms", spread(times.map((time) => time.empty)));
  report("size of the binary, MB", [statSync(binary).size / 1e6]);

  const few: number[] = [];
  const more: number[] = [];
  for (let round = 0; round < 3; round++) {
    few.push((await schedulerBytes(1)) / 1e6);
    more.push((await schedulerBytes(1 + MORE)) / 1e6);
    rmSync(join(folder, "processors-1"), { recursive: true });
    rmSync(join(folder, `processors-${1 + MORE}`), { recursive: true });
  }
  report("scheduler with one processor, MB resident", spread(few));
  report(
    "each further processor, MB (goal 15)",
    spread(more.map((bytes, round) => (bytes - (few[round] ?? 0)) / MORE)),
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
