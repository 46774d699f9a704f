import { Heap } from "../base/heap.ts";

/** An alarm that is set; it names its own end when it is cancelled. */
export interface Alarm<Purpose> {
  readonly atMs: number;
  readonly purpose: Purpose;
  pending: boolean;
}

/** Under this many entries cancelled alarms are not worth clearing away. */
const SMALLEST_SWEEP = 1024;

/**
 * What is to happen later, earliest first. Time comes from outside.
 *
 * Most alarms are cancelled long before their time (a task usually ends before it counts as silent), so that cancelling
 * only marks, and the heap is rebuilt once more than half of it is dead: amortised O(log n) each.
 */
export class Alarms<Purpose> {
  #heap = newHeap<Purpose>();
  #cancelled = 0;

  set(atMs: number, purpose: Purpose): Alarm<Purpose> {
    const alarm = { atMs, purpose, pending: true };
    this.#heap.push(alarm);
    return alarm;
  }

  cancel(alarm: Alarm<Purpose> | undefined): void {
    if (alarm === undefined || !alarm.pending) return;
    alarm.pending = false;
    this.#cancelled++;
    if (this.#cancelled > SMALLEST_SWEEP && this.#cancelled * 2 > this.#heap.size) this.#sweep();
  }

  /** When the next alarm is due. */
  next(): number | undefined {
    this.#skipCancelled();
    return this.#heap.peek()?.atMs;
  }

  /** Takes the earliest alarm that is due, one at a time: what it causes may cancel others. */
  takeDue(nowMs: number): Purpose | undefined {
    this.#skipCancelled();
    const first = this.#heap.peek();
    if (first === undefined || first.atMs > nowMs) return undefined;
    this.#heap.pop();
    first.pending = false;
    return first.purpose;
  }

  #skipCancelled(): void {
    for (let first = this.#heap.peek(); first !== undefined && !first.pending; first = this.#heap.peek()) {
      this.#heap.pop();
      this.#cancelled--;
    }
  }

  #sweep(): void {
    const live = newHeap<Purpose>();
    for (let alarm = this.#heap.pop(); alarm !== undefined; alarm = this.#heap.pop()) {
      if (alarm.pending) live.push(alarm);
    }
    this.#heap = live;
    this.#cancelled = 0;
  }
}

function newHeap<Purpose>(): Heap<Alarm<Purpose>> {
  return new Heap((a, b) => a.atMs < b.atMs);
}
