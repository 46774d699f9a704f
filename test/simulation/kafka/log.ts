import type { InputRecord } from "../../../src/engine/ports.ts";

export interface LogBatch {
  readonly records: readonly InputRecord[];
  readonly nextOffset: number;
}

/** One partition of the input topic. Offsets without a record (null) are control records, or compacted away. */
export class PartitionLog {
  readonly #entries: (InputRecord | null)[] = [];
  readonly #waiting: (() => void)[] = [];
  #start = 0;

  /** Offset of the first record that still exists. */
  get start(): number {
    return this.#start;
  }

  /** Retention takes what lies below `upTo` and before what is to be kept. @returns the offsets of records that are gone */
  expire(upTo: number, keep: (offset: number) => boolean): readonly number[] {
    const gone: number[] = [];
    for (; this.#start < upTo && !keep(this.#start); this.#start++) {
      if (this.#entries[this.#start] != null) gone.push(this.#start);
    }
    return gone;
  }

  get end(): number {
    return this.#entries.length;
  }

  append(make: (offset: number) => InputRecord | null): void {
    this.#entries.push(make(this.#entries.length));
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** As a fetch sees it: only records, and the position after what was looked at. */
  read(from: number, maxRecords: number): LogBatch | "out-of-range" {
    if (from < this.#start) return "out-of-range";
    const records: InputRecord[] = [];
    let at = from;
    for (; at < this.end && records.length < maxRecords; at++) {
      const entry = this.#entries[at] ?? null;
      if (entry !== null) records.push(entry);
    }
    return { records, nextOffset: at };
  }

  /** Calls back once there is something at `offset`: a long poll. */
  whenBeyond(offset: number, wake: () => void): void {
    if (offset < this.end) return wake();
    this.#waiting.push(() => this.whenBeyond(offset, wake));
  }
}
