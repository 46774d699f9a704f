import type { Statement } from "bun:sqlite";
import {
  type BatchPosition,
  type ProducerBatch,
  type ProducerState,
  REMEMBERED_BATCHES,
  type StoredBatch,
} from "./batch-types.ts";
import type { BrokerDatabase } from "./database.ts";
import type { SizedPosition } from "./retention.ts";

interface StoredRow {
  readonly id: number;
  readonly baseOffset: number;
  readonly producerId: number;
}

/** How many rows a fetch is planned by at a time: most need fewer, and few batches are as small as to need more. */
const PLAN_ROWS = 64;

/** The record batches of all partitions. Prepared statements and nothing else. */
export class BatchStore {
  readonly #insert: Statement;
  readonly #floor: Statement<{ baseOffset: number; lastOffset: number }>;
  readonly #plan: Statement;
  readonly #bytes: Statement;
  readonly #last: Statement<BatchPosition>;
  readonly #firstSince: Statement<BatchPosition>;
  readonly #largestTimestamp: Statement<{ maxTimestampMs: number | null }>;
  readonly #producerEpoch: Statement<{ epoch: number; baseOffset: number }>;
  readonly #ofProducer: Statement<ProducerBatch>;
  readonly #sizeBetween: Statement<{ bytes: number | null }>;
  readonly #sizedFrom: Statement<SizedPosition>;
  readonly #below: Statement<StoredRow>;
  readonly #delete: Statement;
  readonly #hollow: Statement;
  readonly #deleteHollow: Statement;
  readonly #deleteSome: Statement;

