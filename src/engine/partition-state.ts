import type { LaneId } from "./lanes.ts";
import type { OpenRecord } from "./open-record.ts";
import type { OffsetCommit } from "./ports.ts";
import { SettledOffsets } from "./settled-offsets.ts";

/** One partition under one owner: what is open, what is done, what was committed, and where reading stands. */
export class PartitionState {
  readonly partition: number;
  /** Records that were received and whose offset no commit has recorded yet. */
  readonly open = new Map<number, OpenRecord>();
  /** Failed attempts of open records: they travel in the commit metadata. */
  readonly failedAttempts = new Map<number, number>();
  /** Done: outputs acknowledged. A commit makes it settled. */
  readonly done: SettledOffsets;
  /** Done since the last commit was built. */
  uncommitted: OpenRecord[] = [];
  /** What Kafka is known to hold: as read at the assignment, then as confirmed; null where the group never committed. */
  committed: { readonly offset: number; readonly metadata: string } | null;
  /** Under way. */
  committing: { readonly commit: OffsetCommit; readonly records: readonly OpenRecord[] } | undefined;
  /** Commits since the last confirmed one, also those that failed: the coordinator may have any of them. */
  unanswered: OffsetCommit[] = [];
  /** The next offset to be read. */
  position: number;
  highWatermark: number;
  paused = false;
  /** The record at the position is for a lane that is full; nothing is read until that has room. */
  waitsForLane: LaneId | undefined = undefined;
  /** False once another owner has it: whatever still arrives for it is dropped. */
  owned = true;

  constructor(partition: number, watermark: number, highWatermark: number, committed: PartitionState["committed"]) {
    this.partition = partition;
    this.done = new SettledOffsets(watermark);
    this.position = watermark;
    this.highWatermark = highWatermark;
    this.committed = committed;
  }

  /**
   * Moves on to `offset`. What lies between was compacted away or belongs to a transaction: nobody will ever read it, and
   * the watermark must not wait for it.
   */
  passGap(offset: number): void {
    if (offset <= this.position) return;
    this.done.addRange(this.position, offset);
    this.position = offset;
  }

  /** From the watermark to the highest offset read. */
  get span(): number {
    return this.position - this.done.watermark;
  }
}
