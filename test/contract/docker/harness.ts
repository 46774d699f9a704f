import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, systemClock } from "../../../src/base/clock.ts";
import { silentLogger } from "../../../src/base/log.ts";
import type { ContainerSpec } from "../../../src/config/container.ts";
import type { InputRecord, RunResult } from "../../../src/engine/ports.ts";
import type { RunRequest, RunSpec } from "../../../src/engine/run-wire.ts";
import type { Owner } from "../../../src/programs/docker/container-config.ts";
import { ContainerPrograms } from "../../../src/programs/docker/container-programs.ts";
import type { ProgramEnd, ProgramHandle } from "../../../src/programs/programs.ts";
import { StderrLog } from "../../../src/programs/stderr-log.ts";
import { BUSYBOX_IMAGE, type DockerEngine } from "../../support/docker.ts";
import { runRequest } from "../../support/run-request.ts";

export interface RunParts {
  readonly image?: string;
  /** Docker's options. */
  readonly container?: Partial<ContainerSpec>;
  /** Instead of one that is exactly `hello`. */
  readonly value?: Uint8Array | null;
  readonly spec?: Partial<RunSpec>;
  readonly record?: Partial<InputRecord>;
}

export function containerRequest(command: string | readonly string[] | null, parts: RunParts = {}): RunRequest {
  const { image = BUSYBOX_IMAGE, container = {}, value = Buffer.from("hello"), spec, record } = parts;
  return runRequest(
    {
      program: { type: "image", image, command, container: { pull: "if-missing", ...container } },
      isolation: "container",
      ...spec,
      version: versionOf([command, image, container, spec]),
    },
    { value, ...record },
  );
}

/** Equal for equal specifications only, as a processor's own. */
function versionOf(parts: unknown): string {
  return Bun.hash(JSON.stringify(parts)).toString(36);
}

interface ExecutorOptions {
  /** Of the executor, besides where the Engine is. */
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutGraceMs?: number;
  readonly clock?: Clock;
}

let runs = 0;

/** What one executor has: a sandbox, and programs that run in containers. */
export class ContainerExecutor implements AsyncDisposable {
  readonly programs: ContainerPrograms;
  readonly #folder = mkdtempSync(join(tmpdir(), "brigade-sandbox-"));
  readonly #stderrLog = new StderrLog(join(this.#folder, "programs.stderr"), silentLogger);

  constructor(
    docker: Pick<DockerEngine, "host">,
    owner: Partial<Owner> = {},
    { env = {}, timeoutGraceMs = 50, clock = systemClock }: ExecutorOptions = {},
  ) {
    mkdirSync(this.#folder, { recursive: true });
    this.programs = new ContainerPrograms({
      folder: this.#folder,
      owner: {
        deployment: "test",
        agent: "agent-1",
        executor: "executor-1",
        owner: `owner-${Math.round(performance.now() * 1000)}-${++runs}`,
        ...owner,
      },
      env: { DOCKER_HOST: docker.host, DOCKER_CONFIG: this.#folder, ...env },
      clock,
      log: silentLogger,
      stderrLog: this.#stderrLog,
      timeoutGraceMs,
    });
  }

  start(request: RunRequest): { readonly handle: ProgramHandle; readonly end: Promise<ProgramEnd> } {
    const { promise, resolve } = Promise.withResolvers<ProgramEnd>();
    return { handle: this.programs.start(`run-${++runs}`, request, resolve), end: promise };
  }

  /** Fails where the run was lost. */
  async run(request: RunRequest): Promise<RunResult> {
    const end = await this.start(request).end;
    if (end.type === "lost") throw new Error(end.message);
    return end.result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.programs.close();
    this.#stderrLog.close();
    rmSync(this.#folder, { recursive: true });
  }
}
