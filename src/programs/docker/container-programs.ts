import { join } from "node:path";
import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { RunRequest } from "../../engine/run-wire.ts";
import type { ProgramEnd, ProgramHandle, Programs } from "../programs.ts";
import type { StderrLog } from "../stderr-log.ts";
import type { Owner } from "./container-config.ts";
import { ContainerRun, type ContainerRunOptions } from "./container-run.ts";
import { ContainerSweeper } from "./container-sweeper.ts";
import { type Environment, readEngineAddress } from "./engine-address.ts";
import { EngineClient } from "./engine-client.ts";
import { EngineWatch } from "./engine-watch.ts";
import { type HostPaths, onHost } from "./host-paths.ts";
import { Images } from "./images.ts";
import { holdOwnerLock, type OwnerLock } from "./owner-lock.ts";

const LOCK_FILE = "containers.lock";
/** How long {@link ContainerPrograms.close} waits for the Engine to kill and remove what is left. */
const CLOSE_MS = 5000;

export interface ContainerProgramsOptions {
  /** The executor's sandbox: the lock file lies there. */
  readonly folder: string;
  /** Default: those of a process on the host. */
  readonly hostPaths?: HostPaths;
  /** Whose containers these are; the lock file is made here. */
  readonly owner: Omit<Owner, "lockFile">;
  /** The executor's environment: where the Engine is (`DOCKER_HOST`, …), and Docker's config.json. */
  readonly env: Environment;
  readonly clock: Clock;
  readonly log: Logger;
  readonly stderrLog: Pick<StderrLog, "write">;
  /** Between SIGTERM and SIGKILL of a program that took too long. Default 3 s. */
  readonly timeoutGraceMs?: number;
}

/** `container` isolation: each run is a fresh container of a Docker Engine. */
export class ContainerPrograms implements Programs {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #lock: OwnerLock;
  readonly #client: EngineClient;
  readonly #watch: EngineWatch;
  readonly #sweeper: ContainerSweeper;
  readonly #runOptions: ContainerRunOptions;
  /** From the start to the removal of the container. */
  readonly #runs = new Map<string, { readonly run: ContainerRun; readonly removed: Promise<void> }>();

  /**
   * Takes the owner's lock; {@link start} may be called from then on.
   *
   * @throws {InputError} the environment names no Engine that could be used
   */
  constructor(options: ContainerProgramsOptions) {
    const { folder, hostPaths = onHost, owner, env, clock, log, stderrLog, timeoutGraceMs } = options;
    this.#log = log;
    this.#clock = clock;
    this.#client = new EngineClient(readEngineAddress(env), clock);
    this.#lock = holdOwnerLock(join(folder, LOCK_FILE));
    this.#watch = new EngineWatch(this.#client, clock, () => this.#sweeper.start());
    this.#runOptions = {
      client: this.#client,
      watch: this.#watch,
      images: new Images({ client: this.#client, clock, log, env }),
      owner: { ...owner, lockFile: hostPaths.toHost(this.#lock.file) },
      clock,
      stderrLog,
      ...(timeoutGraceMs === undefined ? {} : { timeoutGraceMs }),
    };
    this.#sweeper = new ContainerSweeper({
      client: this.#client,
      owner: this.#runOptions.owner,
      hostPaths,
      isOurs: (runKey) => this.#runs.has(runKey),
      clock,
      log,
    });
  }

  /** Begins to clear away what earlier executors left behind. */
  startSweeping(): void {
    this.#sweeper.start();
  }

  start(runKey: string, request: RunRequest, onEnd: (end: ProgramEnd) => void): ProgramHandle {
    const run = new ContainerRun(runKey, request, this.#runOptions);
    this.#runs.set(runKey, { run, removed: this.#follow(runKey, run, onEnd) });
    return run;
  }

  killAll(): void {
    for (const { run } of this.#runs.values()) run.kill(0);
  }

  /** Kills and removes what is left, as far as the Engine does so within seconds. Idempotent. */
  async close(): Promise<void> {
    this.killAll();
    const removals = [...this.#runs.values()].map(({ removed }) => removed);
    const deadline = Promise.withResolvers<void>();
    const cancel = this.#clock.schedule(CLOSE_MS, deadline.resolve);
    await Promise.race([Promise.all([...removals, this.#sweeper.stop()]), deadline.promise]);
    cancel();
    this.#watch.close();
    this.#client.close();
    this.#lock.release();
  }

  /** The end is told first: the result must not wait for the removal. Never rejects. */
  async #follow(runKey: string, run: ContainerRun, onEnd: (end: ProgramEnd) => void): Promise<void> {
    onEnd(await run.end());
    try {
      await run.remove();
    } catch (error) {
      this.#log.warn("container cannot be removed, it will be tried again", { taskId: runKey, error });
    }
    this.#runs.delete(runKey);
  }
}
