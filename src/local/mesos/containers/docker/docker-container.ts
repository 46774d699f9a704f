import { appendFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../../../base/clock.ts";
import { describeError } from "../../../../base/errors.ts";
import type { Logger } from "../../../../base/log.ts";
import {
  attachOutput,
  removeContainer,
  signalContainer,
  startContainer,
} from "../../../../programs/docker/engine-api.ts";
import type { EngineClient } from "../../../../programs/docker/engine-client.ts";
import { EngineLostError } from "../../../../programs/docker/errors.ts";
import { createExec, inspectExec, startExec } from "../../../../programs/docker/exec-api.ts";
import { OutputStream } from "../../../../programs/docker/output-stream.ts";
import { type ContainerBody, memoryOf } from "./container-body.ts";
import type { DockerLimits } from "./docker-run.ts";
import { type ContainerNow, createNamed, exitOf, lookAt, resize } from "./engine-calls.ts";

/** Between two tries to reach an Engine that is gone. */
const RETRY_MS = 500;
/** As the Engine takes it; 0 would leave it as it is. */
const NO_QUOTA = -1;
/** How long an Engine that is gone is waited for once the container is to end. */
const GIVE_UP_MS = 5000;

export interface DockerContainerOptions {
  readonly client: EngineClient;
  readonly clock: Clock;
  readonly name: string;
  readonly body: ContainerBody;
  /** Where its output goes, to the files `stdout` and `stderr`. */
  readonly sandbox: string;
  readonly log: Logger;
}

/** To be run beside what runs in a container. */
export interface ExecutedCommand {
  readonly argv: readonly string[];
  /** `NAME=value`, beside the container's. */
  readonly env: readonly string[];
}

/** A container at a Docker Engine that is followed to its end, also where the Engine is away meanwhile. */
export class DockerContainer {
  readonly #options: DockerContainerOptions;
  readonly #id: string;
  #memoryBytes: number;
  #cpuQuota: number | undefined;
  /** When it was told to end for good. */
  #killedMs: number | undefined;
  /** Exit code; undefined where nobody can tell. */
  readonly ended: Promise<number | undefined>;
  /** What the Engine said of it when it had started; undefined where it had ended by then. */
  readonly started: ContainerNow | undefined;

  private constructor(
    options: DockerContainerOptions,
    id: string,
    started: ContainerNow | undefined,
    exit: Promise<number>,
    output: Promise<void>,
  ) {
    this.#options = options;
    this.#id = id;
    this.#memoryBytes = options.body.HostConfig.Memory;
    this.#cpuQuota = options.body.HostConfig.CpuQuota;
    this.started = started;
    this.ended = this.#follow(exit, output);
  }

  /**
   * Creates and starts it.
   *
   * @throws {EngineRefusedError} the Engine said no; nothing of it is left
   * @throws {EngineLostError} it does not answer
   */
  static async run(options: DockerContainerOptions): Promise<DockerContainer> {
    const { client, name, body, sandbox, log } = options;
    const id = await createNamed(client, name, body);
    try {
      const open = (onData: (chunk: Uint8Array) => void) => attachOutput(client, id, onData);
      const output = await OutputStream.open(open, {
        stdout: appendTo(join(sandbox, "stdout"), log),
        stderr: appendTo(join(sandbox, "stderr"), log),
      });
      // What is missing of it is only missing in a log.
      const outputEnds = output.ends().catch(() => undefined);
      const { code } = await exitOf(client, id);
      await startContainer(client, id);
      return new DockerContainer(options, id, await lookAt(client, id), code, outputEnds);
    } catch (error) {
      // It was never started, and so does not remove itself.
      await removeContainer(client, id).catch(() => undefined);
      throw error;
    }
  }

  /** By the Engine's word. One that does not answer is taken to have it running: its end will be known when it is back. */
  async isRunning(): Promise<boolean> {
    try {
      return (await lookAt(this.#options.client, this.#id))?.running ?? false;
    } catch (error) {
      if (error instanceof EngineLostError) return true;
      throw error;
    }
  }

  /** `host`, `bridge`, … */
  get network(): string {
    return this.#options.body.HostConfig.NetworkMode;
  }

  /** Where it is found from outside, if anywhere. */
  get address(): string | undefined {
    return this.started?.address;
  }

  /**
   * Runs a command in it; its output is that of the container.
   *
   * @param signal it is waited for no longer; it may run on
   * @returns the exit code
   * @throws {EngineRefusedError | EngineLostError}
   */
  async exec({ argv, env }: ExecutedCommand, signal: AbortSignal): Promise<number> {
    const { client, sandbox, log } = this.#options;
    const config = { Cmd: argv, Env: env, AttachStdin: false, AttachStdout: true, AttachStderr: true } as const;
    const execId = await createExec(client, this.#id, config);
    const toStderr = appendTo(join(sandbox, "stderr"), log);
    const output = await OutputStream.open((onData) => startExec(client, execId, onData), {
      stdout: toStderr,
      stderr: toStderr,
    });
    signal.addEventListener("abort", () => output.close(), { once: true });
    await output.ends();
    return (await inspectExec(client, execId)).exitCode;
  }

  /** One that cannot be reached now is killed when the Engine is back, where that was wanted. */
  signal(name: "SIGTERM" | "SIGKILL"): void {
    if (name === "SIGKILL") this.#killedMs ??= this.#options.clock.monotonicMs();
    signalContainer(this.#options.client, this.#id, name).catch(() => undefined);
  }

  /** Memory follows upwards only: what is in use cannot be taken away. */
  async resize({ cpuShares, cpuQuota, memoryBytes, memoryReservationBytes }: DockerLimits): Promise<void> {
    const grows = memoryBytes > this.#memoryBytes;
    if (grows) this.#memoryBytes = memoryBytes;
    const quota = cpuQuota === this.#cpuQuota ? {} : { CpuQuota: cpuQuota ?? NO_QUOTA };
    this.#cpuQuota = cpuQuota;
    await resize(this.#options.client, this.#id, {
      CpuShares: cpuShares,
      MemoryReservation: memoryReservationBytes ?? memoryBytes,
      ...quota,
      ...(grows ? memoryOf({ memoryBytes }) : {}),
    });
  }

  async #follow(exit: Promise<number>, output: Promise<void>): Promise<number | undefined> {
    const code = await exit.catch((error: unknown) => this.#search(error));
    await output;
    return code;
  }

  /** The Engine went away: what became of the container is known when it is back. */
  async #search(error: unknown): Promise<number | undefined> {
    if (!(error instanceof EngineLostError)) throw error;
    const { client, clock } = this.#options;
    for (;;) {
      if (this.#killedMs !== undefined && clock.monotonicMs() - this.#killedMs > GIVE_UP_MS) return undefined;
      await clock.sleep(RETRY_MS);
      try {
        const now = await lookAt(client, this.#id);
        if (now === undefined) return undefined;
        if (!now.running) {
          await removeContainer(client, this.#id);
          return now.exitCode;
        }
        if (this.#killedMs !== undefined) this.signal("SIGKILL");
      } catch (lost) {
        if (!(lost instanceof EngineLostError)) throw lost;
      }
    }
  }
}

/** A full disk, or a sandbox that somebody removed, costs the output and nothing else. */
function appendTo(file: string, log: Logger): (part: Uint8Array) => void {
  let lost = false;
  return (part) => {
    if (lost) return;
    try {
      appendFileSync(file, part);
    } catch (error) {
      lost = true;
      log.warn("output of a container is lost from here on", { file, reason: describeError(error) });
    }
  };
}
