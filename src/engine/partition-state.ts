import type { LaneId, OpenRecord } from "./open-record.ts";
import type { OffsetCommit } from "./ports.ts";
import { SettledOffsets } from "./settled-offsets.ts";

/** One partition under one owner: what is open, what is done, what was committed, and where reading stands. */
export class PartitionState {
  readonly partition: number;
  /** Records that were received and whose offset no commit has recorded yet. */
  readonly open = new Map<number, OpenRecord>();
  /** Those of them that Kafka has no more: nobody knows their keys. */
  readonly expired = new Set<OpenRecord>();
  /** Failed attempts of open records: they travel in the commit metadata. */
  readonly failedAttempts = new Map<number, number>();
  /** Done: outputs acknowledged. A commit makes it settled. */
  readonly done: SettledOffsets;
  /** Done since the last commit was built. */
  uncommitted: OpenRecord[] = [];
  /** What Kafka is known to hold: as read at the assignment, then as confirmed; null where the group never committed. */
  committed: { readonly offset: number; readonly metadata: string } | null;
  /** Under way; of what is settled above `coveredUntil` its metadata has no word. */
  committing:
    | { readonly commit: OffsetCommit; readonly records: readonly OpenRecord[]; readonly coveredUntil: number }
    | undefined;
  /** Commits since the last confirmed one, also those that failed: the coordinator may have any of them. */
  unanswered: OffsetCommit[] = [];
  /** The next offset to be read. */
  position: number;
  /** Offset of the first record that still exists. */
  logStart: number;
  highWatermark: number;
  paused = false;
  /** The record at the position is for a lane that is full; nothing is read until that has room. */
  waitsForLane: LaneId | undefined = undefined;
  /** From the position on offsets are missing; nothing is read until it is known whether a run has one of them. */
  waitsForRunner = false;
  /** False once another owner has it: whatever still arrives for it is dropped. */
  owned = true;

  constructor(partition: number, watermark: number, highWatermark: number, committed: PartitionState["committed"]) {
    this.partition = partition;
    this.done = new SettledOffsets(watermark);
    this.position = watermark;
    this.logStart = watermark;
    this.highWatermark = highWatermark;
    this.committed = committed;
  }

  /**
   * Moves on to `offset`. What lies between was compacted away, has expired or belongs to a transaction: nobody will ever
   * read it, and the watermark must not wait for it, but for the offsets that somebody has a run of.
   *
   * @param except in order
   */
  passGap(offset: number, except: readonly number[]): void {
    for (const kept of except) {
      this.done.addRange(this.position, kept);
      this.position = kept + 1;
    }
    this.done.addRange(this.position, offset);
    this.position = offset;
    // What never runs again has no more attempts to count, and no place in the metadata of a commit.
    for (const gone of this.failedAttempts.keys()) if (this.done.has(gone)) this.failedAttempts.delete(gone);
  }

  /** Whether it is kept from being read by something of its own, and not by how much is in flight. */
  get waits(): boolean {
    return this.waitsForLane !== undefined || this.waitsForRunner;
  }

  /** From the watermark to the highest offset read. */
  get span(): number {
    return this.position - this.done.watermark;
  }
}
