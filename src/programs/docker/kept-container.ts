import { invariant } from "../../base/errors.ts";
import type { RunRequest, RunSpec } from "../../engine/run-wire.ts";
import { notStartable } from "../start-failure.ts";
import { type ContainerConfig, imageOf } from "./container-config.ts";
import { EngineContainer, type EngineContainerOptions } from "./engine-container.ts";
import { type ExecPlace, ExecRun, type ExecRunOptions } from "./exec-run.ts";
import { Keeper, KeeperLostError, keeperCommand } from "./keeper.ts";
import { NeverRanError } from "./never-ran.ts";
import {
  type ContainerEnd,
  describeExit,
  howItEnded,
  type PooledContainer,
  type PooledRun,
} from "./pooled-container.ts";
import { argvOf } from "./program-argv.ts";

export interface KeptContainerOptions extends EngineContainerOptions, ExecRunOptions {}

/** What the kept container becomes: its keeper runs in the place of the program. */
export function keptConfig(config: ContainerConfig): ContainerConfig {
  const { Cmd: _program, ...rest } = config;
  return {
    ...rest,
    Entrypoint: keeperCommand,
    Cmd: [],
    // Its probes would be programs in the container, and are ended with them.
    Healthcheck: { Test: ["NONE"] },
    // The keeper is the first process, also where the Engine puts another one in front of all.
    HostConfig: { ...config.HostConfig, Init: false },
  };
}

/** `exec` isolation: a container that outlives its runs, and has one at a time. */
export class KeptContainer implements PooledContainer {
  readonly #spec: RunSpec;
  readonly #config: ContainerConfig;
  readonly #options: KeptContainerOptions;
  readonly #container: EngineContainer;
  readonly #keeper: Keeper;
  readonly #unwanted = Promise.withResolvers<"unwanted">();
  readonly #ended = Promise.withResolvers<ContainerEnd>();
  #made: Promise<void> | undefined;
  #place: ExecPlace | undefined;

  /** @param config as if the program were to run in it alone */
  constructor(spec: RunSpec, config: ContainerConfig, options: KeptContainerOptions) {
    this.#spec = spec;
    this.#config = config;
    this.#options = options;
    this.#container = new EngineContainer(options);
    this.#keeper = new Keeper(options.clock);
  }

  get ended(): Promise<ContainerEnd> {
    return this.#ended.promise;
  }

  make(): Promise<void> {
    this.#made = this.#make();
    return this.#made;
  }

  begin(runKey: string, request: RunRequest): PooledRun {
    invariant(this.#place !== undefined, "Cannot run in a container before it is made");
    return new ExecRun(runKey, request, this.#place, this.#options);
  }

  async remove(): Promise<void> {
    this.#unwanted.resolve("unwanted");
    // Whatever it failed with was told.
    await this.#made?.catch(() => undefined);
    this.#keeper.close();
    await this.#container.remove();
  }

  async #make(): Promise<void> {
    const { client, watch } = this.#options;
    const container = this.#container;
    const keeper = this.#keeper;
    const generation = await watch.enter();
    const pull = imageOf(this.#spec).container;
    let argv: readonly string[] = [];
    await container.createFor({ config: this.#config, pull, unwanted: this.#unwanted.promise }, (image) => {
      argv = argvOf(this.#config, image);
      return keptConfig(this.#config);
    });
    await keeper.attach(client, container.id);
    await this.#start();
    const outOfMemory = await keeper.countOutOfMemory();
    this.#place = { container, keeper, argv, outOfMemory };
    const exit = keeper.over.then(async () => container.outcomeOf(await container.exits()));
    void howItEnded(exit, watch, generation).then(this.#ended.resolve);
  }

  /** @throws {NeverRanError} also where the image has no shell */
  async #start(): Promise<void> {
    try {
      await this.#container.start();
      const complaint = await this.#keeper.complaint();
      if (complaint !== null) throw unfit(complaint);
    } catch (error) {
      if (error instanceof KeeperLostError && error.isGone) throw await this.#unlessKilled(error);
      if (!(error instanceof NeverRanError) || error.outcome.type !== "not-startable") throw error;
      if (error.outcome.reason !== "program-not-found") throw error;
      const message = `Cannot keep a container of image "${this.#config.Image}": isolation "exec" needs /bin/sh in it`;
      throw new NeverRanError(notStartable("program-not-found", `${message} (${error.outcome.message})`));
    }
  }

  /** A shell that fails will do so again; one that was killed, or was left by us, need not. */
  async #unlessKilled(lost: KeeperLostError): Promise<KeeperLostError | NeverRanError> {
    const outcome = await this.#container.outcomeOf(await this.#container.exits());
    if (outcome.type === "succeeded") return lost;
    if (outcome.type === "signaled" && ["SIGKILL", "SIGTERM"].includes(outcome.signal)) return lost;
    return unfit(`its shell ends at once: ${describeExit(outcome)}`);
  }
}

function unfit(why: string): NeverRanError {
  return new NeverRanError(notStartable("option-refused", `Cannot keep a container: ${why}`));
}
