import { type Clock, systemClock } from "../../src/base/clock.ts";

/** The real time, but for waits of one length: they are over when the test says so, and not before. */
export class HeldClock implements Clock {
  readonly #heldMs: number;
  readonly #held = new Set<() => void>();

  constructor(heldMs: number) {
    this.#heldMs = heldMs;
  }

  /** Waits of that length that have neither been cancelled nor let go. */
  get waiting(): number {
    return this.#held.size;
  }

  release(): void {
    const due = [...this.#held];
    this.#held.clear();
    for (const run of due) run();
  }

  wallMs(): number {
    return systemClock.wallMs();
  }

  monotonicMs(): number {
    return systemClock.monotonicMs();
  }

  sleep(ms: number, options?: { signal?: AbortSignal }): Promise<void> {
    return systemClock.sleep(ms, options);
  }

  schedule(ms: number, run: () => void): () => void {
    if (ms !== this.#heldMs) return systemClock.schedule(ms, run);
    this.#held.add(run);
    return () => void this.#held.delete(run);
  }
}
