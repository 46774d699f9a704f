import { type Admin, ConfigResourceTypes } from "kafkajs";
import type { Clock } from "../base/clock.ts";
import { describeError } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import { formatHostPort } from "../config/addresses.ts";
import { TopicRefusedError } from "../engine/errors.ts";
import { abortable } from "./abortable.ts";
import { KafkaClient, type KafkaClientOptions } from "./client.ts";
import { TopicConnection } from "./connection.ts";
import { asKafkaError, classifyFailure, isNotServedYet, KafkaUnavailableError } from "./errors.ts";
import { readCommitted, readLogBounds } from "./offsets.ts";

/** Between two looks whether a topic that was just made is served. */
const SERVED_LOOK_MS = 20;

export interface KafkaAdminOptions {
  readonly kafka: Omit<KafkaClientOptions, "log" | "requestTimeoutMs">;
  readonly clock: Clock;
  readonly log: Logger;
  /** For each call as a whole, ms. Default 15 s. */
  readonly timeoutMs?: number;
}

/** How a topic is made. −1 leaves it to the broker. */
export interface TopicShape {
  readonly partitions: number;
  readonly replication: number;
}

export interface PartitionLag {
  readonly partition: number;
  /** null: the group never committed here. Scaling must take that as unknown, neither as 0 nor as everything. */
  readonly committed: number | null;
  readonly metadata: string;
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  /** Records from the committed offset (or, where older, from the log's start) to the end; null where unknown. */
  readonly lag: number | null;
}

/**
 * What is asked of a cluster now and then. Every call connects, asks and leaves; errors are KafkaUnavailableError,
 * KafkaRefusedError and TopicRefusedError.
 */
export class KafkaAdmin {
  readonly #options: Required<KafkaAdminOptions>;

  constructor(options: KafkaAdminOptions) {
    this.#options = { timeoutMs: 15_000, ...options };
  }

  /** Resolves where a broker answers; else the error names those that were asked. */
  async reach(): Promise<void> {
    const brokers = this.#options.kafka.brokers.map(formatHostPort).join(",");
    await this.#withAdmin(`reach Kafka at ${brokers}`, (admin) => admin.describeCluster());
  }

  async topicExists(topic: string): Promise<boolean> {
    try {
      return await this.#withTopic(topic, "look up", async () => true);
    } catch (error) {
      if (error instanceof TopicRefusedError) return false;
      throw error;
    }
  }

