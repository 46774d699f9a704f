import { invariant } from "../../base/errors.ts";
import type { ContainerSpec } from "../../config/container.ts";
import type { RunOutcome } from "../../engine/ports.ts";
import { notStartable } from "../start-failure.ts";
import type { EndSignal } from "../termination.ts";
import type { ContainerConfig } from "./container-config.ts";
import { type ContainerState, outcomeOf } from "./container-exit.ts";
import {
  createContainer,
  imageExists,
  inspectContainer,
  removeContainer,
  signalContainer,
  startContainer,
  waitForContainer,
} from "./engine-api.ts";
import type { EngineClient } from "./engine-client.ts";
import { EngineRefusedError } from "./errors.ts";
import type { Images, PullFailure } from "./images.ts";
import { NeverRanError, refusedOption, refusedStart } from "./never-ran.ts";

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
  async create({ config, pull: { pull, credentials }, unwanted }: ContainerOrder): Promise<void> {
    const { client, images } = this.#options;
    const image = config.Image;
    const ensure = async (pulled: Promise<PullFailure>): Promise<void> => {
      // The pull itself goes on: others may wait for it, and the next run will.
      const failure = await Promise.race([pulled, unwanted]);
      if (failure === "unwanted") throw new NeverRanError({ type: "killed" });
      if (failure !== null) throw new NeverRanError(notStartable(failure.reason, failure.message));
    };
    const create = async (): Promise<void> => {
      this.#id = await createContainer(client, config);
    };

    if (pull === "always") await ensure(images.refresh(image, credentials));
    try {
      return await create();
    } catch (error) {
      // To ask whether the image is here would cost each run a call; the Engine tells it anyway, in the same way as it
      // tells that a network is missing.
      const mayLackImage = error instanceof EngineRefusedError && error.status === 404;
      if (!mayLackImage || (await imageExists(client, image))) throw refusedOption(error);
    }
    if (pull === "never") {
      const message = `Cannot run image "${image}": it is not on the agent, and container.pull is "never"`;
      throw new NeverRanError(notStartable("image-missing", message));
    }
    await ensure(images.pull(image, credentials));
    await create().catch((error: unknown) => {
      throw refusedOption(error);
    });
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

  /** Of one that has exited. */
  state(): Promise<ContainerState> {
    return inspectContainer(this.#options.client, this.id);
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

  /** The Engine tells by exit codes of its own whether it was the program that it did not find. */
  async #startFailure(error: unknown): Promise<unknown> {
    if (!(error instanceof EngineRefusedError)) return error;
    return refusedStart(error, await inspectContainer(this.#options.client, this.id));
  }
}
