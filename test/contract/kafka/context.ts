import { expect, test } from "bun:test";
import {
  CompressionTypes,
  type Consumer,
  type IHeaders,
  type Kafka,
  KafkaJSProtocolError,
  type KafkaMessage,
} from "kafkajs";
import { until } from "../../support/until.ts";
import { type BrokerAddress, connectRaw, type NewestVersions, type RawClient } from "./raw-client.ts";

export interface RunningKafka {
  readonly address: BrokerAddress;
  /** Where such a broker wants to know who one is: `saslUser` of real-kafka.ts. */
  readonly saslAddress: BrokerAddress;
  /** Stops it and starts it again with the same data at the same address. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Real brokers start in seconds, on a busy machine in more. */
export const START_TIMEOUT_MS = 240_000;
/** For what a client does by itself, such as a rebalance. */
export const WAIT_MS = 60_000;
/** A wait at the broker that outlasts every test: only what it waits for can end it. */
export const FOR_EVER_MS = 2 * START_TIMEOUT_MS;

export interface SentMessage {
  readonly key?: string;
  readonly value: string | null;
  readonly partition?: number;
  readonly timestamp?: string;
  readonly headers?: IHeaders;
}

export interface JoinedConsumer {
  readonly consumer: Consumer;
  readonly seen: readonly KafkaMessage[];
  /** Its part of the topic, in ascending order. */
  partitions(): readonly number[];
}

/** The broker of a contract, and who talks to it. */
interface Running {
  readonly broker: RunningKafka;
  readonly kafka: Kafka;
  readonly versions: NewestVersions;
}

type Admin = ReturnType<Kafka["admin"]>;

/** What the scenarios of the contract share: the broker, and clients that clean up after themselves. */
export class ContractContext {
  readonly #skip: Readonly<Record<string, string>>;
  #running: Running | undefined;
  #lastName = 0;

  constructor(skip: Readonly<Record<string, string>>) {
    this.#skip = skip;
  }

  started(running: Running): void {
    this.#running = running;
  }

  broker(): RunningKafka {
    return this.#started().broker;
  }

  kafka(): Kafka {
    return this.#started().kafka;
  }

  /** A test with the name of a topic of its own, which it may create. */
  scenario(title: string, run: (topic: string) => Promise<void>): void {
    const reason = this.#skip[title];
    if (reason !== undefined) test.skip(`${title} (skipped: ${reason})`, () => undefined);
    else test(title, () => run(this.#newName("topic")), START_TIMEOUT_MS);
  }

  async createTopic(topic: string, numPartitions = 1, configs: Readonly<Record<string, string>> = {}): Promise<void> {
    const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }));
    await this.withAdmin(async (admin) => {
      const wanted = { topic, numPartitions, replicationFactor: 1, configEntries };
      // Not by kafkajs: it gives up where a real broker does not know of the topic yet that it has just made.
      await admin.createTopics({ topics: [wanted], waitForLeaders: false });
      for (const giveUpAt = performance.now() + WAIT_MS; !(await isServed(admin, topic)); ) {
        if (performance.now() > giveUpAt) throw new Error(`${topic} has not been served for ${WAIT_MS} ms`);
        await Bun.sleep(5);
      }
    });
  }

  async send(
    topic: string,
    messages: readonly SentMessage[],
    compression: CompressionTypes = CompressionTypes.None,
  ): Promise<void> {
    const producer = this.kafka().producer({ allowAutoTopicCreation: false });
    await producer.connect();
    await producer.send({ topic, messages: messages.map((message) => ({ ...message })), compression });
    await producer.disconnect();
  }

  async withRaw(run: (client: RawClient) => Promise<void>): Promise<void> {
    const { broker, versions } = this.#started();
    await using client = await connectRaw(broker.address, versions);
    await run(client);
  }

  async withAdmin(run: (admin: Admin) => Promise<void>): Promise<void> {
    const admin = this.kafka().admin();
    await admin.connect();
    try {
      await run(admin);
    } finally {
      await admin.disconnect();
    }
  }

  /** Reads a topic from its beginning, in a group of its own. */
  async readAll(
    topic: string,
    count: number,
    limits: { maxBytes?: number; maxBytesPerPartition?: number } = {},
  ): Promise<readonly KafkaMessage[]> {
    const consumer = this.kafka().consumer({ groupId: this.#newName("reader"), maxWaitTimeInMs: 200, ...limits });
    const messages: KafkaMessage[] = [];
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({
      eachMessage: ({ message }) => {
        messages.push(message);
        return Promise.resolve();
      },
    });
    try {
      await until(() => messages.length >= count, `${count} records of ${topic} are read`, WAIT_MS);
    } finally {
      await consumer.disconnect();
    }
    return messages;
  }

  /** A member that commits only when it is told to. */
  async joinConsumer(groupId: string, topic: string): Promise<JoinedConsumer> {
    const consumer = this.kafka().consumer({
      groupId,
      maxWaitTimeInMs: 100,
      heartbeatInterval: 200,
      sessionTimeout: 30_000,
    });
    const seen: KafkaMessage[] = [];
    let assigned: readonly number[] = [];
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      assigned = (payload.memberAssignment[topic] ?? []).toSorted((a, b) => a - b);
    });
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachMessage: ({ message }) => {
        seen.push(message);
        return Promise.resolve();
      },
    });
    return { consumer, seen, partitions: () => assigned };
  }

  #newName(kind: string): string {
    return `${kind}-${++this.#lastName}-${Date.now().toString(36)}`;
  }

  #started(): Running {
    if (this.#running === undefined) throw new Error("the broker is not started yet");
    return this.#running;
  }
}

/**
 * Asks until the answer is what it is to become. A real controller answers as soon as a change of topics or settings is
 * written down; a broker learns of it a moment later.
 */
export async function becomes(ask: () => Promise<unknown>, wanted: unknown): Promise<void> {
  const giveUpAt = performance.now() + WAIT_MS;
  for (;;) {
    const answer = await ask();
    if (Bun.deepEquals(answer, wanted)) return;
    if (performance.now() > giveUpAt) return expect(answer).toEqual(wanted);
    await Bun.sleep(5);
  }
}

/** A broker tells of a leader a moment before that knows of its partitions. */
async function isServed(admin: Admin, topic: string): Promise<boolean> {
  try {
    await admin.fetchTopicOffsets(topic);
    return true;
  } catch (error) {
    if (error instanceof KafkaJSProtocolError && error.retriable) return false;
    throw error;
  }
}
