/**
 * Programs in `process` isolation against bare `Bun.spawn` with stdin and stdout, at the same concurrency:
 *
 *     bun bench/spawn.ts [--runs 2000] [--concurrency 8] [--rounds 5]
 *
 * Rounds alternate, so that whatever else the machine does meets both alike. Prints the rate and the CPU time of this
 * process for each round, and the median of the ratios.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { systemClock } from "../src/base/clock.ts";
import { silentLogger } from "../src/base/log.ts";
import { ProcessPrograms } from "../src/programs/process-program.ts";
import { StderrLog } from "../src/programs/stderr-log.ts";
import { runRequest } from "../test/support/run-request.ts";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "2000" },
    concurrency: { type: "string", default: "8" },
    rounds: { type: "string", default: "5" },
  },
});
const runs = Number(values.runs);
const concurrency = Number(values.concurrency);
const rounds = Number(values.rounds);

const value = new Uint8Array(1000).fill(120);
const request = runRequest({ name: "bench", maxUses: 1, timeoutMs: 60_000 }, { value });

async function bare(): Promise<number> {
  const child = Bun.spawn(["cat"], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
    env: { PATH: "/usr/bin:/bin" },
  });
  void child.stdin.write(value);
  await child.stdin.end();
  const [stdout] = await Promise.all([new Response(child.stdout).bytes(), child.exited]);
  return stdout.byteLength;
}

const folder = mkdtempSync(join(tmpdir(), "brigade-bench-"));
const stderrLog = new StderrLog(join(folder, "programs.stderr"), silentLogger);
const programs = new ProcessPrograms({ folder, clock: systemClock, stderrLog });

function brigade(): Promise<number> {
  return new Promise((resolve, reject) => {
    programs.start("bench", request, (end) => {
      if (end.type === "ended") resolve(end.result.stdout.byteLength);
      else reject(new Error(end.message));
    });
  });
}

interface Figures {
  readonly perSecond: number;
  readonly cpuMs: number;
}

async function measure(run: () => Promise<number>): Promise<Figures> {
  let left = runs;
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const length = await run();
      if (length !== value.byteLength) throw new Error(`${length} bytes came back, not ${value.byteLength}`);
    }
  };
  const cpuBefore = process.cpuUsage();
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: concurrency }, worker));
  const cpu = process.cpuUsage(cpuBefore);
  return {
    perSecond: (runs * 1000) / (performance.now() - startedMs),
    cpuMs: (cpu.user + cpu.system) / 1000 / runs,
  };
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

try {
  const ratios: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    const baseline = await measure(bare);
    const ours = await measure(brigade);
    ratios.push(ours.perSecond / baseline.perSecond);
    console.log(
      `round ${round}: bare ${show(baseline)}, process isolation ${show(ours)}, ratio ${ratios.at(-1)?.toFixed(2)}`,
    );
  }
  const spread = `${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)}`;
  console.log(`process isolation / bare spawn: ${median(ratios).toFixed(2)} (${spread}), concurrency ${concurrency}`);
} finally {
  stderrLog.close();
  rmSync(folder, { recursive: true });
}

function show({ perSecond, cpuMs }: Figures): string {
  return `${perSecond.toFixed(0)}/s (${cpuMs.toFixed(2)} ms CPU of ours a run)`;
}
