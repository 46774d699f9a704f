import type { ProcessorSpec } from "../config/processor.ts";
import type { LaneId, OpenRecord } from "./open-record.ts";
import type { InputRecord, RunId } from "./ports.ts";

/** What may wait behind the head of one lane. */
export interface LaneShare {
  readonly records: number;
  readonly bytes: number;
}

/** A lane that was full is entered again when so much of its share is left: not at every single record. */
const ENTER_AGAIN_AT = 0.5;

interface Lane {
  /** The first is the head. */
  readonly queue: OpenRecord[];
  /** Of those behind the head. */
  waitingBytes: number;
}

/**
 * Order on request (promise I5): records of one lane go one at a time, in input order. A lane is a key within a
 * partition, a whole partition, or, without ordering, each record by itself. The head of a lane keeps its place through
 * retries; the next one may start when the head's outputs are acknowledged.
 *
 * A lane takes no more than its share, so that one hot key does not fill the window. A record for a lane that is full
 * cannot be passed over, since a partition is read in order: reading it stops there until the lane has room.
 *
 * O(1) a record. A lane exists only while it holds a record.
 */
export class Lanes {
  readonly #lanes = new Map<LaneId, Lane>();

  /** Whether the lane has no place for another record. */
  isFull(id: LaneId, share: LaneShare): boolean {
    const lane = this.#lanes.get(id);
    return lane !== undefined && (waiting(lane) >= share.records || lane.waitingBytes >= share.bytes);
  }

  /** Whether a lane that was full has room for many. */
  hasRoom(id: LaneId, share: LaneShare): boolean {
    const lane = this.#lanes.get(id);
    if (lane === undefined) return true;
    return waiting(lane) <= share.records * ENTER_AGAIN_AT && lane.waitingBytes <= share.bytes * ENTER_AGAIN_AT;
  }

  /** @returns whether the record may start now; otherwise {@link leave} of the one before it says when */
  enter(open: OpenRecord, id: LaneId | undefined): boolean {
    if (id === undefined) return true;
    open.lane = id;
    const lane = this.#lanes.get(id);
    if (lane === undefined) {
      this.#lanes.set(id, { queue: [open], waitingBytes: 0 });
      return true;
    }
    lane.queue.push(open);
    lane.waitingBytes += open.bytes;
    return false;
  }

  /** The record is done. @returns the next of its lane, which may start now */
  leave(open: OpenRecord): OpenRecord | undefined {
    if (open.lane === undefined) return undefined;
    const lane = this.#lanes.get(open.lane);
    if (lane === undefined || lane.queue[0] !== open) return undefined;
    lane.queue.shift();
    const next = lane.queue[0];
    if (next === undefined) this.#lanes.delete(open.lane);
    else lane.waitingBytes -= next.bytes;
    return next;
  }

  /** Whether none of its lane goes before it. */
  isTurnOf(open: OpenRecord): boolean {
    return open.lane === undefined || this.head(open.lane) === open;
  }

  /** The one that goes first in the lane; undefined where nothing is in it. */
  head(id: LaneId): OpenRecord | undefined {
    return this.#lanes.get(id)?.queue[0];
  }

  /** A run of another record of the lane, found again ahead of its turn. */
  runBeside(open: OpenRecord): RunId | undefined {
    if (open.lane === undefined) return undefined;
    for (const other of this.#lanes.get(open.lane)?.queue ?? []) {
      if (other === open) continue;
      const alive = other.runs.find(({ phase }) => phase !== "ended");
      if (alive !== undefined) return alive.id;
    }
    return undefined;
  }

  /** Forgets every record of the partition. */
  drop(partition: number): void {
    for (const id of this.#lanes.keys()) if (id.startsWith(`${partition}:`)) this.#lanes.delete(id);
  }
}

/** undefined: it need not wait for any other. */
export function laneOf(record: InputRecord, ordering: ProcessorSpec["ordering"]): LaneId | undefined {
  if (ordering === "partition") return `${record.partition}:`;
  if (ordering === "none" || record.key === null) return undefined;
  return `${record.partition}:${Buffer.from(record.key).toString("latin1")}`;
}

function waiting({ queue }: Lane): number {
  return queue.length - 1;
}
