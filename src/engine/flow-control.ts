import type { OpenRecord } from "./open-record.ts";
import type { PartitionState } from "./partition-state.ts";

export interface FlowBounds {
  readonly records: number;
  readonly bytes: number;
  /** Longest distance from a partition's watermark to the highest offset read. */
  readonly span: number;
}

export interface FlowChange {
  readonly pause: readonly number[];
  readonly resume: readonly number[];
}

/** Once full, reading goes on when this share of the bounds is left: not at every single record. */
const RESUME_AT = 0.75;

/**
 * Bounds what is in flight (promise I6): reading pauses at the bound and goes on well below it. A batch that is under
 * way when a partition is paused may still arrive, so the bounds can be passed by what one fetch brings, and by what
 * the runs bring that were started before.
 *
 * O(1) a record; all partitions are walked only where fullness or reading as such changes.
 */
export class FlowControl {
  #records = 0;
  #bytes = 0;
  #outputBytes = 0;
  #open = true;
  #reading = true;
  readonly #touched = new Set<PartitionState>();

  get records(): number {
    return this.#records;
  }

  /** Of inputs, and of outputs that wait to be sent. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Of outputs that wait to be sent. */
  get outputBytes(): number {
    return this.#outputBytes;
  }

  /** Whether partitions may be read at all. */
  get open(): boolean {
    return this.#open;
  }

  enter(open: OpenRecord): void {
    this.#records++;
    this.#bytes += open.bytes;
  }

  leave(open: OpenRecord): void {
    this.sent(open);
    this.#records--;
    this.#bytes -= open.bytes;
  }

  /** What it has come to waits to be sent, in the place of what waited before. */
  holds(open: OpenRecord, outputBytes: number): void {
    const more = outputBytes - open.outputBytes;
    open.outputBytes = outputBytes;
    this.#outputBytes += more;
    this.#bytes += more;
  }

  sent(open: OpenRecord): void {
    this.holds(open, 0);
  }

  /** The partition's span has changed. */
  touch(partition: PartitionState): void {
    this.#touched.add(partition);
  }

  /** What to pause and resume now. */
  change(partitions: Iterable<PartitionState>, reading: boolean, bounds: FlowBounds): FlowChange {
    this.#reading = reading;
    const share = this.#open ? 1 : RESUME_AT;
    const open = reading && this.#records < bounds.records * share && this.#bytes < bounds.bytes * share;
    const all = open !== this.#open;
    this.#open = open;
    const pause: number[] = [];
    const resume: number[] = [];
    for (const state of all ? partitions : this.#touched) {
      const paused = !open || state.span >= bounds.span || state.waits;
      if (!state.owned || paused === state.paused) continue;
      state.paused = paused;
      (paused ? pause : resume).push(state.partition);
    }
    this.#touched.clear();
    return { pause, resume };
  }

  /** Which bound keeps the partition from being read, for people; undefined where none does. */
  reason({ paused, span }: PartitionState, bounds: FlowBounds): string | undefined {
    if (!paused) return undefined;
    if (!this.#reading) return "nothing more is read: what was read is being finished";
    if (!this.#open) {
      const isFull = this.#records >= bounds.records * RESUME_AT;
      const [has, most] = isFull ? [this.#records, bounds.records] : [this.#bytes, bounds.bytes];
      const unit = isFull ? "records" : "bytes";
      return `${has} ${unit} are in flight, of ${most}; reading goes on below ${Math.ceil(most * RESUME_AT)}`;
    }
    return `${span} offsets lie between the watermark and the next to be read, of ${bounds.span}`;
  }
}