  /**
   * Makes the topics that are missing, and waits until they can be written and read.
   * @param create null: only look
   * @returns the names of those that were made, and of those that are missing still
   */
  async ensureTopics(
    topics: readonly string[],
    create: TopicShape | null,
  ): Promise<{ readonly created: readonly string[]; readonly missing: readonly string[] }> {
    const wanted = [...new Set(topics)];
    return this.#withAdmin("list topics", async (admin, client, deadline) => {
      const existing = new Set(await admin.listTopics());
      const missing = wanted.filter((topic) => !existing.has(topic));
      if (create === null || missing.length === 0) return { created: [], missing };
      await admin.createTopics({
        // kafkajs gives up where a broker has not heard yet of what its controller has made.
        waitForLeaders: false,
        topics: missing.map((topic) => ({
          topic,
          numPartitions: create.partitions,
          replicationFactor: create.replication,
        })),
      });
      this.#options.log.info("topics created", { topics: missing.join(",") });
      for (const topic of missing) await this.#untilServed(client, topic, deadline);
      return { created: missing, missing: [] };
    });
  }

  /** Where a group stands, without becoming a member of it. */
  async lag(group: string, topic: string): Promise<readonly PartitionLag[]> {
    return this.#withTopic(topic, "read the lag of", async (connection) => {
      const partitions = connection.partitions();
      const committed = await readCommitted(connection, group, partitions);
      const bounds = await readLogBounds(connection, partitions);
      return partitions.map((partition) => {
        const { logStartOffset, logEndOffset } = bounds.get(partition) ?? { logStartOffset: 0, logEndOffset: 0 };
        const position = committed.get(partition);
        const from = position === undefined ? null : Math.max(position.offset, logStartOffset);
        return {
          partition,
          committed: position?.offset ?? null,
          metadata: position?.metadata ?? "",
          logStartOffset,
          logEndOffset,
          lag: from === null ? null : Math.max(0, logEndOffset - from),
        };
      });
    });
  }

  /** Offset that the next record of each partition will get. */
  async endOffsets(topic: string): Promise<ReadonlyMap<number, number>> {
    return this.#withTopic(topic, "read the end of", async (connection) => {
      const bounds = await readLogBounds(connection, connection.partitions());
      return new Map([...bounds].map(([partition, { logEndOffset }]) => [partition, logEndOffset]));
    });
  }

  /** How large a record each topic takes. Those are left out of which Kafka does not tell: missing ones, forbidden ones. */
  async maxMessageBytes(topics: readonly string[]): Promise<ReadonlyMap<string, number>> {
    return this.#withAdmin("read the settings of topics", async (admin) => {
      const told = new Map<string, number>();
      for (const topic of new Set(topics)) {
        const bytes = await this.#topicSetting(admin, topic, "max.message.bytes");
        if (Number.isSafeInteger(Number(bytes)) && Number(bytes) > 0) told.set(topic, Number(bytes));
      }
      return told;
    });
  }

  async #untilServed(client: KafkaClient, topic: string, deadline: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const connection = new TopicConnection(client, topic, clock);
    for (;;) {
      try {
        await connection.open();
        await readLogBounds(connection, connection.partitions());
        return;
      } catch (error) {
        // The latter where a partition has no leader yet.
        if (!isNotServedYet(error) && !(error instanceof KafkaUnavailableError)) throw error;
      }
      await clock.sleep(SERVED_LOOK_MS, { signal: deadline });
    }
  }

  /** undefined: there is no such setting, or nobody tells us. */
  async #topicSetting(admin: Admin, topic: string, setting: string): Promise<string | undefined> {
    try {
      const { resources } = await admin.describeConfigs({
        // One at a time: kafkajs gives no answer at all where one of them is refused.
        resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configNames: [setting] }],
        includeSynonyms: false,
      });
      return resources[0]?.configEntries.find(({ configName }) => configName === setting)?.configValue;
    } catch (error) {
      if (classifyFailure(error) === "unavailable") throw error;
      this.#options.log.debug("Kafka does not tell a setting", { topic, setting, reason: describeError(error) });
      return undefined;
    }
  }

  async #withTopic<T>(topic: string, action: string, use: (connection: TopicConnection) => Promise<T>): Promise<T> {
    return this.#withClient(`${action} topic "${topic}"`, async (client) => {
      const connection = new TopicConnection(client, topic, this.#options.clock);
      await connection.open();
      return use(connection);
    });
  }

  async #withAdmin<T>(
    action: string,
    use: (admin: Admin, client: KafkaClient, deadline: AbortSignal) => Promise<T>,
  ): Promise<T> {
    return this.#withClient(action, async (client, deadline) => {
      const admin = client.kafka.admin({ retry: { retries: 3, initialRetryTime: 200 } });
      await client.connect(admin);
      return use(admin, client, deadline);
    });
  }

  /** @param use begins nothing new once `deadline` is aborted */
  async #withClient<T>(action: string, use: (client: KafkaClient, deadline: AbortSignal) => Promise<T>): Promise<T> {
    const { kafka, log, clock, timeoutMs } = this.#options;
    const client = new KafkaClient({ ...kafka, log, requestTimeoutMs: timeoutMs });
    const deadline = new AbortController();
    const cancel = clock.schedule(timeoutMs, () => {
      deadline.abort(new KafkaUnavailableError(`Cannot ${action}: no answer within ${timeoutMs} ms`));
    });
    try {
      return await abortable(use(client, deadline.signal), deadline.signal);
    } catch (error) {
      throw asKafkaError(action, error);
    } finally {
      cancel();
      client.close();
    }
  }
}
