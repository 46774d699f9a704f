import { Heap } from "../base/heap.ts";
import type { OpenRecord } from "./open-record.ts";

/**
 * Which record runs next: the ready ones in the order of their receipt, so that a retried record does not queue behind
 * the whole backlog, and the waiting ones by the time at which they become ready.
 *
 * An entry whose record has gone on meanwhile (a twin came back, another owner took over) is passed when it comes up:
 * O(log n) an entry, and no search to remove one.
 */
export class Agenda {
  readonly #ready = new Heap<OpenRecord>((a, b) => a.sequence < b.sequence);
  readonly #waiting = new Heap<{ readonly open: OpenRecord; readonly dueMs: number }>((a, b) => a.dueMs < b.dueMs);

  /** Whether anything may be ready; entries that have gone on are counted until they come up. */
  get hasReady(): boolean {
    return this.#ready.size > 0;
  }

  /** When the first waiting record becomes ready. */
  get dueMs(): number | undefined {
    return this.#waiting.peek()?.dueMs;
  }

  makeReady(open: OpenRecord): void {
    open.enter("ready");
    this.#ready.push(open);
  }

  wait(open: OpenRecord, dueMs: number): void {
    open.enter("waiting");
    open.dueMs = dueMs;
    this.#waiting.push({ open, dueMs });
  }

  wake(nowMs: number): void {
    for (let next = this.#waiting.peek(); next !== undefined && next.dueMs <= nowMs; next = this.#waiting.peek()) {
      this.#waiting.pop();
      const { open, dueMs } = next;
      if (open.phase === "waiting" && open.dueMs === dueMs && open.partition.owned) this.makeReady(open);
    }
  }

  takeReady(): OpenRecord | undefined {
    for (let open = this.#ready.pop(); open !== undefined; open = this.#ready.pop()) {
      if (open.phase === "ready" && open.partition.owned) return open;
    }
    return undefined;
  }
}
