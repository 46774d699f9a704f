import { BrigadeError } from "../base/errors.ts";
import type { InputRecord } from "../engine/ports.ts";
import { ProtocolError } from "./protocol/errors.ts";
import type { AbortedTransaction, FetchedPartition } from "./protocol/fetch.ts";
import { scanBatches } from "./records/scan.ts";
import { keptWhole, type RecordReader, type StoredBatch, type StoredRecord } from "./records/stored-batch.ts";

/** Key of a control record: version and type as u16; type 0 aborts the transaction, 1 commits it. */
const CONTROL_TYPE_AT = 2;
const CONTROL_KEY_BYTES = 4;
const CONTROL_ABORT = 0;

/**
 * What stands in the log cannot be read: damaged, or of no known format. To go on behind it would lose records in
 * silence, so that is left to a person, who can move the group's offset.
 */
export class UnreadableBatchError extends BrigadeError {
  override readonly name = "UnreadableBatchError";
  readonly code = "kafka-unreadable-batch";
  readonly fault = "infrastructure";
}

/**
 * What a reader of committed records sees of a fetched partition. Left out are records before the position that was
 * asked for (a batch is always sent whole), control records, and records of aborted transactions.
 *
 * Batches are unpacked and read as their records are taken. Neither this nor a record keeps more of the answer that it
 * came in than about its own size, since either may wait for long.
 */
export class FetchedRecords {
  /** The position that was asked for. */
  readonly from: number;
  /** Behind all that was fetched, and behind the offsets that compaction took from it. */
  readonly end: number;
  readonly highWatermark: number;
  readonly #topic: string;
  readonly #partition: number;
  readonly #batches: readonly StoredBatch[];
  #position: number;
  /** Index of the batch that the position is in. */
  #at = 0;
  #reader: RecordReader | undefined;

  /** @throws {UnreadableBatchError} of what stands at the position */
  constructor(topic: string, fetched: FetchedPartition, from: number) {
    this.#topic = topic;
    this.#partition = fetched.partition;
    this.from = from;
    this.#position = from;
    this.highWatermark = fetched.highWatermark;
    const { batches, problem } = scanBatches(keptWhole(fetched.records));
    this.end = batches.reduce((end, { lastOffset }) => Math.max(end, lastOffset + 1), from);
    // What comes before the problem is handed over first; the next fetch begins with it.
    if (problem !== undefined && this.end === from) throw this.#unreadable(from, problem);
    this.#batches = this.#readable(from, () => visibleBatches(batches, fetched.abortedTransactions, from));
  }

  /** Offset of the next record to take, or one before it; at last {@link end}. */
  get position(): number {
    return this.#position;
  }

  /** @returns false where the offset lies outside of what was fetched */
  turnTo(offset: number): boolean {
    if (offset < this.from || offset >= this.end) return false;
    this.#position = offset;
    const at = this.#batches.findIndex(({ lastOffset }) => lastOffset >= offset);
    this.#at = at === -1 ? this.#batches.length : at;
    this.#reader = undefined;
    return true;
  }

  /**
   * The next records, until there are so many or they weigh so much.
   * @throws {UnreadableBatchError} of the first; what comes before it was taken
   */
  take(maxRecords: number, maxBytes: number): InputRecord[] {
    const records: InputRecord[] = [];
    for (let bytes = 0; records.length < maxRecords && bytes < maxBytes; ) {
      let record: StoredRecord | undefined;
      try {
        record = this.#readable(this.#position, () => this.#read());
      } catch (error) {
        this.#reader = undefined;
        if (records.length > 0) break;
        throw error;
      }
      if (record === undefined) break;
      records.push({ topic: this.#topic, partition: this.#partition, ...record });
      bytes += weightOf(record);
    }
    return records;
  }

  #read(): StoredRecord | undefined {
    for (let batch = this.#batches[this.#at]; batch !== undefined; batch = this.#batches[++this.#at]) {
      this.#reader ??= batch.open();
      const record = this.#reader.read(this.#position);
      if (record !== undefined) {
        const isLast = this.#reader.remaining === 0 && this.#at === this.#batches.length - 1;
        this.#position = isLast ? this.end : record.offset + 1;
        return record;
      }
      this.#reader = undefined;
    }
    this.#position = this.end;
    return undefined;
  }

  #readable<T>(offset: number, run: () => T): T {
    try {
      return run();
    } catch (error) {
      throw error instanceof ProtocolError ? this.#unreadable(offset, error) : error;
    }
  }

  #unreadable(offset: number, cause: ProtocolError): UnreadableBatchError {
    return new UnreadableBatchError(
      `Cannot read partition ${this.#partition} of topic "${this.#topic}" at offset ${offset}: ${cause.message}`,
      { cause },
    );
  }
}

function visibleBatches(
  batches: readonly StoredBatch[],
  abortedTransactions: readonly AbortedTransaction[],
  from: number,
): readonly StoredBatch[] {
  const aborted = abortedTransactions.toSorted((a, b) => a.firstOffset - b.firstOffset);
  const aborting = new Set<number>();
  const visible: StoredBatch[] = [];
  let nextAborted = 0;
  for (const batch of batches) {
    for (let next = aborted[nextAborted]; next !== undefined && next.firstOffset <= batch.lastOffset; ) {
      aborting.add(next.producerId);
      next = aborted[++nextAborted];
    }
    if (batch.isControl) {
      if (isAbort(batch)) aborting.delete(batch.producerId);
    } else if (batch.lastOffset >= from && !(batch.isTransactional && aborting.has(batch.producerId))) {
      visible.push(batch);
    }
  }
  return visible;
}

function isAbort(batch: StoredBatch): boolean {
  const key = batch.open().read(0)?.key ?? null;
  if (key === null || key.byteLength < CONTROL_KEY_BYTES) return false;
  return new DataView(key.buffer, key.byteOffset).getUint16(CONTROL_TYPE_AT) === CONTROL_ABORT;
}

/** What a record takes in memory, roughly. */
function weightOf({ key, value, headers }: StoredRecord): number {
  let bytes = 100 + (key?.byteLength ?? 0) + (value?.byteLength ?? 0);
  for (const [, content] of headers) bytes += 50 + (content?.byteLength ?? 0);
  return bytes;
}
