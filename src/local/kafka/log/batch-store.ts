import type { Statement } from "bun:sqlite";
import {
  type BatchPosition,
  type ProducerBatch,
  type ProducerState,
  REMEMBERED_BATCHES,
  type StoredBatch,
} from "./batch-types.ts";
import type { BrokerDatabase } from "./database.ts";

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
  readonly #producerEpoch: Statement<{ epoch: number }>;
  readonly #ofProducer: Statement<ProducerBatch>;
  readonly #sizeBetween: Statement<{ bytes: number | null }>;
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
      `SELECT producer_epoch AS epoch FROM batches
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
    const floor = this.#floor.get(partition, offset);
    const start = floor !== null && floor.lastOffset >= offset ? floor.baseOffset : offset;
    const plan = this.#planRead(partition, start, endOffset, maxBytes, atLeastOne);
    if (plan === undefined) return [];
    const rows = this.#bytes.values(partition, plan.first, plan.last) as [Uint8Array][];
    return rows.map(([bytes]) => bytes);
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

  /** Deletes up to `count` batches; the result is how many there were. */
  deleteSome(partition: number, count: number): number {
    return this.#deleteSome.run(partition, count).changes;
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
