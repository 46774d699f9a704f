import { decodeCommitMetadata, encodeCommitMetadata } from "./commit-metadata.ts";
import type { OpenRecord } from "./open-record.ts";
import type { PartitionState } from "./partition-state.ts";
import type { OffsetCommit } from "./ports.ts";
import { SettledOffsets } from "./settled-offsets.ts";
import type { CommitFailure, CommitId } from "./tracker-events.ts";

export interface CommitCycleOptions {
  /** Least time from the end of one commit to the start of the next, so that many records share one. */
  readonly intervalMs: number;
  readonly metadataLimitBytes: number;
}

export interface BuiltCommit {
  readonly commitId: CommitId;
  readonly offsets: readonly OffsetCommit[];
}

export interface Confirmed {
  readonly partition: number;
  /** Settled by it. */
  readonly records: readonly OpenRecord[];
  /** How many of them had no place in its metadata. */
  readonly dropped: number;
}

const FAILED_PAUSE_MS = 500;
/** More commits without an answer are not remembered: should Kafka have one before them, what it settles runs again. */
const MAX_UNANSWERED = 100;

/** Groups commits: one in flight at a time, each with all partitions that changed since the last. */
export class CommitCycle {
  readonly #options: CommitCycleOptions;
  readonly #dirty = new Set<PartitionState>();
  #inFlight: { readonly id: CommitId; readonly partitions: readonly PartitionState[] } | undefined;
  /** Halved whenever the broker says that it takes less. */
  #metadataLimitBytes: number;
  #lastId = 0;
  #notBeforeMs = 0;

  constructor(options: CommitCycleOptions) {
    this.#options = options;
    this.#metadataLimitBytes = options.metadataLimitBytes;
  }

  /** Whether a commit is under way or due: nothing is lost by stopping only when this is false. */
  get busy(): boolean {
    return this.#inFlight !== undefined || this.#dirty.size > 0;
  }

  /** When {@link build} may have something to say; undefined while one is in flight or nothing changed. */
  get dueMs(): number | undefined {
    return this.#inFlight === undefined && this.#dirty.size > 0 ? this.#notBeforeMs : undefined;
  }

  changed(partition: PartitionState): void {
    this.#dirty.add(partition);
  }

  forget(partition: PartitionState): void {
    this.#dirty.delete(partition);
  }

  build(nowMs: number): BuiltCommit | undefined {
    if (this.dueMs === undefined || this.dueMs > nowMs) return undefined;
    const offsets: OffsetCommit[] = [];
    for (const partition of this.#dirty) {
      const { done } = partition;
      const { metadata, coveredUntil } = encodeCommitMetadata(done, partition.failedAttempts, this.#metadataLimitBytes);
      const commit = { partition: partition.partition, offset: done.watermark, metadata };
      partition.committing = { commit, records: partition.uncommitted, coveredUntil };
      partition.uncommitted = [];
      partition.unanswered.push(commit);
      if (partition.unanswered.length > MAX_UNANSWERED) partition.unanswered.shift();
      offsets.push(commit);
    }
    const id = ++this.#lastId;
    this.#inFlight = { id, partitions: [...this.#dirty] };
    this.#dirty.clear();
    return { commitId: id, offsets };
  }

  committed(id: CommitId, nowMs: number): readonly Confirmed[] {
    return this.#end(id, nowMs).flatMap((partition) => confirm(partition) ?? []);
  }

  /**
   * Nothing is known to be committed: all of it goes into the next commit; after a stale one that waits for the next
   * assignment, which tells who owns what.
   */
  failed(id: CommitId, failure: CommitFailure, nowMs: number): void {
    if (failure === "metadata-too-large") this.#metadataLimitBytes = Math.floor(this.#metadataLimitBytes / 2);
    // An unanswered commit was tried for long already; hurry would only load a cluster in trouble.
    const pauseMs = failure === "unavailable" ? FAILED_PAUSE_MS : 0;
    for (const partition of this.#end(id, nowMs + pauseMs)) {
      if (partition.committing === undefined) continue;
      partition.uncommitted = [...partition.committing.records, ...partition.uncommitted];
      partition.committing = undefined;
      if (partition.owned && failure !== "stale") this.#dirty.add(partition);
    }
  }

  #end(id: CommitId, nowMs: number): readonly PartitionState[] {
    if (this.#inFlight?.id !== id) return [];
    const { partitions } = this.#inFlight;
    this.#inFlight = undefined;
    this.#notBeforeMs = nowMs + this.#options.intervalMs;
    return partitions;
  }
}

/** Kafka holds what was being committed; undefined where nothing was. */
function confirm(partition: PartitionState): Confirmed | undefined {
  const { committing } = partition;
  if (committing === undefined) return undefined;
  partition.committing = undefined;
  partition.unanswered = [];
  partition.committed = { offset: committing.commit.offset, metadata: committing.commit.metadata };
  const { records, coveredUntil } = committing;
  const dropped = records.reduce((count, { record }) => count + (record.offset < coveredUntil ? 0 : 1), 0);
  return { partition: partition.partition, records, dropped };
}

/**
 * Takes note of what Kafka turns out to hold, where that is a commit of ours which was never answered; others may have
 * been sent after it in vain.
 *
 * @returns the records that are settled by it; the others are to be committed anew
 */
export function confirmUnanswered(
  partition: PartitionState,
  held: { readonly offset: number; readonly metadata: string },
): readonly OpenRecord[] {
  const isOurs = partition.unanswered.some((one) => one.offset === held.offset && one.metadata === held.metadata);
  if (!isOurs) return [];
  partition.unanswered = [];
  partition.committed = held;
  const settled = new SettledOffsets(held.offset);
  const known = decodeCommitMetadata(held.metadata, held.offset);
  for (const [start, end] of known.type === "known" ? known.runs : []) settled.addRange(start, end);
  const isSettled = ({ record }: OpenRecord): boolean => settled.has(record.offset);
  const done = [...(partition.committing?.records ?? []), ...partition.uncommitted];
  partition.committing = undefined;
  partition.uncommitted = done.filter((open) => !isSettled(open));
  return done.filter(isSettled);
}
