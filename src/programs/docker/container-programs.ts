import { join } from "node:path";
import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { RunRequest, RunSpec } from "../../engine/run-wire.ts";
import type { ProgramEnd, ProgramHandle, Programs } from "../programs.ts";
import type { StderrLog } from "../stderr-log.ts";
import { type Owner, pooledContainerConfig } from "./container-config.ts";
import { ContainerSweeper } from "./container-sweeper.ts";
import { type Environment, readEngineAddress } from "./engine-address.ts";
import { EngineClient } from "./engine-client.ts";
import { EngineWatch } from "./engine-watch.ts";
import { FreshPrograms, type FreshProgramsOptions } from "./fresh-programs.ts";
import { type HostPaths, onHost } from "./host-paths.ts";
import { Images } from "./images.ts";
import { KeptContainer } from "./kept-container.ts";
import { holdOwnerLock, type OwnerLock } from "./owner-lock.ts";
import type { PooledContainer } from "./pooled-container.ts";
import { kindOf } from "./pooled-kinds.ts";
import { PooledPrograms } from "./pooled-programs.ts";
import { WarmContainer, type WarmContainerOptions } from "./warm-container.ts";

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

/** Runs at a Docker Engine, in fresh containers or in those that are made ahead. */
export class ContainerPrograms implements Programs {
  readonly #clock: Clock;
  readonly #lock: OwnerLock;
  readonly #client: EngineClient;
  readonly #watch: EngineWatch;
  readonly #sweeper: ContainerSweeper;
  readonly #runOptions: FreshProgramsOptions & WarmContainerOptions;
  readonly #fresh: FreshPrograms;
  readonly #pooled: PooledPrograms;

  /**
   * Takes the owner's lock; {@link start} may be called from then on.
   *
   * @throws {InputError} the environment names no Engine that could be used
   */
  constructor(options: ContainerProgramsOptions) {
    const { folder, hostPaths = onHost, owner, env, clock, log, stderrLog, timeoutGraceMs } = options;
    this.#clock = clock;
    const address = readEngineAddress(env);
    this.#client = new EngineClient(address, clock);
    this.#lock = holdOwnerLock(join(folder, LOCK_FILE));
    this.#watch = new EngineWatch(this.#client, clock, () => this.#sweeper.start());
    this.#runOptions = {
      client: this.#client,
      watch: this.#watch,
      images: new Images({ client: this.#client, clock, log, env }),
      owner: { ...owner, lockFile: hostPaths.toHost(this.#lock.file) },
      sameClock: address.type === "unix",
      withoutShell: new Set(),
      clock,
      log,
      stderrLog,
      ...(timeoutGraceMs === undefined ? {} : { timeoutGraceMs }),
    };
    this.#fresh = new FreshPrograms(this.#runOptions);
    const containerFor = (name: string, spec: RunSpec): PooledContainer => this.#containerFor(name, spec);
    this.#pooled = new PooledPrograms({ containerFor, fresh: this.#fresh, clock, log });
    this.#sweeper = new ContainerSweeper({
      client: this.#client,
      owner: this.#runOptions.owner,
      hostPaths,
      isOurs: (name) => this.#fresh.has(name) || this.#pooled.has(name),
      clock,
      log,
    });
  }

  /** Begins to clear away what earlier executors left behind. */
  startSweeping(): void {
    this.#sweeper.start();
  }

  start(runKey: string, request: RunRequest, onEnd: (end: ProgramEnd) => void): ProgramHandle {
    const kind = kindOf(request.spec);
    if (kind === undefined) return this.#fresh.start(runKey, request, onEnd);
    return this.#pooled.start(runKey, request, kind, onEnd);
  }

  killAll(): void {
    this.#fresh.killAll();
    this.#pooled.killAll();
  }

  /** Kills and removes what is left, as far as the Engine does so within seconds. Idempotent. */
  async close(): Promise<void> {
    this.killAll();
    const deadline = Promise.withResolvers<void>();
    const cancel = this.#clock.schedule(CLOSE_MS, deadline.resolve);
    const done = Promise.all([this.#fresh.removed(), this.#pooled.close(), this.#sweeper.stop()]);
    await Promise.race([done, deadline.promise]);
    cancel();
    this.#watch.close();
    this.#client.close();
    this.#lock.release();
  }

  #containerFor(name: string, spec: RunSpec): PooledContainer {
    const config = pooledContainerConfig(name, spec, this.#runOptions.owner);
    return spec.isolation === "exec"
      ? new KeptContainer(spec, config, this.#runOptions)
      : new WarmContainer(name, spec, config, this.#runOptions);
  }
}
