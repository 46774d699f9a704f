import type { Statement } from "bun:sqlite";
import type { BrokerDatabase } from "../log/database.ts";

export interface CommittedOffset {
  readonly offset: number;
  /** −1 where the client did not tell it. */
  readonly leaderEpoch: number;
  readonly metadata: string;
}

export interface CommittedPosition extends CommittedOffset {
  readonly topic: string;
  readonly partition: number;
}

export interface StoredGroup {
  readonly id: string;
  /** Empty where only offsets were committed by hand. */
  readonly protocolType: string;
  readonly generation: number;
}

/** What survives of groups: their committed offsets, and their last generation. */
export class OffsetStore {
  readonly #database: BrokerDatabase;
  readonly #upsert: Statement;
  readonly #get: Statement<CommittedOffset>;
  readonly #all: Statement<CommittedPosition>;
  readonly #group: Statement<StoredGroup>;
  readonly #groups: Statement<StoredGroup>;
  readonly #upsertGroup: Statement;

  constructor(database: BrokerDatabase) {
    this.#database = database;
    this.#upsert = database.prepare(
      `INSERT INTO group_offsets (group_id, topic, partition, committed_offset, leader_epoch, metadata)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6)
       ON CONFLICT DO UPDATE SET committed_offset = ?4, leader_epoch = ?5, metadata = ?6`,
    );
    const columns = "committed_offset AS offset, leader_epoch AS leaderEpoch, metadata";
    this.#get = database.prepare(
      `SELECT ${columns} FROM group_offsets WHERE group_id = ?1 AND topic = ?2 AND partition = ?3`,
    );
    this.#all = database.prepare(
      `SELECT topic, partition, ${columns} FROM group_offsets WHERE group_id = ?1 ORDER BY topic, partition`,
    );
    const group = "SELECT id, protocol_type AS protocolType, generation FROM groups";
    this.#group = database.prepare(`${group} WHERE id = ?1`);
    this.#groups = database.prepare(`${group} ORDER BY id`);
    this.#upsertGroup = database.prepare(
      `INSERT INTO groups (id, protocol_type, generation) VALUES (?1, ?2, ?3)
       ON CONFLICT DO UPDATE SET protocol_type = ?2, generation = ?3`,
    );
  }

  /** Within an open transaction. Makes the group known, should it not be. */
  commit(groupId: string, positions: readonly CommittedPosition[]): void {
    if (this.group(groupId) === undefined) this.storeGroup({ id: groupId, protocolType: "", generation: 0 });
    for (const { topic, partition, offset, leaderEpoch, metadata } of positions) {
      this.#upsert.run(groupId, topic, partition, offset, leaderEpoch, metadata);
    }
  }

  get(groupId: string, topic: string, partition: number): CommittedOffset | undefined {
    return this.#get.get(groupId, topic, partition) ?? undefined;
  }

  all(groupId: string): CommittedPosition[] {
    return this.#all.all(groupId);
  }

  group(groupId: string): StoredGroup | undefined {
    return this.#group.get(groupId) ?? undefined;
  }

  groups(): StoredGroup[] {
    return this.#groups.all();
  }

  storeGroup({ id, protocolType, generation }: StoredGroup): void {
    this.#upsertGroup.run(id, protocolType, generation);
  }

  deleteOffset(groupId: string, topic: string, partition: number): void {
    const place = [groupId, topic, partition] as const;
    this.#database.run("DELETE FROM group_offsets WHERE group_id = ? AND topic = ? AND partition = ?", ...place);
  }

  deleteGroup(groupId: string): void {
    this.#database.transaction(() => {
      this.#database.run("DELETE FROM group_offsets WHERE group_id = ?", groupId);
      this.#database.run("DELETE FROM groups WHERE id = ?", groupId);
    });
  }
}
