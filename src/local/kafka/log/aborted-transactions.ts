import type { Statement } from "bun:sqlite";
import type { BrokerDatabase } from "./database.ts";

export interface AbortedTransaction {
  readonly producerId: number;
  /** Of its first record in the partition. */
  readonly firstOffset: number;
  /** Of its abort mark. */
  readonly lastOffset: number;
  /** All transactions that began before this offset had ended when this one was aborted. */
  readonly stableOffset: number;
}

/** How many rows are looked at at a time. */
const ROWS = 64;

/** The aborted transactions of all partitions: what readers of committed records are told to leave out. */
export class AbortedTransactions {
  readonly #insert: Statement;
  readonly #endedAfter: Statement<AbortedTransaction>;
  readonly #deleteBelow: Statement;

  constructor(database: BrokerDatabase) {
    this.#insert = database.prepare(
      `INSERT INTO aborted_transactions (partition, last_offset, producer_id, first_offset, stable_offset)
       VALUES (?1, ?2, ?3, ?4, ?5)`,
    );
    this.#endedAfter = database.prepare(
      `SELECT producer_id AS producerId, first_offset AS firstOffset, last_offset AS lastOffset,
              stable_offset AS stableOffset
       FROM aborted_transactions WHERE partition = ?1 AND last_offset >= ?2 ORDER BY last_offset LIMIT ${ROWS}`,
    );
    this.#deleteBelow = database.prepare("DELETE FROM aborted_transactions WHERE partition = ?1 AND last_offset < ?2");
  }

  insert(partition: number, { producerId, firstOffset, lastOffset, stableOffset }: AbortedTransaction): void {
    this.#insert.run(partition, lastOffset, producerId, firstOffset, stableOffset);
  }

  /** Those with records in the range. All that began before `endOffset` must have ended. */
  within(partition: number, fromOffset: number, endOffset: number): AbortedTransaction[] {
    const found: AbortedTransaction[] = [];
    for (let from = fromOffset; ; ) {
      const rows = this.#endedAfter.all(partition, from);
      for (const row of rows) {
        if (row.firstOffset < endOffset) found.push(row);
        if (row.stableOffset >= endOffset) return found;
        from = row.lastOffset + 1;
      }
      if (rows.length < ROWS) return found;
    }
  }

  /** Forgets those of records that are gone. */
  deleteBelow(partition: number, offset: number): void {
    this.#deleteBelow.run(partition, offset);
  }
}
