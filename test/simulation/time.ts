import { drainMicrotasks } from "bun:jsc";
import { Heap } from "../../src/base/heap.ts";

interface Entry {
  readonly atMs: number;
  /** Entries of one moment are performed in the order in which they were made. */
  readonly order: number;
  readonly run: () => void;
  cancelled: boolean;
}

/**
 * Virtual time: everything that is still to happen is an entry here, and time jumps from one to the next.
 *
 * Promises take part: what an entry resolves has run to its end before the next entry begins. So one seed gives one
 * history, whatever the machine does meanwhile.
 */
export class VirtualTime {
  readonly #entries = new Heap<Entry>((a, b) => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order));
  #nowMs = 0;
  #order = 0;

  get nowMs(): number {
    return this.#nowMs;
  }

  /** @returns cancels it */
  schedule(delayMs: number, run: () => void): () => void {
    return this.scheduleAt(this.#nowMs + delayMs, run);
  }

  /** @returns cancels it */
  scheduleAt(atMs: number, run: () => void): () => void {
    const entry = { atMs: Math.max(this.#nowMs, atMs), order: ++this.#order, run, cancelled: false };
    this.#entries.push(entry);
    return () => {
      entry.cancelled = true;
    };
  }

  /** Performs the next entry. @returns false when nothing is left to happen */
  step(): boolean {
    for (let entry = this.#entries.pop(); entry !== undefined; entry = this.#entries.pop()) {
      if (entry.cancelled) continue;
      this.#nowMs = entry.atMs;
      entry.run();
      drainMicrotasks();
      return true;
    }
    return false;
  }
}
