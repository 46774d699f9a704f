import type { Statement } from "bun:sqlite";
import type { CommittedPosition } from "../groups/offset-store.ts";
import type { BrokerDatabase } from "../log/database.ts";
import type { Transaction } from "./transaction.ts";

/** A partition's part in an ongoing transaction. */
export interface OpenPart {
  readonly partition: number;
  readonly producerId: number;
  /** Of its first record there. */
  readonly firstOffset: number;
}

export interface PendingPosition extends CommittedPosition {
  readonly groupId: string;
}

/**
 * Transactional ids, and what belongs to their ongoing transactions. Nothing of it is kept in memory: who reads it
 * within an open transaction of the database sees all that was decided before, and nothing that is rolled back.
 */
export class TransactionStore {
  readonly #get: Statement<Transaction>;
  readonly #save: Statement;
  readonly #ongoing: Statement<Transaction>;
  readonly #deleteIdle: Statement;
  readonly #addPartition: Statement;
  readonly #hasPartition: Statement;
  readonly #setFirstOffset: Statement;
  readonly #partitionsOf: Statement<{ partition: number }>;
  readonly #openParts: Statement<OpenPart>;
  readonly #removePartition: Statement;
  readonly #addGroup: Statement;
  readonly #hasGroup: Statement;
  readonly #upsertOffset: Statement;
  readonly #isPending: Statement;
  readonly #removePending: Statement;
  readonly #pendingOf: Statement<PendingPosition>;
  readonly #forget: readonly Statement[];

  constructor(database: BrokerDatabase) {
    const columns = `id, producer_id AS producerId, producer_epoch AS producerEpoch, timeout_ms AS timeoutMs, state,
      previous_producer_id AS previousProducerId, last_producer_epoch AS lastProducerEpoch,
      started_at_ms AS startedAtMs, updated_at_ms AS updatedAtMs`;
    this.#get = database.prepare(`SELECT ${columns} FROM transactions WHERE id = ?1`);
    this.#save = database.prepare(
      `INSERT OR REPLACE INTO transactions (id, producer_id, producer_epoch, previous_producer_id, last_producer_epoch,
         timeout_ms, state, started_at_ms, updated_at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)`,
    );
    this.#ongoing = database.prepare(`SELECT ${columns} FROM transactions WHERE state = 'Ongoing'`);
    this.#deleteIdle = database.prepare("DELETE FROM transactions WHERE state <> 'Ongoing' AND updated_at_ms < ?1");
    this.#addPartition = database.prepare(
      "INSERT OR IGNORE INTO transaction_partitions (producer_id, partition) VALUES (?1, ?2)",
    );
    this.#hasPartition = database.prepare(
      "SELECT 1 FROM transaction_partitions WHERE producer_id = ?1 AND partition = ?2",
    );
    this.#setFirstOffset = database.prepare(
      "UPDATE transaction_partitions SET first_offset = ?3 WHERE producer_id = ?1 AND partition = ?2",
    );
    this.#partitionsOf = database.prepare("SELECT partition FROM transaction_partitions WHERE producer_id = ?1");
    this.#openParts = database.prepare(
      `SELECT partition, producer_id AS producerId, first_offset AS firstOffset FROM transaction_partitions
       WHERE first_offset IS NOT NULL ORDER BY first_offset`,
    );
    this.#removePartition = database.prepare("DELETE FROM transaction_partitions WHERE partition = ?1");
    this.#addGroup = database.prepare(
      "INSERT OR IGNORE INTO transaction_groups (producer_id, group_id) VALUES (?1, ?2)",
    );
    this.#hasGroup = database.prepare("SELECT 1 FROM transaction_groups WHERE producer_id = ?1 AND group_id = ?2");
    this.#upsertOffset = database.prepare(
      `INSERT OR REPLACE INTO transaction_offsets
         (group_id, topic, partition, producer_id, committed_offset, leader_epoch, metadata)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)`,
    );
    const pendingAt = "FROM transaction_offsets WHERE group_id = ?1 AND topic = ?2 AND partition = ?3";
    this.#isPending = database.prepare(`SELECT 1 ${pendingAt}`);
    this.#removePending = database.prepare(`DELETE ${pendingAt}`);
    this.#pendingOf = database.prepare(
      `SELECT group_id AS groupId, topic, partition, committed_offset AS offset, leader_epoch AS leaderEpoch, metadata
       FROM transaction_offsets WHERE producer_id = ?1 ORDER BY group_id, topic, partition`,
    );
    this.#forget = ["transaction_partitions", "transaction_groups", "transaction_offsets"].map((table) =>
      database.prepare(`DELETE FROM ${table} WHERE producer_id = ?1`),
    );
  }

  get(id: string): Transaction | undefined {
    return this.#get.get(id) ?? undefined;
  }

  save(transaction: Transaction): void {
    const { id, producerId, producerEpoch, previousProducerId, lastProducerEpoch } = transaction;
    const { timeoutMs, state, startedAtMs, updatedAtMs } = transaction;
    const producer = [producerId, producerEpoch, previousProducerId, lastProducerEpoch];
    this.#save.run(id, ...producer, timeoutMs, state, startedAtMs, updatedAtMs);
  }

  ongoing(): Transaction[] {
    return this.#ongoing.all();
  }

  /** Forgets ids that nobody used since; their next producer begins with a producer id of its own. */
  deleteIdle(beforeMs: number): number {
    return this.#deleteIdle.run(beforeMs).changes;
  }

  addPartition(producerId: number, partition: number): void {
    this.#addPartition.run(producerId, partition);
  }

  hasPartition(producerId: number, partition: number): boolean {
    return this.#hasPartition.get(producerId, partition) !== null;
  }

  /** The partition got its first record of the transaction. */
  setFirstOffset(producerId: number, partition: number, offset: number): void {
    this.#setFirstOffset.run(producerId, partition, offset);
  }

  partitionsOf(producerId: number): number[] {
    return this.#partitionsOf.all(producerId).map(({ partition }) => partition);
  }

  /** What every ongoing transaction has written, in the order of offsets. */
  openParts(): OpenPart[] {
    return this.#openParts.all();
  }

  /** Its topic was deleted: no transaction has a part in it any more. */
  removePartition(partition: number): void {
    this.#removePartition.run(partition);
  }

  addGroup(producerId: number, groupId: string): void {
    this.#addGroup.run(producerId, groupId);
  }

  hasGroup(producerId: number, groupId: string): boolean {
    return this.#hasGroup.get(producerId, groupId) !== null;
  }

  addOffset(producerId: number, { groupId, topic, partition, offset, leaderEpoch, metadata }: PendingPosition): void {
    this.#upsertOffset.run(groupId, topic, partition, producerId, offset, leaderEpoch, metadata);
  }

  /** Whether an ongoing transaction is about to commit an offset there. */
  isPending(groupId: string, topic: string, partition: number): boolean {
    return this.#isPending.get(groupId, topic, partition) !== null;
  }

  /** An offset was committed there meanwhile: it is newer, and stays. */
  removePending(groupId: string, topic: string, partition: number): void {
    this.#removePending.run(groupId, topic, partition);
  }

  pendingOf(producerId: number): PendingPosition[] {
    return this.#pendingOf.all(producerId);
  }

  /** The transaction has ended: what belonged to it goes. */
  forget(producerId: number): void {
    for (const statement of this.#forget) statement.run(producerId);
  }
}
