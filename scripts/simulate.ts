/**
 * Runs histories of the simulation (test/simulation), one a seed, on all cores, and says how often each kind of fault
 * struck. A seed that breaks a promise is printed with the command that replays it.
 */

import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { faultKinds } from "../test/simulation/faults.ts";
import { loadMachines } from "../test/simulation/machines.ts";
import { whatCatches } from "../test/simulation/mutants/catching.ts";
import { mutants } from "../test/simulation/mutants/mutants.ts";
import {
  addSummaries,
  emptySummary,
  missingFaults,
  replayCommand,
  type Summary,
  summaryOf,
} from "../test/simulation/report.ts";
import { simulate } from "../test/simulation/world.ts";

const usage = `Usage: scripts/simulate [--seeds N] [--from S] [--jobs J] [--mutants]
       scripts/simulate --seed S [--trace LINES]

  --seeds N      histories to run; default 500
  --from S       first seed; default 1
  --jobs J       processes; default one for each core
  --mutants      then plants each known bug and tells what caught it
  --seed S       runs one history and prints its end
  --trace LINES  how much of it; default 60, "all" for everything that is kept

Exit code 1: a promise was broken, a mutant survived, or in 500 or more histories some kind of fault never struck.
`;

/** Fewer histories than this need not show every kind of fault. */
const ENOUGH_HISTORIES = 500;
/** Seeds that a process runs before it reports. */
const REPORT_EVERY = 25;

const { values } = parseArgs({
  options: {
    seeds: { type: "string" },
    from: { type: "string" },
    jobs: { type: "string" },
    seed: { type: "string" },
    trace: { type: "string" },
    mutants: { type: "boolean" },
    worker: { type: "boolean" },
    help: { type: "boolean", short: "h" },
  },
});

/** What a worker process reports, one JSON object a line. */
interface Report extends Omit<Summary, "faults"> {
  readonly faults: readonly (readonly [kind: string, count: number])[];
}

const from = numberOf(values.from, 1);
const seeds = numberOf(values.seeds, 500);
if (values.help === true) process.stdout.write(usage);
else if (values.seed !== undefined) await replay(numberOf(values.seed, 1));
else if (values.worker === true) await work(from, seeds, numberOf(values.jobs, 1));
else await runMany();

async function runMany(): Promise<void> {
  const startedMs = performance.now();
  const summary = await runWorkers(Math.min(seeds, numberOf(values.jobs, availableParallelism())));
  const seconds = (performance.now() - startedMs) / 1000;
  for (const { seed, message } of summary.broken) {
    console.log(`seed ${seed}: ${message.split("\n")[0]}\n  replay: ${replayCommand(seed)}`);
  }
  console.log(`\nfaults injected`);
  for (const kind of faultKinds) console.log(`${String(summary.faults.get(kind) ?? 0).padStart(9)}  ${kind}`);
  const missing = summary.histories >= ENOUGH_HISTORIES ? missingFaults(summary) : [];
  for (const kind of missing) console.log(`fault never struck: ${kind}`);
  const survivors = values.mutants === true ? await runMutants() : 0;
  console.log(
    `\n${summary.histories} histories in ${seconds.toFixed(1)} s, ${summary.broken.length} broken: ` +
      `${summary.records} records, ${summary.starts} program starts, ${summary.outputs} outputs`,
  );
  process.exitCode = summary.broken.length + missing.length + survivors > 0 ? 1 : 0;
}

/** Seeds are dealt out in turn, so that every process gets the like. */
async function runWorkers(jobs: number): Promise<Summary> {
  let summary = emptySummary;
  let shown = 0;
  const add = (line: string): void => {
    const report = JSON.parse(line) as Report;
    summary = addSummaries(summary, { ...report, faults: new Map(report.faults) as Summary["faults"] });
    if (summary.histories * 20 < shown * seeds) return;
    shown++;
    console.error(`${summary.histories} of ${seeds} histories, ${summary.broken.length} broken`);
  };
  const workers = Array.from({ length: jobs }, async (_, job) => {
    const count = Math.ceil((seeds - job) / jobs);
    const options = ["--worker", "--from", String(from + job), "--seeds", String(count), "--jobs", String(jobs)];
    const child = Bun.spawn([process.execPath, import.meta.path, ...options], { stdout: "pipe", stderr: "inherit" });
    for await (const line of lines(child.stdout)) add(line);
    if ((await child.exited) !== 0) throw new Error(`a process that simulates ended with ${child.exitCode}`);
  });
  await Promise.all(workers);
  return summary;
}

async function work(first: number, count: number, step: number): Promise<void> {
  const machines = await loadMachines();
  let summary = emptySummary;
  for (let done = 1; done <= count; done++) {
    summary = addSummaries(summary, summaryOf(simulate(first + (done - 1) * step, machines)));
    if (done % REPORT_EVERY > 0 && done < count) continue;
    process.stdout.write(`${JSON.stringify({ ...summary, faults: [...summary.faults] })}\n`);
    summary = emptySummary;
  }
}

async function replay(seed: number): Promise<void> {
  const { broken, theme, trace, records, starts, outputs } = simulate(seed, await loadMachines());
  const all = trace();
  const shown = values.trace === "all" ? all.length : numberOf(values.trace, 60);
  for (const line of all.slice(-shown)) console.log(line);
  console.log(`\nseed ${seed} (${theme}): ${records} records, ${starts} program starts, ${outputs} outputs`);
  console.log(broken === undefined ? "no promise broken" : `broken: ${broken.message}`);
  process.exitCode = broken === undefined ? 0 : 1;
}

/** @returns how many survived */
async function runMutants(): Promise<number> {
  console.log("\nmutants");
  let survivors = 0;
  for (const mutant of mutants) {
    const caught = await whatCatches(mutant);
    if (caught === undefined) survivors++;
    console.log(`${(caught ?? "SURVIVED").padStart(24)}  ${mutant.name}`);
  }
  return survivors;
}

async function* lines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of stream) {
    const parts = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
}

function numberOf(text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  process.stderr.write(`scripts/simulate: "${text}" is no number of 1 or more\n\n${usage}`);
  process.exit(2);
}
