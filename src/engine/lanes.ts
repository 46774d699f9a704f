import type { ProcessorSpec } from "../config/processor.ts";
import type { OpenRecord } from "./open-record.ts";

/**
 * Order on request (promise I5): records of one lane go one at a time, in input order. A lane is a key within a
 * partition, a whole partition, or, without ordering, each record by itself. The head of a lane keeps its place through
 * retries; the next one may start when the head's outputs are acknowledged.
 *
 * O(1) a record. A lane exists only while it holds a record.
 */
export class Lanes {
  /** Lane → its records; the first is the head. */
  readonly #lanes = new Map<string, OpenRecord[]>();

  /** @returns whether the record may start now; otherwise {@link leave} of the one before it says when */
  enter(open: OpenRecord, ordering: ProcessorSpec["ordering"]): boolean {
    const lane = laneOf(open, ordering);
    if (lane === undefined) return true;
    open.lane = lane;
    const queue = this.#lanes.get(lane);
    if (queue !== undefined) {
      queue.push(open);
      return false;
    }
    this.#lanes.set(lane, [open]);
    return true;
  }

  /** The record is done. @returns the next of its lane, which may start now */
  leave(open: OpenRecord): OpenRecord | undefined {
    if (open.lane === undefined) return undefined;
    const queue = this.#lanes.get(open.lane);
    if (queue === undefined || queue[0] !== open) return undefined;
    queue.shift();
    if (queue.length === 0) this.#lanes.delete(open.lane);
    return queue[0];
  }

  /** Forgets every record of the partition. */
  drop(partition: number): void {
    for (const lane of this.#lanes.keys()) if (lane.startsWith(`${partition}:`)) this.#lanes.delete(lane);
  }
}

function laneOf({ record }: OpenRecord, ordering: ProcessorSpec["ordering"]): string | undefined {
  if (ordering === "partition") return `${record.partition}:`;
  if (ordering === "none" || record.key === null) return undefined;
  return `${record.partition}:${Buffer.from(record.key).toString("latin1")}`;
}
