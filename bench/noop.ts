/**
 * A no-op processor through everything: Kafka → scheduler → Mesos → executor → program → Kafka, against spawning the
 * same program bare, with stdin and stdout, at the same concurrency. Also the CPU that a record costs in all Brigade
 * processes together (scheduler, executor, and both engines), the programs themselves left out.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startLocalBrigade } from "../scripts/lib/local-brigade.ts";
import { brigadeCpu } from "./process-cpu.ts";
import { report, spread } from "./support.ts";

const RECORDS = Number(process.env.BENCH_RECORDS ?? 3000);
const CONCURRENCY = 8;
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
const PROGRAM = ["/bin/cat"];
const VALUE = "x".repeat(200);

async function bare(): Promise<number> {
  let left = RECORDS;
  const input = Buffer.from(VALUE);
  const start = performance.now();
  await Promise.all(
    Array.from({ length: CONCURRENCY }, async () => {
      while (left-- > 0) {
        const child = Bun.spawn(PROGRAM, { stdin: "pipe", stdout: "pipe", stderr: "ignore", env: {} });
        await child.stdin.write(input);
        await child.stdin.end();
        await new Response(child.stdout).arrayBuffer();
        await child.exited;
      }
    }),
  );
  return RECORDS / ((performance.now() - start) / 1000);
}

const folder = mkdtempSync(join(tmpdir(), "brigade-bench-"));
const processors = join(folder, "processors");
mkdirSync(processors);
const spec = {
  name: "noop",
  input: "in",
  output: "out",
  command: PROGRAM,
  cpus: 0.1,
  mem: 8,
  concurrency: CONCURRENCY,
};
writeFileSync(join(processors, "noop.json"), JSON.stringify(spec));
const brigade = await startLocalBrigade(["--processors", processors, "--cpus", "8"]);

async function finished(): Promise<number> {
  const [noop] = (await (await fetch(`${brigade.api}/api/v1/processors`)).json()) as [
    { counters: { recordsOut: number; errors: number }; inFlight: number },
  ];
  return noop.inFlight === 0 ? noop.counters.recordsOut : -1;
}

let done = 0;
async function through(): Promise<{ rate: number; cpuMs: number; parts: Map<string, number> }> {
  const before = brigadeCpu(brigade.pid);
  const start = performance.now();
  await brigade.cli(["produce", "in"], `${VALUE}\n`.repeat(RECORDS));
  done += RECORDS;
  while ((await finished()) < done) await Bun.sleep(20);
  const seconds = (performance.now() - start) / 1000;
  const after = brigadeCpu(brigade.pid);
  const parts = new Map([...after.parts].map(([name, ms]) => [name, (ms - (before.parts.get(name) ?? 0)) / RECORDS]));
  return { rate: RECORDS / seconds, cpuMs: (after.total - before.total) / RECORDS, parts };
}

try {
  await through();
  const rates: { bare: number; through: number; cpuMs: number }[] = [];
  const parts: Map<string, number>[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const one = await through();
    rates.push({ bare: await bare(), through: one.rate, cpuMs: one.cpuMs });
    parts.push(one.parts);
  }
  report("no-op records/s through Brigade", spread(rates.map((round) => round.through)));
  report("baseline: bare spawns/s", spread(rates.map((round) => round.bare)));
  report("ratio (goal 0.5)", spread(rates.map((round) => round.through / round.bare)));
  report("CPU ms a record, all Brigade processes (goal 1.5)", spread(rates.map((round) => round.cpuMs)));
  for (const name of parts[0]?.keys() ?? []) {
    report(`  of it ${name}`, spread(parts.map((round) => round.get(name) ?? 0)));
  }
} finally {
  await brigade.stop();
  rmSync(folder, { recursive: true, force: true });
  rmSync(brigade.folder, { recursive: true, force: true });
}
