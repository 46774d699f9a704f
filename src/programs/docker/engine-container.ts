import { invariant } from "../../base/errors.ts";
import type { ContainerSpec } from "../../config/container.ts";
import type { RunOutcome } from "../../engine/ports.ts";
import { notStartable } from "../start-failure.ts";
import type { EndSignal } from "../termination.ts";
import type { ContainerConfig } from "./container-config.ts";
import { type ContainerState, outcomeOf } from "./container-exit.ts";
import {
  createContainer,
  type ImageProgram,
  imageExists,
  imageProgram,
  inspectContainer,
  removeContainer,
  signalContainer,
  startContainer,
  waitForContainer,
} from "./engine-api.ts";
import type { EngineClient } from "./engine-client.ts";
import { ContainerRemovedError, EngineLostError, EngineRefusedError } from "./errors.ts";
import type { Images, PullFailure } from "./images.ts";
import { NeverRanError, refusedOption, refusedStart, refuseTooLong } from "./never-ran.ts";

export interface EngineContainerOptions {
  readonly client: EngineClient;
  readonly images: Images;
}

/** What is to be made. */
export interface ContainerOrder {
  readonly config: ContainerConfig;
  readonly pull: Pick<ContainerSpec, "pull" | "credentials">;
  /** Resolves when it is not wanted any more: nobody waits for a pull then. */
  readonly unwanted: Promise<"unwanted">;
}

/** A container of ours at the Engine, from its creation to its removal. */
export class EngineContainer {
  readonly #options: EngineContainerOptions;
  #id: string | undefined;

  constructor(options: EngineContainerOptions) {
    this.#options = options;
  }

  /** Of one that was created. */
  get id(): string {
    invariant(this.#id !== undefined, "Cannot use a container before it is created");
    return this.#id;
  }

  /**
   * Creates it, and pulls its image before that as its order says.
   *
   * @throws {NeverRanError}
   * @throws {EngineLostError | EngineRefusedError} the Engine's own trouble
   */
  async create(order: ContainerOrder): Promise<void> {
    const { config } = order;
    refuseTooLong(config);
    await this.#refreshImage(order);
    try {
      this.#id = await createContainer(this.#options.client, config);
      return;
    } catch (error) {
      // To ask whether the image is here would cost each run a call; the Engine tells it anyway, in the same way as it
      // tells that a network is missing.
      if (!isMissing(error)) throw refusedOption(error);
    }
    // Another run's pull may have brought it meanwhile.
    if (!(await imageExists(this.#options.client, config.Image))) await this.#pullImage(order);
    await this.#create(config);
  }

  /**
   * The same of one that depends on what its image runs.
   *
   * @param order what it would be if the image were run as it is
   */
  async createFor(order: ContainerOrder, configOf: (image: ImageProgram) => ContainerConfig): Promise<void> {
    const { client } = this.#options;
    const image = order.config.Image;
    refuseTooLong(order.config);
    await this.#refreshImage(order);
    let program = await imageProgram(client, image);
    if (program === undefined) {
      await this.#pullImage(order);
      program = await imageProgram(client, image);
    }
    if (program === undefined)
      throw new EngineLostError(`Cannot run image "${image}": it was removed as soon as it was here`);
    await this.#create(configOf(program));
  }

  /**
   * @throws {NeverRanError}
   * @throws {EngineLostError | EngineRefusedError} the Engine's own trouble
   */
  async start(): Promise<void> {
    try {
      await startContainer(this.#options.client, this.id);
    } catch (error) {
      throw await this.#startFailure(error);
    }
  }

  /** Resolves when its first process has exited, after which no other is left in it. @returns the exit code */
  exits(): Promise<number> {
    return waitForContainer(this.#options.client, this.id);
  }

  /** What such an exit means. */
  async outcomeOf(exitCode: number): Promise<RunOutcome> {
    if (exitCode === 0) return { type: "succeeded" };
    return outcomeOf({ ...(await this.state()), exitCode });
  }

  /**
   * Of one that has exited.
   *
   * @throws {ContainerRemovedError | EngineRefusedError} by somebody else's hand: it tells nothing of the program
   */
  async state(): Promise<ContainerState> {
    const state = await inspectContainer(this.#options.client, this.id);
    if (state.isBeingRemoved) throw new ContainerRemovedError();
    return state;
  }

  /** @throws {EngineLostError | EngineRefusedError} */
  signal(name: EndSignal): Promise<void> {
    return signalContainer(this.#options.client, this.id, name);
  }

  /**
   * Removes what the Engine holds of it, running or not.
   *
   * @throws {EngineLostError} it may still be there
   * @throws {EngineRefusedError} it is still there
   */
  async remove(): Promise<void> {
    if (this.#id !== undefined) await removeContainer(this.#options.client, this.#id);
  }

  async #create(config: ContainerConfig): Promise<void> {
    try {
      this.#id = await createContainer(this.#options.client, config);
    } catch (error) {
      // The image was here a moment ago: that it is gone is not the processor's fault.
      throw isMissing(error) && !(await imageExists(this.#options.client, config.Image)) ? error : refusedOption(error);
    }
  }

  /** @throws {NeverRanError} */
  async #refreshImage({ config, pull: { pull, credentials }, unwanted }: ContainerOrder): Promise<void> {
    if (pull === "always") await isHere(this.#options.images.refresh(config.Image, credentials), unwanted);
  }

  /** @throws {NeverRanError} */
  async #pullImage({ config, pull: { pull, credentials }, unwanted }: ContainerOrder): Promise<void> {
    if (pull === "never") {
      const message = `Cannot run image "${config.Image}": it is not on the agent, and container.pull is "never"`;
      throw new NeverRanError(notStartable("image-missing", message));
    }
    await isHere(this.#options.images.pull(config.Image, credentials), unwanted);
  }

  /** The Engine tells by exit codes of its own whether it was the program that it did not find. */
  async #startFailure(error: unknown): Promise<unknown> {
    if (!(error instanceof EngineRefusedError)) return error;
    return refusedStart(error, await inspectContainer(this.#options.client, this.id));
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof EngineRefusedError && error.status === 404;
}

/** The pull itself goes on where it is not wanted any more: others may wait for it, and the next run will. */
async function isHere(pulled: Promise<PullFailure>, unwanted: Promise<"unwanted">): Promise<void> {
  const failure = await Promise.race([pulled, unwanted]);
  if (failure === "unwanted") throw new NeverRanError({ type: "killed" });
  if (failure === null) return;
  const { reason, message } = failure;
  throw reason === "host-trouble" ? new EngineLostError(message) : new NeverRanError(notStartable(reason, message));
}
