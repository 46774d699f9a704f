import type { Statement } from "bun:sqlite";
import type { BrokerConfig } from "../broker-config.ts";
import type { TransactionStore } from "../transactions/transaction-store.ts";
import { AbortedTransactions } from "./aborted-transactions.ts";
import { BatchStore } from "./batch-store.ts";
import type { BrokerDatabase } from "./database.ts";
import type { Begun } from "./open-transactions.ts";
import { PartitionLog } from "./partition-log.ts";
import { RecordRemoval } from "./record-removal.ts";
import { retainedFrom } from "./retention.ts";
import { readTopicSettings, type TopicSettings } from "./topic-config.ts";
import { topicNameKey } from "./topic-name.ts";

export interface Topic {
  readonly name: string;
  /** 32 hexadecimal digits; a topic made anew under the same name has another. */
  readonly id: string;
  /** Only what was set; what was not follows the broker. */
  readonly configs: ReadonlyMap<string, string>;
  /** What that means. */
  readonly settings: TopicSettings;
  /** By partition number. */
  readonly partitions: readonly PartitionLog[];
}

interface TopicRow {
  readonly name: string;
  readonly topicId: string;
  readonly configs: string;
}

interface PartitionRow {
  readonly id: number;
  readonly number: number;
  readonly logStartOffset: number;
}

export interface TopicCatalogOptions {
  readonly database: BrokerDatabase;
  readonly config: BrokerConfig;
  readonly transactions: TransactionStore;
  readonly newTopicId: () => string;
}

/** How long a producer is remembered of which no record is left (Kafka's `producer.id.expiration.ms`). */
const PRODUCER_MEMORY_MS = 86_400_000;

/** All topics with their partitions: in memory, and durable at once when they change. */
export class TopicCatalog {
  readonly #database: BrokerDatabase;
  readonly #config: BrokerConfig;
  readonly #store: BatchStore;
  readonly #aborted: AbortedTransactions;
  readonly #removal: RecordRemoval;
  readonly #transactions: TransactionStore;
  readonly #newTopicId: () => string;
  readonly #topics = new Map<string, Topic>();
  readonly #names = new Map<string, string>();
  readonly #partitions = new Map<number, PartitionLog>();
  readonly #nameKeys = new Set<string>();
  readonly #insertTopic: Statement;
  readonly #setConfigs: Statement;
  readonly #insertPartition: Statement<{ id: number }>;
  readonly #partitionsOf: Statement<PartitionRow>;

