import type { Clock } from "../base/clock.ts";
import type { KafkaClient } from "./client.ts";
import { errorOfCode } from "./error-of-code.ts";
import { kafkaErrorType, topicRefused } from "./errors.ts";
import { type FetchedPartition, type FetchRequest, fetchMessage } from "./protocol/fetch.ts";
import { type ProduceRequest, type ProduceResponse, produceMessage } from "./protocol/produce.ts";
import { topicIdMessage } from "./protocol/topic-id.ts";
import { isKnown, send } from "./send.ts";
import type { WireBroker, WireCluster } from "./wire.ts";

/** A topic made a moment ago is unknown to some brokers for a while. */
const SECOND_LOOK_MS = 250;
/** Time for the answer to a fetch, on top of what the broker is allowed to wait. */
const FETCH_ANSWER_MS = 5000;
/** kafkajs has two connections to a broker; the other one is for fetches, of which there is one at a time. */
const REQUEST_CONNECTION = 0;

/**
 * One topic as a cluster serves it: its partitions, their leaders, and a group's coordinator.
 *
 * A connection knows one topic alone, because kafkajs fails metadata as a whole when one topic in it is missing.
 */
export class TopicConnection {
  readonly topic: string;
  readonly #client: KafkaClient;
  readonly #cluster: WireCluster;
  readonly #clock: Clock;
  readonly #opening = new Map<WireBroker["connectionPool"], Promise<unknown>>();
  #known = false;
  #coordinator: { readonly group: string; readonly broker: WireBroker } | undefined;

  constructor(client: KafkaClient, topic: string, clock: Clock) {
    this.topic = topic;
    this.#client = client;
    this.#cluster = client.openCluster();
    this.#clock = clock;
  }

  /**
   * Connects and reads the topic's metadata.
   * @throws {TopicRefusedError} the topic is missing or forbidden
   */
  async open(): Promise<void> {
    await this.#client.connect(this.#cluster);
    await this.refresh();
  }

  /**
   * Reads the topic's metadata anew.
   * @throws {TopicRefusedError} the topic is missing or forbidden
   */
  async refresh(): Promise<void> {
    try {
      await this.#refresh();
    } catch (error) {
      if (kafkaErrorType(error) !== "UNKNOWN_TOPIC_OR_PARTITION") throw this.#asRefused(error);
      await this.#clock.sleep(SECOND_LOOK_MS);
      await this.#refresh().catch((again: unknown) => {
        throw this.#asRefused(again);
      });
    }
  }

  async #refresh(): Promise<void> {
    if (this.#known) {
      await this.#cluster.refreshMetadata();
    } else {
      // Takes the topic out again where the brokers do not know it.
      await this.#cluster.addMultipleTargetTopics([this.topic]);
      this.#known = true;
    }
  }

  #asRefused(error: unknown): unknown {
    const type = kafkaErrorType(error);
    return type === "UNKNOWN_TOPIC_OR_PARTITION" ||
      type === "INVALID_TOPIC_EXCEPTION" ||
      type === "TOPIC_AUTHORIZATION_FAILED"
      ? topicRefused(this.topic, "use", error)
      : error;
  }

  /** Ascending, as of the last refresh. */
  partitions(): readonly number[] {
    const ids = this.#cluster.findTopicPartitionMetadata(this.topic).map(({ partitionId }) => partitionId);
    return ids.sort((a, b) => a - b);
  }

  /** Node id of the broker that leads each partition, as of the last refresh. */
  leaders(): ReadonlyMap<number, string> {
    const metadata = this.#cluster.findTopicPartitionMetadata(this.topic);
    return new Map(metadata.map(({ partitionId, leader }) => [partitionId, String(leader)]));
  }

  /**
   * Which topic of its name it is, as the cluster says now; undefined where that gives topics no ids (before Kafka 2.8).
   * @throws {TopicRefusedError} the topic is missing or forbidden
   * @throws errors of kafkajs, and what `send` throws
   */
  async topicId(): Promise<string | undefined> {
    const broker = await this.#connected(await this.#cluster.brokerPool.findConnectedBroker());
    if (!isKnown(broker, topicIdMessage)) return undefined;
    const { errorCode, topicId } = await send(broker, topicIdMessage, this.topic);
    if (errorCode !== 0) throw this.#asRefused(errorOfCode(errorCode));
    return topicId;
  }

  /** Connects to it where that is needed. For requests of kafkajs. */
  async broker(nodeId: string): Promise<WireBroker> {
    return this.#connected(await this.#cluster.findBroker({ nodeId }));
  }

  /**
   * Fetches records of this topic from a leader of some of its partitions. Errors of single partitions are in the answer.
   * @throws errors of kafkajs, and what `send` throws
   */
  async fetch(nodeId: string, request: Omit<FetchRequest, "topic">): Promise<readonly FetchedPartition[]> {
    const timeoutMs = request.maxWaitMs + FETCH_ANSWER_MS;
    const whole = { topic: this.topic, ...request };
    const { errorCode, partitions } = await send(await this.broker(nodeId), fetchMessage, whole, timeoutMs);
    if (errorCode !== 0) throw errorOfCode(errorCode);
    return partitions;
  }

  /**
   * Writes to partitions of this topic. Errors of single partitions are in the answer.
   * @throws errors of kafkajs, and what `send` throws
   */
  async produce(nodeId: string, request: Omit<ProduceRequest, "topic">): Promise<ProduceResponse["partitions"]> {
    const { partitions } = await send(await this.broker(nodeId), produceMessage, { topic: this.topic, ...request });
    return partitions;
  }

  /** Any broker may hand out producer ids; the controller is one that exists. */
  async controller(): Promise<WireBroker> {
    return this.#connected(await this.#cluster.findControllerBroker());
  }

  async coordinator(group: string): Promise<WireBroker> {
    const known = this.#coordinator;
    if (known?.group === group && known.broker.isConnected()) return this.#connected(known.broker);
    const broker = await this.#connected(await this.#cluster.findGroupCoordinator({ groupId: group }));
    this.#coordinator = { group, broker };
    return broker;
  }

  /**
   * kafkajs opens a socket for each request that finds none, and forgets all but the last (connectionPool.js): so one
   * is opened here, for all that wait, before any request is made.
   */
  async #connected(broker: WireBroker): Promise<WireBroker> {
    const pool = broker.connectionPool;
    let opening = this.#opening.get(pool);
    if (opening === undefined) {
      opening = pool.getConnection(REQUEST_CONNECTION).finally(() => this.#opening.delete(pool));
      this.#opening.set(pool, opening);
    }
    await opening;
    return broker;
  }

  /** To be called when the coordinator said that it is not, or could not be reached. */
  forgetCoordinator(): void {
    this.#coordinator = undefined;
  }
}
