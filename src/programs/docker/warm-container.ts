import { createHash } from "node:crypto";
import type { RunRequest, RunSpec } from "../../engine/run-wire.ts";
import type { ContainerConfig, Owner } from "./container-config.ts";
import { type ContainerEnd, howItEnded, type PooledContainer, type PooledRun } from "./pooled-container.ts";
import { WarmProgram, type WarmProgramOptions } from "./warm-program.ts";
import { WarmRun, type WarmRunOptions } from "./warm-run.ts";

export interface WarmContainerOptions extends WarmProgramOptions, WarmRunOptions {
  readonly owner: Owner;
}

/**
 * `warm`: a container whose program has started and waits for its input. It gets one record.
 *
 * Its input is not attached before that: were it, the end of this process would be the end of the input, and the program
 * would take it for an empty record.
 */
export class WarmContainer implements PooledContainer {
  readonly #options: WarmContainerOptions;
  readonly #program: WarmProgram;
  readonly #unwanted = Promise.withResolvers<"unwanted">();
  readonly #ended = Promise.withResolvers<ContainerEnd>();
  #made: Promise<void> | undefined;
  #generation = 0;

  /**
   * @param name that of the container
   * @param config with standard input
   */
  constructor(name: string, spec: RunSpec, config: ContainerConfig, options: WarmContainerOptions) {
    this.#options = options;
    const mark = createHash("sha256").update(`${options.owner.owner} ${name}`).digest("hex");
    const order = { name, spec, config, mark, unwanted: this.#unwanted.promise };
    this.#program = new WarmProgram(order, options);
  }

  get ended(): Promise<ContainerEnd> {
    return this.#ended.promise;
  }

  make(): Promise<void> {
    this.#made = this.#make();
    return this.#made;
  }

  begin(runKey: string, { record }: RunRequest): PooledRun {
    return new WarmRun(runKey, record.value, this.#program, this.#generation, this.#options);
  }

  async remove(): Promise<void> {
    this.#unwanted.resolve("unwanted");
    // Whatever it failed with was told.
    await this.#made?.catch(() => undefined);
    await this.#program.remove();
  }

  async #make(): Promise<void> {
    const { watch } = this.#options;
    this.#generation = await watch.enter();
    await this.#program.start();
    const exit = this.#program.exit.then(({ outcome }) => outcome);
    const success = this.#program.succeeded.then(() => ({ type: "succeeded" }) as const);
    void howItEnded(Promise.race([success, exit]), watch, this.#generation).then(this.#ended.resolve);
  }
}
