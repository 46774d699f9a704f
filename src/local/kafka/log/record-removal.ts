import type { Statement } from "bun:sqlite";
import type { AbortedTransactions } from "./aborted-transactions.ts";
import type { BatchStore } from "./batch-store.ts";
import type { BrokerDatabase } from "./database.ts";
import type { PartitionLog } from "./partition-log.ts";

/** Batches that are removed at a time, so that a large topic does not hold up everybody else. */
const REMOVED_AT_ONCE = 64;

export interface RecordRemovalOptions {
  readonly database: BrokerDatabase;
  readonly store: BatchStore;
  readonly aborted: AbortedTransactions;
}

/**
 * Deletes records in two steps: first nobody may read them any more, which is quick and durable; then they are freed bit
 * by bit, which goes on after a restart.
 */
export class RecordRemoval {
  readonly #database: BrokerDatabase;
  readonly #store: BatchStore;
  readonly #aborted: AbortedTransactions;
  readonly #setLogStart: Statement;
  readonly #nextRemoved: Statement<{ id: number }>;
  /** Partitions that begin behind their first stored batch, as far as is known. */
  readonly #shortened = new Set<PartitionLog>();

  constructor({ database, store, aborted }: RecordRemovalOptions) {
    this.#database = database;
    this.#store = store;
    this.#aborted = aborted;
    this.#setLogStart = database.prepare("UPDATE partitions SET log_start_offset = ?2 WHERE id = ?1");
    this.#nextRemoved = database.prepare("SELECT id FROM removed_partitions LIMIT 1");
  }

  /** A partition is there, or there again after a restart. */
  opened(partition: PartitionLog): void {
    if (partition.logStartOffset > 0) this.#shortened.add(partition);
  }

  /** Within an open transaction of the database. */
  deletePartition({ id, highWatermark }: PartitionLog): void {
    this.#database.run("DELETE FROM partitions WHERE id = ?", id);
    this.#database.run("INSERT INTO removed_partitions (id) VALUES (?)", id);
    this.#aborted.deleteBelow(id, highWatermark);
  }

  /** Makes the log begin at `offset`, which must not lie behind its end. */
  deleteBefore(partition: PartitionLog, offset: number): void {
    this.#database.transaction(() => {
      this.#setLogStart.run(partition.id, offset);
      this.#aborted.deleteBelow(partition.id, offset);
    });
    partition.startAt(offset);
    this.#shortened.add(partition);
  }

  /** Frees some deleted records; false when nothing is left to free. */
  removeSome(nowMs: number): boolean {
    const removed = this.#nextRemoved.get();
    if (removed !== null) {
      if (this.#store.deleteSome(removed.id, REMOVED_AT_ONCE) < REMOVED_AT_ONCE) {
        this.#database.run("DELETE FROM removed_partitions WHERE id = ?", removed.id);
      }
      return true;
    }
    for (const partition of this.#shortened) {
      const { id, logStartOffset } = partition;
      const count = this.#database.transaction(() =>
        this.#store.deleteBelow(id, logStartOffset, REMOVED_AT_ONCE, nowMs),
      );
      if (count < REMOVED_AT_ONCE) this.#shortened.delete(partition);
      return true;
    }
    return false;
  }

  /** Forgets producers of which nothing was left but their last sequence numbers, long ago. */
  forgetProducers(beforeMs: number): void {
    this.#store.deleteHollow(beforeMs);
  }
}