  constructor({ database, config, transactions, newTopicId }: TopicCatalogOptions) {
    this.#database = database;
    this.#config = config;
    this.#transactions = transactions;
    this.#newTopicId = newTopicId;
    this.#store = new BatchStore(database);
    this.#aborted = new AbortedTransactions(database);
    this.#removal = new RecordRemoval({ database, store: this.#store, aborted: this.#aborted });
    this.#insertTopic = database.prepare("INSERT INTO topics (name, configs, topic_id) VALUES (?1, ?2, ?3)");
    this.#setConfigs = database.prepare("UPDATE topics SET configs = ?2 WHERE name = ?1");
    this.#insertPartition = database.prepare("INSERT INTO partitions (topic, number) VALUES (?1, ?2) RETURNING id");
    this.#partitionsOf = database.prepare(
      "SELECT id, number, log_start_offset AS logStartOffset FROM partitions WHERE topic = ?1 ORDER BY number",
    );
    this.#loadAll();
  }

  get(name: string): Topic | undefined {
    return this.#topics.get(name);
  }

  /** By its id. */
  byId(id: string): Topic | undefined {
    return this.#topics.get(this.#names.get(id) ?? "");
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
    const id = this.#newTopicId();
    this.#database.transaction(() => {
      this.#insertTopic.run(name, asText(configs), id);
      for (let number = 0; number < partitions; number++) this.#insertPartition.get(name, number);
    });
    return this.#open({ name, id, configs }, noTransactions);
  }

  /** Adds partitions up to `count`, which must be more than there are. */
  grow(topic: Topic, count: number): void {
    this.#database.transaction(() => {
      for (let number = topic.partitions.length; number < count; number++)
        this.#insertPartition.get(topic.name, number);
    });
    const rows = this.#partitionsOf.all(topic.name).slice(topic.partitions.length);
    const added = rows.map((row) => this.#openPartition(topic.name, row, []));
    this.#topics.set(topic.name, { ...topic, partitions: [...topic.partitions, ...added] });
  }

  /** Replaces what the topic sets; all must be valid. */
  configure(topic: Topic, configs: ReadonlyMap<string, string>): void {
    this.#setConfigs.run(topic.name, asText(configs));
    this.#topics.set(topic.name, { ...topic, configs, settings: readTopicSettings(configs, this.#config) });
  }

  /** Removes the topic and the offsets that groups committed for it. Its records go later: {@link removeSome}. */
  delete(topic: Topic): void {
    const { name, id, partitions } = topic;
    this.#database.transaction(() => {
      this.#database.run("DELETE FROM topics WHERE name = ?", name);
      this.#database.run("DELETE FROM group_offsets WHERE topic = ?", name);
      this.#database.run("DELETE FROM transaction_offsets WHERE topic = ?", name);
      for (const partition of partitions) {
        this.#removal.deletePartition(partition);
        this.#transactions.removePartition(partition.id);
      }
    });
    this.#topics.delete(name);
    this.#names.delete(id);
    this.#nameKeys.delete(topicNameKey(name));
    for (const partition of partitions) {
      this.#partitions.delete(partition.id);
      partition.remove();
    }
  }

  /** Deletes the records before `offset`, which must not lie behind the end. They are freed later: {@link removeSome}. */
  deleteBefore(partition: PartitionLog, offset: number): void {
    this.#removal.deleteBefore(partition, offset);
  }

  /** Deletes what the topics' retention lets go; the result is the partitions that lost something. */
  expire(nowMs: number): PartitionLog[] {
    const shortened: PartitionLog[] = [];
    for (const { settings, partitions } of this.#topics.values()) {
      for (const partition of partitions) {
        const start = retainedFrom(partition, settings.retention, nowMs);
        if (start === partition.logStartOffset) continue;
        this.deleteBefore(partition, start);
        shortened.push(partition);
      }
    }
    this.#removal.forgetProducers(nowMs - PRODUCER_MEMORY_MS);
    return shortened;
  }

  /** Frees some deleted records; false when nothing is left to free. */
  removeSome(nowMs: number): boolean {
    return this.#removal.removeSome(nowMs);
  }

  #loadAll(): void {
    const open = Map.groupBy(this.#transactions.openParts(), ({ partition }) => partition);
    const rows = this.#database.prepare<TopicRow>("SELECT name, topic_id AS topicId, configs FROM topics").all();
    for (const { name, topicId, configs } of rows) {
      const id = topicId === "" ? this.#newTopicId() : topicId;
      if (topicId === "") this.#database.run("UPDATE topics SET topic_id = ? WHERE name = ?", id, name);
      const parsed = new Map(Object.entries(JSON.parse(configs) as Record<string, string>));
      this.#open({ name, id, configs: parsed }, open);
    }
  }

  #open(stored: Pick<Topic, "name" | "id" | "configs">, begun: ReadonlyMap<number, readonly Begun[]>): Topic {
    const { name, id, configs } = stored;
    const partitions = this.#partitionsOf
      .all(name)
      .map((row) => this.#openPartition(name, row, begun.get(row.id) ?? []));
    const topic = { ...stored, partitions, settings: readTopicSettings(configs, this.#config) };
    this.#nameKeys.add(topicNameKey(name));
    this.#names.set(id, name);
    this.#topics.set(name, topic);
    return topic;
  }

  #openPartition(topic: string, row: PartitionRow, open: readonly Begun[]): PartitionLog {
    const partition = new PartitionLog({ ...row, topic, open, store: this.#store, aborted: this.#aborted });
    this.#partitions.set(row.id, partition);
    this.#removal.opened(partition);
    return partition;
  }
}

const noTransactions: ReadonlyMap<number, readonly Begun[]> = new Map();

function asText(configs: ReadonlyMap<string, string>): string {
  return JSON.stringify(Object.fromEntries(configs));
}
