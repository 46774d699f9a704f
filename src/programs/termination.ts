import type { Clock } from "../base/clock.ts";

export type EndSignal = "SIGTERM" | "SIGKILL";

/** Ends a program with grace: SIGTERM, and SIGKILL if it is still there after a while. */
export class Termination {
  readonly #clock: Clock;
  readonly #signal: (name: EndSignal) => void;
  #wanted: { readonly killAtMs: number; cancel(): void } | undefined;

  constructor(clock: Clock, signal: (name: EndSignal) => void) {
    this.#clock = clock;
    this.#signal = signal;
  }

  get isWanted(): boolean {
    return this.#wanted !== undefined;
  }

  /** SIGTERM now, SIGKILL after `graceMs` (at once where that is 0). A repetition counts where it is earlier. */
  request(graceMs: number): void {
    const killAtMs = this.#clock.monotonicMs() + Math.max(0, graceMs);
    if (this.#wanted !== undefined && this.#wanted.killAtMs <= killAtMs) return;
    const isFirst = this.#wanted === undefined;
    this.#wanted?.cancel();
    if (graceMs <= 0) {
      this.#wanted = { killAtMs, cancel: () => undefined };
      this.#signal("SIGKILL");
      return;
    }
    this.#wanted = { killAtMs, cancel: this.#clock.schedule(graceMs, () => this.#signal("SIGKILL")) };
    if (isFirst) this.#signal("SIGTERM");
  }

  /** Signals again: the program could not be reached before. Nothing where its end was not requested. */
  repeat(): void {
    if (this.#wanted === undefined) return;
    this.#signal(this.#clock.monotonicMs() < this.#wanted.killAtMs ? "SIGTERM" : "SIGKILL");
  }

  /** The program has ended: no SIGKILL is to come any more. */
  settle(): void {
    this.#wanted?.cancel();
  }
}
