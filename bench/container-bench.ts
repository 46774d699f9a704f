import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { systemClock } from "../src/base/clock.ts";
import { silentLogger } from "../src/base/log.ts";
import type { RunRequest, RunSpec } from "../src/engine/run-wire.ts";
import type { Owner } from "../src/programs/docker/container-config.ts";
import { ContainerPrograms } from "../src/programs/docker/container-programs.ts";
import { StderrLog } from "../src/programs/stderr-log.ts";
import { BUSYBOX_IMAGE, DockerEngine } from "../test/support/docker.ts";
import { runRequest } from "../test/support/run-request.ts";
import { BareEngine } from "./bare-engine.ts";
import { report, spread } from "./support.ts";

const value = new Uint8Array(1000).fill(120);

export const benchOwner: Owner = {
  deployment: "bench",
  agent: "bench",
  executor: "bench",
  owner: "bench",
  lockFile: "",
};

/** A run of `cat`, with 1000 bytes of input. */
export function catRequest(spec: Partial<RunSpec>): RunRequest {
  const program = { type: "image", image: BUSYBOX_IMAGE, command: ["cat"], container: { pull: "if-missing" } } as const;
  return runRequest({ name: "bench", program, isolation: "container", timeoutMs: 60_000, ...spec }, { value });
}

/** One way to run it: one run. @returns the bytes of its output */
export type Way = (worker: number) => Promise<number>;

export interface Comparison {
  /** For the report: "container isolation". */
  readonly name: string;
  readonly request: RunRequest;
  /** How many runs there are in a round, unless `--runs` says so. */
  readonly runs: number;
  /** The bare calls; resolves when everything for them is there. */
  readonly bare: (engine: BareEngine, input: Uint8Array, concurrency: number) => Promise<Way>;
  /** Whether a round lasts until the last container is removed. */
  readonly untilRemoved: boolean;
}

/**
 * Runs programs at an Engine of its own, by bare calls and through Brigade in turn, at the same concurrency; says why
 * where there can be no Engine.
 */
export async function compareWithBareCalls({ name, request, runs, bare, untilRemoved }: Comparison): Promise<void> {
  const { values } = parseArgs({
    options: {
      runs: { type: "string", default: String(runs) },
      concurrency: { type: "string", default: "4" },
      rounds: { type: "string", default: "5" },
    },
  });
  const concurrency = Number(values.concurrency);
  const started = await DockerEngine.start();
  if (typeof started === "string") {
    console.log(`skipped: ${started}`);
    return;
  }
  await using docker = started;

  const folder = mkdtempSync(join(tmpdir(), "brigade-bench-"));
  const stderrLog = new StderrLog(join(folder, "programs.stderr"), silentLogger);
  const env = { DOCKER_HOST: docker.host, DOCKER_CONFIG: folder };
  const parts = { folder, owner: benchOwner, env, clock: systemClock, log: silentLogger, stderrLog };
  const programs = new ContainerPrograms(parts);
  let count = 0;
  const brigade: Way = () =>
    new Promise((resolve, reject) => {
      programs.start(`bench-${count++}`, request, (end) => {
        if (end.type === "ended") resolve(end.result.stdout.byteLength);
        else reject(new Error(end.message));
      });
    });

  /** @returns runs a second */
  const measure = async (run: Way): Promise<number> => {
    let left = Number(values.runs);
    const work = async (worker: number): Promise<void> => {
      while (left-- > 0) {
        const length = await run(worker);
        if (length !== value.byteLength) throw new Error(`${length} bytes came back, not ${value.byteLength}`);
      }
    };
    const startedMs = performance.now();
    await Promise.all(Array.from({ length: concurrency }, (_, worker) => work(worker)));
    if (untilRemoved) while ((await docker.containers()).length > 0) await Bun.sleep(1);
    return (Number(values.runs) * 1000) / (performance.now() - startedMs);
  };

  try {
    const bareRun = await bare(new BareEngine(docker.socket), value, concurrency);
    await measure(bareRun);
    await measure(brigade);
    const rates: { readonly bare: number; readonly brigade: number }[] = [];
    for (let round = 0; round < Number(values.rounds); round++) {
      rates.push({ bare: await measure(bareRun), brigade: await measure(brigade) });
    }
    report("bare Engine calls, runs/s", spread(rates.map((rate) => rate.bare)));
    report(`${name}, runs/s`, spread(rates.map((rate) => rate.brigade)));
    report(`${name} / bare (goal 0.9)`, spread(rates.map((rate) => rate.brigade / rate.bare)));
  } finally {
    await programs.close();
    stderrLog.close();
    rmSync(folder, { recursive: true });
  }
}
