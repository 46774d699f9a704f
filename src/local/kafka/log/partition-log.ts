import { type RecordBatchHeader, stampAppendTime, stampOffset } from "../../../kafka/records/record-batch.ts";
import { ErrorCode } from "../protocol/error-codes.ts";
import type { BatchStore, ProducerBatch } from "./batch-store.ts";
import { ProducerStates, REMEMBERED_BATCHES } from "./producer-states.ts";
import { findTimestamp, type TimestampPosition } from "./record-scan.ts";

/** One broker leads everything for ever. */
export const LEADER_EPOCH = 0;

export interface PartitionLogOptions {
  /** Its number in the database, never used twice. */
  readonly id: number;
  readonly topic: string;
  readonly number: number;
  readonly logStartOffset: number;
  readonly store: BatchStore;
}

export interface Appended {
  readonly errorCode: ErrorCode;
  readonly errorMessage: string | null;
  /** −1 after an error. */
  readonly baseOffset: number;
  /** Newest timestamp of the batch as it is stored. */
  readonly maxTimestampMs: number;
}

/** `bytes` is 0 where the partition was removed. */
export type AppendListener = (bytes: number) => void;

/**
 * The log of one partition.
 *
 * Appending has two steps, since several partitions share a transaction: {@link stage} inside it, then
 * {@link publish} or {@link discard}. Readers see published records only.
 */
export class PartitionLog {
  readonly id: number;
  readonly topic: string;
  readonly number: number;
  readonly #store: BatchStore;
  readonly #producers: ProducerStates;
  readonly #listeners = new Set<AppendListener>();
  readonly #logStartOffset: number;
  #endOffset: number;
  #stagedEndOffset: number;
  #stagedBytes = 0;
  #removed = false;

  constructor({ id, topic, number, logStartOffset, store }: PartitionLogOptions) {
    this.id = id;
    this.topic = topic;
    this.number = number;
    this.#store = store;
    this.#logStartOffset = logStartOffset;
    this.#producers = new ProducerStates((producerId) => store.ofProducer(id, producerId, REMEMBERED_BATCHES));
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

  /** End of what a reader of committed records may see. */
  get lastStableOffset(): number {
    return this.#endOffset;
  }

  /** Whether its topic was deleted: nothing may be appended or read any more. */
  get removed(): boolean {
    return this.#removed;
  }

  /**
   * Gives the batch its offsets and writes it, within the open transaction. `batch` is changed in place and kept.
   *
   * @param appendTimeMs where the topic's timestamps are the broker's, the time that the records get
   */
  stage(batch: Uint8Array, header: RecordBatchHeader, appendTimeMs: number | undefined): Appended {
    if (this.#removed) return failed(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, "the topic was deleted");
    if (header.producerId >= 0) {
      const verdict = this.#producers.check(header);
      if (verdict.type === "refuse") return failed(verdict.errorCode, verdict.reason);
      if (verdict.type === "duplicate") return appended(verdict.of);
    }
    const baseOffset = this.#stagedEndOffset;
    stampOffset(batch, baseOffset, LEADER_EPOCH);
    if (appendTimeMs !== undefined) stampAppendTime(batch, appendTimeMs);
    const stored = {
      baseOffset,
      lastOffset: baseOffset + header.lastOffsetDelta,
      maxTimestampMs: appendTimeMs ?? header.maxTimestampMs,
      producerEpoch: header.producerEpoch,
      baseSequence: header.baseSequence,
    };
    this.#store.insert(this.id, { ...stored, producerId: header.producerId, bytes: batch });
    if (header.producerId >= 0) this.#producers.stage(header.producerId, stored);
    this.#stagedEndOffset = stored.lastOffset + 1;
    this.#stagedBytes += batch.byteLength;
    return appended(stored);
  }

  /** The transaction is durable: makes what was staged visible, and wakes those who wait for it. */
  publish(): void {
    const bytes = this.#stagedBytes;
    this.#endOffset = this.#stagedEndOffset;
    this.#stagedBytes = 0;
    this.#producers.publish();
    if (bytes > 0) this.#notify(bytes);
  }

  discard(): void {
    this.#stagedEndOffset = this.#endOffset;
    this.#stagedBytes = 0;
    this.#producers.discard();
  }

  /** Whole batches from the one that holds `offset`, at most `maxBytes`; see {@link BatchStore.read}. */
  read(offset: number, maxBytes: number, atLeastOne: boolean): Uint8Array[] {
    if (offset >= this.#endOffset) return [];
    return this.#store.read(this.id, offset, this.#endOffset, maxBytes, atLeastOne);
  }

  /** The first record whose timestamp is `timestampMs` or later. */
  findTimestamp(timestampMs: number): TimestampPosition | undefined {
    const position = this.#store.firstSince(this.id, this.#logStartOffset, timestampMs);
    if (position === undefined) return undefined;
    const batch = this.#store.bytesAt(this.id, position.baseOffset);
    return batch === undefined ? undefined : findTimestamp(batch, timestampMs);
  }

  /** The first record that has the largest timestamp of all. */
  findLargestTimestamp(): TimestampPosition | undefined {
    const largestMs = this.#store.largestTimestampMs(this.id, this.#logStartOffset);
    return largestMs === undefined ? undefined : this.findTimestamp(largestMs);
  }

  /** Calls `listener` after each publication, and when the partition is removed; the result ends it. */
  onAppend(listener: AppendListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  remove(): void {
    this.#removed = true;
    this.#notify(0);
  }

  #notify(bytes: number): void {
    // A listener that has enough takes itself off the set, which a Set allows while it is walked.
    for (const listener of this.#listeners) listener(bytes);
  }
}

function appended({ baseOffset, maxTimestampMs }: Pick<ProducerBatch, "baseOffset" | "maxTimestampMs">): Appended {
  return { errorCode: ErrorCode.NONE, errorMessage: null, baseOffset, maxTimestampMs };
}

function failed(errorCode: ErrorCode, errorMessage: string): Appended {
  return { errorCode, errorMessage, baseOffset: -1, maxTimestampMs: -1 };
}
