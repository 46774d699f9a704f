import type { Clock } from "../../base/clock.ts";
import type { RunOutcome } from "../../engine/ports.ts";
import type { RunSpec } from "../../engine/run-wire.ts";
import { BoundedBuffer } from "../bounded-buffer.ts";
import type { ProgramEnd, ProgramHandle } from "../programs.ts";
import { STDERR_TAIL_BYTES, type StderrLog } from "../stderr-log.ts";
import { TailBuffer } from "../tail-buffer.ts";
import { type EndSignal, Termination } from "../termination.ts";
import type { ContainerOutput } from "./stream-demultiplexer.ts";

const DEFAULT_TIMEOUT_GRACE_MS = 3000;

export interface ExecutionOptions {
  readonly clock: Clock;
  readonly stderrLog: Pick<StderrLog, "write">;
  /** Between SIGTERM and SIGKILL of a program that took too long. Default 3 s. */
  readonly timeoutGraceMs?: number;
}

/** Why we ended a run; the first reason decides its outcome. */
export type EndedByUs = Extract<RunOutcome, { type: "killed" | "timed-out" | "output-too-large" }>;

type Phase =
  | { readonly type: "preparing" }
  | { readonly type: "running"; readonly startedMs: number }
  | { readonly type: "over"; readonly durationMs: number };

/**
 * What every run at an Engine has, however its program is started: output within its bounds, a time limit, a way to be
 * ended, and in the end a result.
 */
export class Execution implements ProgramHandle, ContainerOutput {
  /** Resolves as soon as the run is to be ended, whatever it waits for. */
  readonly unwanted: Promise<"unwanted">;
  readonly #resolveUnwanted: (value: "unwanted") => void;
  readonly #spec: RunSpec;
  readonly #options: ExecutionOptions;
  readonly #signal: (name: EndSignal) => void;
  readonly #onOutputTooLarge: () => void;
  readonly #stdout: BoundedBuffer;
  readonly #stderrTail = new TailBuffer(STDERR_TAIL_BYTES);
  readonly #termination: Termination;
  #runKey: string;
  #phase: Phase = { type: "preparing" };
  #endedByUs: EndedByUs | undefined;
  #cancelTimeout: (() => void) | undefined;

  /**
   * @param runKey names it in the log of standard error
   * @param act what only the way in which the program was started can do: signal it while it runs, and read no more of
   *   its output
   */
  constructor(
    runKey: string,
    spec: RunSpec,
    options: ExecutionOptions,
    act: { readonly signal: (name: EndSignal) => void; readonly stopReading: () => void },
  ) {
    this.#runKey = runKey;
    this.#spec = spec;
    this.#options = options;
    this.#signal = act.signal;
    this.#onOutputTooLarge = act.stopReading;
    this.#stdout = new BoundedBuffer(spec.maxOutputBytes);
    // Before it runs there is nobody to signal: whoever starts it looks whether it is still wanted.
    this.#termination = new Termination(options.clock, (name) => {
      if (this.#phase.type === "running") this.#signal(name);
    });
    const { promise, resolve } = Promise.withResolvers<"unwanted">();
    this.unwanted = promise;
    this.#resolveUnwanted = resolve;
  }

  get endedByUs(): EndedByUs | undefined {
    return this.#endedByUs;
  }

  get isRunning(): boolean {
    return this.#phase.type === "running";
  }

  /** What it has printed so far. */
  get output(): Uint8Array {
    return this.#stdout.bytes;
  }

  kill(graceMs: number): void {
    if (this.#phase.type === "over") return;
    this.#endedByUs ??= { type: "killed" };
    this.#terminate(graceMs);
  }

  stdout(part: Uint8Array): void {
    if (this.#endedByUs?.type === "output-too-large" || this.#stdout.add(part)) return;
    this.#endedByUs ??= { type: "output-too-large", limitBytes: this.#spec.maxOutputBytes };
    this.#onOutputTooLarge();
    this.#terminate(0);
  }

  stderr(part: Uint8Array): void {
    this.#stderrTail.add(part);
    this.#options.stderrLog.write(this.#runKey, part);
  }

  /** The program runs, or has got what it waited for: its time counts from here. */
  begins(runKey = this.#runKey): void {
    this.#runKey = runKey;
    if (this.#phase.type === "over") return;
    const { clock } = this.#options;
    const { timeoutMs } = this.#spec;
    this.#phase = { type: "running", startedMs: clock.monotonicMs() };
    this.#termination.repeat();
    if (timeoutMs !== null) this.#cancelTimeout = clock.schedule(timeoutMs, () => this.#timeOut(timeoutMs));
  }

  /**
   * Waits for the end of the output, as `ends` tells it. At its bound we have closed it ourselves, also on its way to an
   * end that it was to have for another reason.
   *
   * @returns by what it was cut off; undefined: it came to its end
   * @throws what `ends` rejects with, where nobody has ended the run
   */
  async readsOutput(ends: Promise<void> | undefined): Promise<EndedByUs | undefined> {
    try {
      await ends;
      return undefined;
    } catch (error) {
      if (this.#endedByUs === undefined) throw error;
      return this.#endedByUs;
    }
  }

  /** What it came to by itself stands, even if it is asked to end from here on. Idempotent. */
  isOver(): void {
    if (this.#phase.type === "over") return;
    const nowMs = this.#options.clock.monotonicMs();
    const durationMs = this.#phase.type === "running" ? nowMs - this.#phase.startedMs : 0;
    this.#phase = { type: "over", durationMs };
    this.#termination.settle();
    this.#cancelTimeout?.();
  }

  endsWith(outcome: RunOutcome): ProgramEnd {
    this.isOver();
    return {
      type: "ended",
      result: {
        outcome,
        stdout: this.#stdout.bytes,
        stderrTail: this.#stderrTail.bytes,
        durationMs: this.#phase.type === "over" ? this.#phase.durationMs : 0,
        specVersion: this.#spec.version,
      },
    };
  }

  #timeOut(afterMs: number): void {
    this.#endedByUs ??= { type: "timed-out", afterMs };
    this.#terminate(this.#options.timeoutGraceMs ?? DEFAULT_TIMEOUT_GRACE_MS);
  }

  #terminate(graceMs: number): void {
    this.#resolveUnwanted("unwanted");
    this.#termination.request(graceMs);
  }
}
