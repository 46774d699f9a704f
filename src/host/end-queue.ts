import type { Clock } from "../base/clock.ts";

/** Ends that come so close to each other are handed on together. */
const HOLD_MS = 2;

/**
 * Hands on how programs ended, in order, and several at once where they end shortly after each other: the update of each,
 * and all that follows from it at the agent, the master, the scheduler and Kafka, then travels with the others. The end of
 * the only program that ran is not held.
 */
export class EndQueue<End> {
  readonly #clock: Clock;
  readonly #handOn: (end: End) => void;
  #held: End[] = [];
  #cancelTimer: (() => void) | undefined;

  constructor(clock: Clock, handOn: (end: End) => void) {
    this.#clock = clock;
    this.#handOn = handOn;
  }

  /** @param othersRun whether another end may follow soon */
  add(end: End, othersRun: boolean): void {
    this.#held.push(end);
    if (!othersRun) this.#release();
    else this.#cancelTimer ??= this.#clock.schedule(HOLD_MS, () => this.#release());
  }

  #release(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const ends = this.#held;
    this.#held = [];
    for (const end of ends) this.#handOn(end);
  }
}
