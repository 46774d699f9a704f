import { describeError } from "../../base/errors.ts";
import type { RunOutcome } from "../../engine/ports.ts";
import type { RunRequest } from "../../engine/run-wire.ts";
import type { ProgramEnd, ProgramHandle } from "../programs.ts";
import { containerConfig, imageOf, type Owner } from "./container-config.ts";
import { ContainerStreams } from "./container-streams.ts";
import { EngineContainer, type EngineContainerOptions } from "./engine-container.ts";
import type { EngineWatch } from "./engine-watch.ts";
import { Execution, type ExecutionOptions } from "./execution.ts";
import { NeverRanError } from "./never-ran.ts";

export interface ContainerRunOptions extends ExecutionOptions, EngineContainerOptions {
  readonly watch: EngineWatch;
  readonly owner: Owner;
}

/** One run in a container of its own: created, fed, followed to its end, removed. */
export class ContainerRun implements ProgramHandle {
  readonly #runKey: string;
  readonly #request: RunRequest;
  readonly #options: ContainerRunOptions;
  readonly #execution: Execution;
  readonly #container: EngineContainer;
  /** Rejects as soon as the run cannot be followed any more. */
  readonly #broken = Promise.withResolvers<never>();
  #streams: ContainerStreams | undefined;

  constructor(runKey: string, request: RunRequest, options: ContainerRunOptions) {
    this.#runKey = runKey;
    this.#request = request;
    this.#options = options;
    this.#container = new EngineContainer(options);
    this.#execution = new Execution(runKey, request.spec, options, {
      signal: (name) => {
        this.#container.signal(name).catch((error: unknown) => this.#broken.reject(error));
      },
      stopReading: () => this.#streams?.close(),
    });
    // It is looked at only while the program runs.
    this.#broken.promise.catch(() => undefined);
  }

  kill(graceMs: number): void {
    this.#execution.kill(graceMs);
  }

  /** Follows the run to its end. Never rejects. The container is still there: see {@link remove}. */
  async end(): Promise<ProgramEnd> {
    const end = await this.#outcome();
    this.#execution.isOver();
    this.#streams?.close();
    return end.type === "lost" ? end : this.#execution.endsWith(end);
  }

  /** As {@link EngineContainer.remove}. */
  remove(): Promise<void> {
    return this.#container.remove();
  }

  async #outcome(): Promise<RunOutcome | Extract<ProgramEnd, { type: "lost" }>> {
    const { watch, owner } = this.#options;
    const execution = this.#execution;
    try {
      const generation = await watch.enter();
      await this.#container.create({
        config: containerConfig(this.#runKey, this.#request, owner),
        pull: imageOf(this.#request.spec).container,
        unwanted: execution.unwanted,
      });
      if (execution.endedByUs !== undefined) return execution.endedByUs;
      await this.#start();
      const exit = await Promise.race([this.#follow(), this.#broken.promise]);
      if (execution.endedByUs !== undefined) return execution.endedByUs;
      if (await watch.isIn(generation)) return exit;
      return { type: "lost", message: "The Docker Engine was stopped while the container ran" };
    } catch (error) {
      if (error instanceof NeverRanError) return execution.endedByUs ?? error.outcome;
      return { type: "lost", message: describeError(error) };
    }
  }

  async #start(): Promise<void> {
    const { value } = this.#request.record;
    this.#streams = await ContainerStreams.attach(this.#options.client, this.#container.id, value, this.#execution);
    await this.#container.start();
    this.#execution.begins();
  }

  async #follow(): Promise<RunOutcome> {
    await this.#execution.readsOutput(this.#streams?.outputEnds());
    const exitCode = await this.#container.exits();
    this.#execution.isOver();
    return this.#container.outcomeOf(exitCode);
  }
}
