import { Heap } from "../../base/heap.ts";

/** Deadlines of a core, in order. An entry that is no longer wanted stays until it is due: whoever takes it checks. */
export class Timers<T> {
  readonly #heap = new Heap<{ readonly atMs: number; readonly item: T }>((a, b) => a.atMs < b.atMs);

  set(atMs: number, item: T): void {
    this.#heap.push({ atMs, item });
  }

  /** When the next entry is due; undefined where there is none. */
  get nextMs(): number | undefined {
    return this.#heap.peek()?.atMs;
  }

  /** Takes the first entry that is due at `nowMs`. */
  take(nowMs: number): T | undefined {
    const first = this.#heap.peek();
    if (first === undefined || first.atMs > nowMs) return undefined;
    this.#heap.pop();
    return first.item;
  }
}
