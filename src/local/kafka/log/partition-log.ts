import { type ControlType, encodeControlBatch } from "../../../kafka/records/control-batch.ts";
import {
  peekLastOffset,
  type RecordBatchHeader,
  stampAppendTime,
  stampOffset,
} from "../../../kafka/records/record-batch.ts";
import { ErrorCode } from "../protocol/error-codes.ts";
import type { AbortedTransaction, AbortedTransactions } from "./aborted-transactions.ts";
import type { BatchStore } from "./batch-store.ts";
import type { ProducerBatch } from "./batch-types.ts";
import { type Begun, OpenTransactions } from "./open-transactions.ts";
import { ProducerStates } from "./producer-states.ts";
import { findTimestamp, type TimestampPosition } from "./record-scan.ts";
import type { Retained, SizedPosition } from "./retention.ts";

/** One broker leads everything for ever. */
export const LEADER_EPOCH = 0;

export interface PartitionLogOptions {
  /** Its number in the database, never used twice. */
  readonly id: number;
  readonly topic: string;
  readonly number: number;
  readonly logStartOffset: number;
  readonly store: BatchStore;
  readonly aborted: AbortedTransactions;
  /** Transactions that have written here and not ended, in the order of offsets. */
  readonly open: readonly Begun[];
}

export interface AppendTime {
  /** The broker's time. */
  readonly nowMs: number;
  /** Whether it replaces the producer's. */
  readonly isLogAppendTime: boolean;
}

/** A producer that gives no time writes this. */
const NO_TIMESTAMP = -1;

/** What readers may see: all records, or those that are not part of an open transaction nor behind one. */
export type Isolation = "uncommitted" | "committed";

export interface Appended {
  readonly errorCode: ErrorCode;
  readonly errorMessage: string | null;
  /** −1 after an error. */
  readonly baseOffset: number;
  /** Newest timestamp of the batch as it is stored. */
  readonly maxTimestampMs: number;
}

/** Told how many bytes more may be read; 0 where the partition was removed. */
export type AppendListener = (bytes: number) => void;

/** What ends a transaction in a partition. */
export interface Marker {
  readonly type: ControlType;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly timestampMs: number;
}

/** One coordinator decides about all transactions for ever. */
const COORDINATOR_EPOCH = 0;

/**
 * The log of one partition.
 *
 * Appending has two steps, since several partitions share a transaction: {@link stage} inside it, then
 * {@link publish} or {@link discard}. Readers see published records only.
 */
