import { noBytes } from "../../base/bytes.ts";
import { describeError } from "../../base/errors.ts";
import type { RunOutcome } from "../../engine/ports.ts";
import type { ProgramEnd } from "../programs.ts";
import { attachInput } from "./engine-api.ts";
import type { EngineClient, EngineStream } from "./engine-client.ts";
import type { EngineWatch } from "./engine-watch.ts";
import type { ExecutionOptions } from "./execution.ts";
import type { PooledRun } from "./pooled-container.ts";
import type { WarmExit, WarmProgram } from "./warm-program.ts";

export interface WarmRunOptions extends ExecutionOptions {
  readonly client: EngineClient;
  readonly watch: EngineWatch;
  /** Whether the Engine's clock is ours: it is on this host. */
  readonly sameClock: boolean;
}

/** Later than that nobody asks whether a program had ended before its record came. */
const DOUBT_MS = 2000;

/** A run by a program that waits for its record already. */
export class WarmRun implements PooledRun {
  readonly #runKey: string;
  readonly #value: Uint8Array | null;
  readonly #program: WarmProgram;
  readonly #generation: number;
  readonly #options: WarmRunOptions;
  #input: EngineStream | undefined;
  #hasBegun = false;

  /** @param generation of the Engine, in which the program has started */
  constructor(
    runKey: string,
    value: Uint8Array | null,
    program: WarmProgram,
    generation: number,
    options: WarmRunOptions,
  ) {
    this.#runKey = runKey;
    this.#value = value;
    this.#program = program;
    this.#generation = generation;
    this.#options = options;
  }

  kill(graceMs: number): void {
    this.#program.execution.kill(graceMs);
  }

  async end(): Promise<ProgramEnd | "not-begun"> {
    const { execution } = this.#program;
    const end = await this.#outcome();
    execution.isOver();
    this.#input?.close();
    return end === "not-begun" || end.type === "lost" ? end : execution.endsWith(end);
  }

  /** Waits for the rest of its standard error. A program that never got its record may never end by itself. */
  async leave(): Promise<boolean> {
    if (this.#hasBegun) await this.#program.exit.catch(() => undefined);
    return false;
  }

  async #outcome(): Promise<RunOutcome | Extract<ProgramEnd, { type: "lost" }> | "not-begun"> {
    const { client, clock, watch } = this.#options;
    const program = this.#program;
    const { execution } = program;
    try {
      const fedAtMs = clock.wallMs();
      const receivedBytes = program.receivedBytes;
      this.#input = await attachInput(client, program.containerId);
      if (execution.endedByUs?.type === "killed") return execution.endedByUs;
      if (program.isOver) return "not-begun";
      this.#hasBegun = true;
      execution.begins(this.#runKey);
      this.#input.finishWith(this.#value ?? noBytes);

      const first = await Promise.race([program.succeeded, program.exit]);
      // Without a word since it got its record it may have ended just before: the Engine knows when.
      const isSure = first === "succeeded" && program.outputBytes > receivedBytes;
      if (isSure) execution.isOver();
      if (execution.endedByUs !== undefined) return execution.endedByUs;
      if (isSure) return { type: "succeeded" };
      const exit = await program.exit;
      if (execution.endedByUs !== undefined) return execution.endedByUs;
      if (this.#hadEnded(exit, fedAtMs)) return "not-begun";
      if (await watch.isIn(this.#generation)) return exit.outcome;
      return { type: "lost", message: "The Docker Engine was stopped while the container ran" };
    } catch (error) {
      return { type: "lost", message: describeError(error) };
    }
  }

  /**
   * Whether the program had ended before it got its record, which became known only then. Its exit, whatever the code, is
   * none of the record's: of a success nothing would be noticed.
   */
  #hadEnded({ finishedAtMs }: WarmExit, fedAtMs: number): boolean {
    const { clock, sameClock } = this.#options;
    return sameClock && finishedAtMs < fedAtMs && clock.wallMs() - fedAtMs < DOUBT_MS;
  }
}
