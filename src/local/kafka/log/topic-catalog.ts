import type { Statement } from "bun:sqlite";
import type { BrokerConfig } from "../broker-config.ts";
import type { TransactionStore } from "../transactions/transaction-store.ts";
import { AbortedTransactions } from "./aborted-transactions.ts";
import { BatchStore } from "./batch-store.ts";
import type { BrokerDatabase } from "./database.ts";
import type { Begun } from "./open-transactions.ts";
import { PartitionLog } from "./partition-log.ts";
import { topicNameKey } from "./topic-name.ts";

export interface Topic {
  readonly name: string;
  /** Only what was set; what was not follows the broker. */
  readonly configs: ReadonlyMap<string, string>;
  /** By partition number. */
  readonly partitions: readonly PartitionLog[];
  readonly maxMessageBytes: number;
  /** Whether the broker's time replaces that of the producer. */
  readonly isLogAppendTime: boolean;
}

interface PartitionRow {
  readonly id: number;
  readonly number: number;
  readonly logStartOffset: number;
}

const noTransactions: ReadonlyMap<number, readonly Begun[]> = new Map();

/** Batches of a deleted topic that are removed at a time, so that a large one does not hold up everybody else. */
const REMOVED_AT_ONCE = 64;

/** All topics with their partitions: in memory, and durable at once when they change. */
export class TopicCatalog {
  readonly #database: BrokerDatabase;
  readonly #config: BrokerConfig;
  readonly #store: BatchStore;
  readonly #aborted: AbortedTransactions;
  readonly #transactions: TransactionStore;
  readonly #topics = new Map<string, Topic>();
  readonly #partitions = new Map<number, PartitionLog>();
  readonly #nameKeys = new Set<string>();
  readonly #insertTopic: Statement;
  readonly #insertPartition: Statement<{ id: number }>;
  readonly #partitionsOf: Statement<PartitionRow>;
  readonly #nextRemoved: Statement<{ id: number }>;

  constructor(database: BrokerDatabase, config: BrokerConfig, transactions: TransactionStore) {
    this.#database = database;
    this.#config = config;
    this.#transactions = transactions;
    this.#store = new BatchStore(database);
    this.#aborted = new AbortedTransactions(database);
    this.#insertTopic = database.prepare("INSERT INTO topics (name, configs) VALUES (?1, ?2)");
    this.#insertPartition = database.prepare("INSERT INTO partitions (topic, number) VALUES (?1, ?2) RETURNING id");
    this.#partitionsOf = database.prepare(
      "SELECT id, number, log_start_offset AS logStartOffset FROM partitions WHERE topic = ?1 ORDER BY number",
    );
    this.#nextRemoved = database.prepare("SELECT id FROM removed_partitions LIMIT 1");
    const open = Map.groupBy(transactions.openParts(), ({ partition }) => partition);
    for (const row of database.prepare<{ name: string; configs: string }>("SELECT name, configs FROM topics").all()) {
      this.#load(row.name, new Map(Object.entries(JSON.parse(row.configs) as Record<string, string>)), open);
    }
  }

  get(name: string): Topic | undefined {
    return this.#topics.get(name);
  }

  partition(topic: string, number: number): PartitionLog | undefined {
    return this.#topics.get(topic)?.partitions[number];
  }

  /** By its number in the database. */
  partitionById(id: number): PartitionLog | undefined {
    return this.#partitions.get(id);
  }

  all(): Iterable<Topic> {
    return this.#topics.values();
  }

  /** Whether a topic exists whose name equals this one or differs only in `.` and `_`. */
  collides(name: string): boolean {
    return this.#nameKeys.has(topicNameKey(name));
  }

  /** `name` must be free and valid. */
  create(name: string, partitions: number, configs: ReadonlyMap<string, string>): Topic {
    this.#database.transaction(() => {
      this.#insertTopic.run(name, JSON.stringify(Object.fromEntries(configs)));
      for (let number = 0; number < partitions; number++) this.#insertPartition.get(name, number);
    });
    return this.#load(name, configs, noTransactions);
  }

  /** Adds partitions up to `count`, which must be more than there are. */
  grow(topic: Topic, count: number): void {
    this.#database.transaction(() => {
      for (let number = topic.partitions.length; number < count; number++)
        this.#insertPartition.get(topic.name, number);
    });
    const rows = this.#partitionsOf.all(topic.name).slice(topic.partitions.length);
    this.#keep(topic.name, topic.configs, [...topic.partitions, ...rows.map((row) => this.#open(topic.name, row, []))]);
  }

  /** Removes the topic and the offsets that groups committed for it. Its records go later: {@link removeSome}. */
  delete(topic: Topic): void {
    this.#database.transaction(() => {
      this.#database.run("INSERT INTO removed_partitions SELECT id FROM partitions WHERE topic = ?", topic.name);
      this.#database.run("DELETE FROM partitions WHERE topic = ?", topic.name);
      this.#database.run("DELETE FROM topics WHERE name = ?", topic.name);
      this.#database.run("DELETE FROM group_offsets WHERE topic = ?", topic.name);
      this.#database.run("DELETE FROM transaction_offsets WHERE topic = ?", topic.name);
      for (const { id, highWatermark } of topic.partitions) {
        this.#transactions.removePartition(id);
        this.#aborted.deleteBelow(id, highWatermark);
      }
    });
    this.#topics.delete(topic.name);
    this.#nameKeys.delete(topicNameKey(topic.name));
    for (const partition of topic.partitions) {
      this.#partitions.delete(partition.id);
      partition.remove();
    }
  }

  /** Frees some records of deleted topics; false when nothing is left to free. */
  removeSome(): boolean {
    const next = this.#nextRemoved.get();
    if (next === null) return false;
    if (this.#store.deleteSome(next.id, REMOVED_AT_ONCE) < REMOVED_AT_ONCE) {
      this.#database.run("DELETE FROM removed_partitions WHERE id = ?", next.id);
    }
    return true;
  }

  #load(name: string, configs: ReadonlyMap<string, string>, open: ReadonlyMap<number, readonly Begun[]>): Topic {
    const partitions = this.#partitionsOf.all(name).map((row) => this.#open(name, row, open.get(row.id) ?? []));
    this.#nameKeys.add(topicNameKey(name));
    return this.#keep(name, configs, partitions);
  }

  #keep(name: string, configs: ReadonlyMap<string, string>, partitions: readonly PartitionLog[]): Topic {
    const topic: Topic = {
      name,
      configs,
      partitions,
      maxMessageBytes: Number(configs.get("max.message.bytes") ?? this.#config.messageMaxBytes),
      isLogAppendTime: configs.get("message.timestamp.type") === "LogAppendTime",
    };
    this.#topics.set(name, topic);
    return topic;
  }

  #open(topic: string, row: PartitionRow, open: readonly Begun[]): PartitionLog {
    const partition = new PartitionLog({ ...row, topic, open, store: this.#store, aborted: this.#aborted });
    this.#partitions.set(row.id, partition);
    return partition;
  }
}
