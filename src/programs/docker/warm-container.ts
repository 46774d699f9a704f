import { noBytes } from "../../base/bytes.ts";
import { describeError } from "../../base/errors.ts";
import type { RunOutcome } from "../../engine/ports.ts";
import type { RunRequest, RunSpec } from "../../engine/run-wire.ts";
import type { ProgramEnd } from "../programs.ts";
import { type ContainerConfig, imageOf } from "./container-config.ts";
import { outcomeOf } from "./container-exit.ts";
import { attachInput, attachOutput } from "./engine-api.ts";
import type { EngineClient, EngineStream } from "./engine-client.ts";
import { EngineContainer, type EngineContainerOptions } from "./engine-container.ts";
import type { EngineWatch } from "./engine-watch.ts";
import { Execution, type ExecutionOptions } from "./execution.ts";
import { OutputStream } from "./output-stream.ts";
import { type ContainerEnd, howItEnded, type PooledContainer, type PooledRun } from "./pooled-container.ts";

export interface WarmContainerOptions extends ExecutionOptions, EngineContainerOptions {
  readonly client: EngineClient;
  readonly watch: EngineWatch;
  /** Whether the Engine's clock is ours: it is on this host. */
  readonly sameClock: boolean;
}

/** Later than that nobody asks whether a program had ended before its record came. */
const DOUBT_MS = 2000;

/**
 * `warm`: a container whose program has started and waits for its input. It gets one record.
 *
 * Its input is not attached before that: were it, the end of this process would be the end of the input, and the program
 * would take it for an empty record.
 */
export class WarmContainer implements PooledContainer, PooledRun {
  readonly #spec: RunSpec;
  readonly #config: ContainerConfig;
  readonly #options: WarmContainerOptions;
  readonly #container: EngineContainer;
  readonly #execution: Execution;
  readonly #unwanted = Promise.withResolvers<"unwanted">();
  readonly #ended = Promise.withResolvers<ContainerEnd>();
  /** Rejects as soon as the run cannot be followed any more. */
  readonly #broken = Promise.withResolvers<never>();
  #made: Promise<void> | undefined;
  #generation = 0;
  #output: OutputStream | undefined;
  #input: EngineStream | undefined;
  #exit: Promise<RunOutcome> | undefined;
  #finishedAtMs = Infinity;
  #hasBegun = false;
  #given: { readonly runKey: string; readonly value: Uint8Array | null } | undefined;
  /** When it got its record, by the wall and on the monotonic clock. */
  #fed = { atMs: 0, monotonicMs: 0 };

  /**
   * @param name for the log of standard error, until there is a run
   * @param config with standard input
   */
  constructor(name: string, spec: RunSpec, config: ContainerConfig, options: WarmContainerOptions) {
    this.#spec = spec;
    this.#config = config;
    this.#options = options;
    this.#container = new EngineContainer(options);
    this.#execution = new Execution(name, spec, options, {
      signal: (signal) => {
        this.#container.signal(signal).catch((error: unknown) => this.#broken.reject(error));
      },
      stopReading: () => this.#output?.close(),
    });
    // They are looked at only while the program has a record.
    this.#broken.promise.catch(() => undefined);
  }

  get ended(): Promise<ContainerEnd> {
    return this.#ended.promise;
  }

  make(): Promise<void> {
    this.#made = this.#make();
    return this.#made;
  }

  begin(runKey: string, { record }: RunRequest): PooledRun {
    this.#given = { runKey, value: record.value };
    return this;
  }

  kill(graceMs: number): void {
    this.#execution.kill(graceMs);
  }

  async end(): Promise<ProgramEnd | "not-begun"> {
    const end = await this.#outcome();
    this.#execution.isOver();
    this.#output?.close();
    this.#input?.close();
    if (end === "not-begun" || end.type === "lost") return end;
    return this.#execution.endsWith(end);
  }

  leave(): Promise<boolean> {
    return Promise.resolve(false);
  }

  async remove(): Promise<void> {
    this.#unwanted.resolve("unwanted");
    // Whatever it failed with was told.
    await this.#made?.catch(() => undefined);
    this.#output?.close();
    this.#input?.close();
    await this.#container.remove();
  }

  async #make(): Promise<void> {
    const { client, watch } = this.#options;
    const container = this.#container;
    this.#generation = await watch.enter();
    await container.create({
      config: this.#config,
      pull: imageOf(this.#spec).container,
      unwanted: this.#unwanted.promise,
    });
    this.#output = await OutputStream.open((onData) => attachOutput(client, container.id, onData), this.#execution);
    await container.start();
    this.#exit = this.#follow();
    void howItEnded(this.#exit, watch, this.#generation).then(this.#ended.resolve);
  }

  async #follow(): Promise<RunOutcome> {
    try {
      await this.#output?.ends();
    } catch (error) {
      // At its bound we have closed it ourselves.
      if (this.#execution.endedByUs?.type !== "output-too-large") throw error;
      if (!this.#hasBegun) return this.#execution.endedByUs;
    }
    await this.#container.exits();
    if (this.#hasBegun) this.#execution.isOver();
    const state = await this.#container.state();
    this.#finishedAtMs = state.finishedAtMs;
    return outcomeOf(state);
  }

  async #outcome(): Promise<RunOutcome | Extract<ProgramEnd, { type: "lost" }> | "not-begun"> {
    const execution = this.#execution;
    try {
      if (!(await this.#feed())) return execution.endedByUs?.type === "killed" ? execution.endedByUs : "not-begun";
      const exit = await Promise.race([this.#exit as Promise<RunOutcome>, this.#broken.promise]);
      if (execution.endedByUs !== undefined) return execution.endedByUs;
      if (this.#endedTooEarly) return "not-begun";
      if (await this.#options.watch.isIn(this.#generation)) return exit;
      return { type: "lost", message: "The Docker Engine was stopped while the container ran" };
    } catch (error) {
      return { type: "lost", message: describeError(error) };
    }
  }

  /**
   * Whether it had ended before it got its record, which became known only then. Its exit, whatever the code, is none of
   * the record's: of a success nothing would be noticed.
   */
  get #endedTooEarly(): boolean {
    const { clock, sameClock } = this.#options;
    const isRecent = clock.monotonicMs() - this.#fed.monotonicMs < DOUBT_MS;
    return sameClock && isRecent && this.#finishedAtMs < this.#fed.atMs;
  }

  /** @returns false where the program has ended before it got the record */
  async #feed(): Promise<boolean> {
    const { client, clock } = this.#options;
    const isOver = this.#finishedAtMs < Infinity || this.#execution.endedByUs !== undefined;
    if (this.#given === undefined || isOver) return false;
    const { runKey, value } = this.#given;
    this.#fed = { atMs: clock.wallMs(), monotonicMs: clock.monotonicMs() };
    this.#input = await attachInput(client, this.#container.id);
    if (this.#execution.endedByUs !== undefined) return false;
    this.#hasBegun = true;
    this.#execution.begins(runKey);
    this.#input.finishWith(value ?? noBytes);
    return true;
  }
}