  constructor(database: BrokerDatabase) {
    this.#insert = database.prepare(
      `INSERT INTO batches (partition, base_offset, last_offset, max_timestamp_ms, size_bytes, producer_id,
                            producer_epoch, base_sequence, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)`,
    );
    this.#floor = database.prepare(
      `SELECT base_offset AS baseOffset, last_offset AS lastOffset FROM batches
       WHERE partition = ?1 AND base_offset <= ?2 ORDER BY base_offset DESC LIMIT 1`,
    );
    this.#plan = database.prepare(
      `SELECT base_offset, size_bytes FROM batches WHERE partition = ?1 AND base_offset >= ?2 AND base_offset < ?3
       ORDER BY base_offset LIMIT ${PLAN_ROWS}`,
    );
    this.#bytes = database.prepare(
      "SELECT bytes FROM batches WHERE partition = ?1 AND base_offset BETWEEN ?2 AND ?3 ORDER BY base_offset",
    );
    const position = "base_offset AS baseOffset, last_offset AS lastOffset, max_timestamp_ms AS maxTimestampMs";
    this.#last = database.prepare(
      `SELECT ${position} FROM batches WHERE partition = ?1 ORDER BY base_offset DESC LIMIT 1`,
    );
    this.#firstSince = database.prepare(
      `SELECT ${position} FROM batches WHERE partition = ?1 AND base_offset >= ?2 AND max_timestamp_ms >= ?3
       ORDER BY base_offset LIMIT 1`,
    );
    this.#largestTimestamp = database.prepare(
      "SELECT max(max_timestamp_ms) AS maxTimestampMs FROM batches WHERE partition = ?1 AND base_offset >= ?2",
    );
    // Control batches tell the epoch as well, but have no sequence.
    this.#producerEpoch = database.prepare(
      `SELECT producer_epoch AS epoch, base_offset AS baseOffset FROM batches
       WHERE partition = ?1 AND producer_id = ?2 AND producer_id >= 0 ORDER BY base_offset DESC LIMIT 1`,
    );
    this.#ofProducer = database.prepare(
      `SELECT ${position}, producer_epoch AS producerEpoch, base_sequence AS baseSequence FROM batches
       WHERE partition = ?1 AND producer_id = ?2 AND producer_id >= 0 AND producer_epoch = ?3 AND base_sequence >= 0
       ORDER BY base_offset DESC LIMIT ${REMEMBERED_BATCHES}`,
    );
    this.#sizeBetween = database.prepare(
      "SELECT sum(size_bytes) AS bytes FROM batches WHERE partition = ?1 AND base_offset >= ?2 AND base_offset < ?3",
    );
    this.#sizedFrom = database.prepare(
      `SELECT ${position}, size_bytes AS sizeBytes FROM batches WHERE partition = ?1 AND base_offset >= ?2
       ORDER BY base_offset LIMIT ${PLAN_ROWS}`,
    );
    this.#below = database.prepare(
      `SELECT id, base_offset AS baseOffset, producer_id AS producerId FROM batches
       WHERE partition = ?1 AND base_offset < ?2 AND last_offset < ?2 AND size_bytes > 0 LIMIT ?3`,
    );
    this.#delete = database.prepare("DELETE FROM batches WHERE id = ?1");
    this.#hollow = database.prepare(
      "UPDATE batches SET bytes = x'', size_bytes = 0, max_timestamp_ms = ?2 WHERE id = ?1",
    );
    this.#deleteHollow = database.prepare("DELETE FROM batches WHERE size_bytes = 0 AND max_timestamp_ms < ?1");
    this.#deleteSome = database.prepare(
      "DELETE FROM batches WHERE id IN (SELECT id FROM batches WHERE partition = ?1 LIMIT ?2)",
    );
  }

  insert(partition: number, batch: StoredBatch): void {
    this.#insert.run(
      partition,
      batch.baseOffset,
      batch.lastOffset,
      batch.maxTimestampMs,
      batch.bytes.byteLength,
      batch.producerId,
      batch.producerEpoch,
      batch.baseSequence,
      batch.bytes,
    );
  }

  /**
   * Whole batches from the one that holds `offset` (or the next after it) up to `endOffset`, as many as fit into
   * `maxBytes`. With `atLeastOne` the first comes whatever its size, so that a reader always gets on.
   */
  read(partition: number, offset: number, endOffset: number, maxBytes: number, atLeastOne: boolean): Uint8Array[] {
    const start = this.batchAt(partition, offset);
    const plan = this.#planRead(partition, start, endOffset, maxBytes, atLeastOne);
    if (plan === undefined) return [];
    const rows = this.#bytes.values(partition, plan.first, plan.last) as [Uint8Array][];
    return rows.map(([bytes]) => bytes);
  }

  /** Where the batch begins that holds `offset`; `offset` itself where none does. */
  batchAt(partition: number, offset: number): number {
    const floor = this.#floor.get(partition, offset);
    return floor !== null && floor.lastOffset >= offset ? floor.baseOffset : offset;
  }

  /** The batch that begins at `baseOffset`. */
  bytesAt(partition: number, baseOffset: number): Uint8Array | undefined {
    const [row] = this.#bytes.values(partition, baseOffset, baseOffset) as [Uint8Array][];
    return row?.[0];
  }

  last(partition: number): BatchPosition | undefined {
    return this.#last.get(partition) ?? undefined;
  }

  /** The first batch at or after `fromOffset` that has a record of `timestampMs` or later. */
  firstSince(partition: number, fromOffset: number, timestampMs: number): BatchPosition | undefined {
    return this.#firstSince.get(partition, fromOffset, timestampMs) ?? undefined;
  }

  largestTimestampMs(partition: number, fromOffset: number): number | undefined {
    return this.#largestTimestamp.get(partition, fromOffset)?.maxTimestampMs ?? undefined;
  }

  /** What is known of an idempotent producer; undefined where it never wrote. */
  producer(partition: number, producerId: number): ProducerState | undefined {
    const newest = this.#producerEpoch.get(partition, producerId);
    if (newest === null) return undefined;
    return { epoch: newest.epoch, batches: this.#ofProducer.all(partition, producerId, newest.epoch) };
  }

  /** Bytes of the batches that begin in the range. */
  sizeBetween(partition: number, fromOffset: number, endOffset: number): number {
    return this.#sizeBetween.get(partition, fromOffset, endOffset)?.bytes ?? 0;
  }

  /** Some batches from an offset on, in their order; none behind the last. */
  sizedFrom(partition: number, fromOffset: number): SizedPosition[] {
    return this.#sizedFrom.all(partition, fromOffset);
  }

  /**
   * Frees up to `count` batches below an offset, at which the log must begin already; the result is how many there were.
   * What a producer may send again is emptied and kept, so that it is recognised as before. Within an open transaction.
   */
  deleteBelow(partition: number, offset: number, count: number, nowMs: number): number {
    const rows = this.#below.all(partition, offset, count);
    const remembered = new Map<number, ReadonlySet<number>>();
    for (const { id, baseOffset, producerId } of rows) {
      if (producerId >= 0 && !remembered.has(producerId)) {
        remembered.set(producerId, this.#rememberedOf(partition, producerId));
      }
      if (remembered.get(producerId)?.has(baseOffset) === true) this.#hollow.run(id, nowMs);
      else this.#delete.run(id);
    }
    return rows.length;
  }

  /** Deletes what {@link deleteBelow} emptied before that time. */
  deleteHollow(beforeMs: number): void {
    this.#deleteHollow.run(beforeMs);
  }

  /** Deletes up to `count` batches; the result is how many there were. */
  deleteSome(partition: number, count: number): number {
    return this.#deleteSome.run(partition, count).changes;
  }

  /** Offsets of the batches by which {@link producer} knows it. */
  #rememberedOf(partition: number, producerId: number): ReadonlySet<number> {
    const newest = this.#producerEpoch.get(partition, producerId);
    const batches = newest === null ? [] : this.#ofProducer.all(partition, producerId, newest.epoch);
    const offsets = new Set(batches.map(({ baseOffset }) => baseOffset));
    if (newest !== null) offsets.add(newest.baseOffset);
    return offsets;
  }

  #planRead(
    partition: number,
    start: number,
    endOffset: number,
    maxBytes: number,
    atLeastOne: boolean,
  ): { first: number; last: number } | undefined {
    let total = 0;
    let first: number | undefined;
    let last = -1;
    for (let from = start; ; from = last + 1) {
      const rows = this.#plan.values(partition, from, endOffset) as [baseOffset: number, sizeBytes: number][];
      for (const [baseOffset, sizeBytes] of rows) {
        total += sizeBytes;
        if (total > maxBytes && (first !== undefined || !atLeastOne))
          return first === undefined ? undefined : { first, last };
        first ??= baseOffset;
        last = baseOffset;
      }
      if (first === undefined) return undefined;
      if (rows.length < PLAN_ROWS) return { first, last };
    }
  }
}