export class PartitionLog implements Retained {
  readonly id: number;
  readonly topic: string;
  readonly number: number;
  readonly #store: BatchStore;
  readonly #aborted: AbortedTransactions;
  readonly #producers: ProducerStates;
  readonly #open: OpenTransactions;
  readonly #listeners: Readonly<Record<Isolation, Set<AppendListener>>> = {
    uncommitted: new Set(),
    committed: new Set(),
  };
  #logStartOffset: number;
  #endOffset: number;
  #stagedEndOffset: number;
  #stagedBytes = 0;
  #removed = false;

  constructor({ id, topic, number, logStartOffset, store, aborted, open }: PartitionLogOptions) {
    this.id = id;
    this.topic = topic;
    this.number = number;
    this.#store = store;
    this.#logStartOffset = logStartOffset;
    this.#aborted = aborted;
    this.#producers = new ProducerStates((producerId) => store.producer(id, producerId));
    this.#open = new OpenTransactions(open);
    this.#endOffset = Math.max(logStartOffset, (store.last(id)?.lastOffset ?? -1) + 1);
    this.#stagedEndOffset = this.#endOffset;
  }

  /** Offset of the first record that still exists. */
  get logStartOffset(): number {
    return this.#logStartOffset;
  }

  /** Offset that the next record will get. With one broker the same as the log end offset. */
  get highWatermark(): number {
    return this.#endOffset;
  }

  /** End of what a reader of committed records may see: all transactions that began before it have ended. */
  get lastStableOffset(): number {
    const first = this.#open.firstOffset;
    return first === undefined ? this.#endOffset : Math.max(first, this.#logStartOffset);
  }

  /** End of what a reader may see. */
  endFor(isolation: Isolation): number {
    return isolation === "committed" ? this.lastStableOffset : this.highWatermark;
  }

  get stableOffset(): number {
    return this.lastStableOffset;
  }

  get sizeBytes(): number {
    return this.#store.sizeBetween(this.id, this.#logStartOffset, this.#endOffset);
  }

  batchesFrom(offset: number): readonly SizedPosition[] {
    return this.#store.sizedFrom(this.id, offset);
  }

  /** What stands before `offset` was deleted. */
  startAt(offset: number): void {
    this.#logStartOffset = offset;
  }

  /** Whether its topic was deleted: nothing may be appended or read any more. */
  get removed(): boolean {
    return this.#removed;
  }

  /**
   * Gives the batch its offsets and writes it, within the open transaction. `batch` is changed in place and kept.
   */
  stage(batch: Uint8Array, header: RecordBatchHeader, { nowMs, isLogAppendTime }: AppendTime): Appended {
    if (this.#removed) return failed(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, "the topic was deleted");
    if (header.producerId >= 0) {
      const verdict = this.#producers.check(header);
      if (verdict.type === "refuse") return failed(verdict.errorCode, verdict.reason);
      if (verdict.type === "duplicate") return appended(verdict.of);
      if (!header.isTransactional && this.isInTransaction(header.producerId)) {
        return failed(
          ErrorCode.INVALID_TXN_STATE,
          "the producer has an open transaction, and this batch is outside it",
        );
      }
    }
    const baseOffset = this.#stagedEndOffset;
    stampOffset(batch, baseOffset, LEADER_EPOCH);
    if (isLogAppendTime) stampAppendTime(batch, nowMs);
    // Records without a time count as of now, so that they age.
    const hasOwnTime = !isLogAppendTime && header.maxTimestampMs !== NO_TIMESTAMP;
    const stored = {
      baseOffset,
      lastOffset: baseOffset + header.lastOffsetDelta,
      maxTimestampMs: hasOwnTime ? header.maxTimestampMs : nowMs,
      producerEpoch: header.producerEpoch,
      baseSequence: header.baseSequence,
    };
    this.#store.insert(this.id, { ...stored, producerId: header.producerId, bytes: batch });
    if (header.producerId >= 0) this.#producers.stage(header.producerId, stored);
    if (header.isTransactional && !this.isInTransaction(header.producerId)) {
      this.#open.stageBegin(header.producerId, baseOffset);
    }
    this.#stagedEndOffset = stored.lastOffset + 1;
    this.#stagedBytes += batch.byteLength;
    return appended(stored);
  }

  /** Whether the producer has written here in a transaction that has not ended, with what is staged. */
  isInTransaction(producerId: number): boolean {
    return this.#open.firstOffsetOf(producerId) !== undefined;
  }

  /** Writes a control record, within the database's open transaction: the producer's transaction ends here. */
  stageMarker({ type, producerId, producerEpoch, timestampMs }: Marker): void {
    const batch = encodeControlBatch({
      type,
      producerId,
      producerEpoch,
      timestampMs,
      coordinatorEpoch: COORDINATOR_EPOCH,
    });
    const offset = this.#stagedEndOffset;
    stampOffset(batch, offset, LEADER_EPOCH);
    const position = { baseOffset: offset, lastOffset: offset, maxTimestampMs: timestampMs };
    this.#store.insert(this.id, { ...position, producerId, producerEpoch, baseSequence: -1, bytes: batch });
    this.#producers.stageEpoch(producerId, producerEpoch);
    this.#stagedEndOffset = offset + 1;
    this.#stagedBytes += batch.byteLength;
    const firstOffset = this.#open.firstOffsetOf(producerId);
    if (firstOffset === undefined) return;
    this.#open.stageEnd(producerId);
    if (type === "commit") return;
    const stableOffset = this.#open.stagedFirstOffset ?? this.#stagedEndOffset;
    this.#aborted.insert(this.id, { producerId, firstOffset, lastOffset: offset, stableOffset });
  }

  /** The transaction is durable: makes what was staged visible, and wakes those who wait for it. */
  publish(): void {
    const bytes = this.#stagedBytes;
    const stableBefore = this.lastStableOffset;
    const endBefore = this.#endOffset;
    this.#endOffset = this.#stagedEndOffset;
    this.#stagedBytes = 0;
    this.#producers.publish();
    this.#open.publish();
    if (bytes === 0) return;
    this.#notify("uncommitted", bytes);
    const stable = this.lastStableOffset;
    if (this.#listeners.committed.size === 0 || stable === stableBefore) return;
    const isPlain = stableBefore === endBefore && stable === this.#endOffset;
    this.#notify("committed", isPlain ? bytes : this.#store.sizeBetween(this.id, stableBefore, stable));
  }

  discard(): void {
    this.#stagedEndOffset = this.#endOffset;
    this.#stagedBytes = 0;
    this.#producers.discard();
    this.#open.discard();
  }

  /** Whole batches from the one that holds `offset`, at most `maxBytes`; see {@link BatchStore.read}. */
  read(offset: number, maxBytes: number, atLeastOne: boolean, isolation: Isolation = "uncommitted"): Uint8Array[] {
    const end = this.endFor(isolation);
    if (offset >= end) return [];
    return this.#store.read(this.id, offset, end, maxBytes, atLeastOne);
  }

  /** The aborted transactions of which records are among the batches that were read from `offset` on. */
  abortedIn(offset: number, batches: readonly Uint8Array[]): AbortedTransaction[] {
    const last = batches.at(-1);
    return last === undefined ? [] : this.#aborted.within(this.id, offset, peekLastOffset(last) + 1);
  }

  /** The first record whose timestamp is `timestampMs` or later. */
  findTimestamp(timestampMs: number): TimestampPosition | undefined {
    for (let from = this.#store.batchAt(this.id, this.#logStartOffset); ; ) {
      const position = this.#store.firstSince(this.id, from, timestampMs);
      const batch = position === undefined ? undefined : this.#store.bytesAt(this.id, position.baseOffset);
      if (position === undefined || batch === undefined) return undefined;
      const found = findTimestamp(batch, timestampMs, this.#logStartOffset);
      if (found !== undefined) return found;
      from = position.lastOffset + 1;
    }
  }

  /** The first record that has the largest timestamp of all. */
  findLargestTimestamp(): TimestampPosition | undefined {
    const largestMs = this.#store.largestTimestampMs(this.id, this.#logStartOffset);
    return largestMs === undefined ? undefined : this.findTimestamp(largestMs);
  }

  /** Calls `listener` whenever there is more to read, and when the partition is removed; the result ends it. */
  onAppend(isolation: Isolation, listener: AppendListener): () => void {
    const listeners = this.#listeners[isolation];
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  remove(): void {
    this.#removed = true;
    this.#notify("uncommitted", 0);
    this.#notify("committed", 0);
  }

  #notify(isolation: Isolation, bytes: number): void {
    // A listener that has enough takes itself off the set, which a Set allows while it is walked.
    for (const listener of this.#listeners[isolation]) listener(bytes);
  }
}

function appended({ baseOffset, maxTimestampMs }: Pick<ProducerBatch, "baseOffset" | "maxTimestampMs">): Appended {
  return { errorCode: ErrorCode.NONE, errorMessage: null, baseOffset, maxTimestampMs };
}

function failed(errorCode: ErrorCode, errorMessage: string): Appended {
  return { errorCode, errorMessage, baseOffset: -1, maxTimestampMs: -1 };
}
