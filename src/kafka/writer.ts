import { type BackoffOptions, backoffMs } from "../base/backoff.ts";
import type { Clock } from "../base/clock.ts";
import { assertNever, describeError } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import { type Random, randomInt } from "../base/random.ts";
import { RecordRefusedError, TopicRefusedError } from "../engine/errors.ts";
import { abortable } from "./abortable.ts";
import { KafkaClient, type KafkaClientOptions } from "./client.ts";
import { TopicConnection } from "./connection.ts";
import { errorOfCode } from "./error-of-code.ts";
import {
  classifyFailure,
  isForbidden,
  isTooLarge,
  KafkaClosedError,
  KafkaUnavailableError,
  kafkaErrorType,
  topicRefused,
} from "./errors.ts";
import { Lane, type Outgoing } from "./lane.ts";
import { partitionOfKey } from "./murmur2.ts";
import { parseOffset } from "./offsets.ts";
import { encodeBatch } from "./records/encode-batch.ts";
import { Wakeup } from "./wakeup.ts";

export interface WriterOptions {
  readonly kafka: Omit<KafkaClientOptions, "log" | "requestTimeoutMs">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Largest batch of one partition, unless it is a single record; below the broker's usual limit of 1 MiB. */
  readonly maxBatchBytes: number;
}

const RETRY: BackoffOptions = { initialMs: 100, maxMs: 3000 };
const ACKNOWLEDGE_TIMEOUT_MS = 30_000;
/** Partitions that were added are written to after so long at the latest. */
const METADATA_MAX_AGE_MS = 60_000;
/** Unused: kafkajs asks for it, brokers look at it for transactional producers only. */
const TRANSACTION_TIMEOUT_MS = 60_000;

interface Producer {
  readonly producerId: number;
  readonly producerEpoch: number;
}

/**
 * Writes one topic, as an idempotent producer of its own. Every partition has at most one batch on its way; partitions
 * that are led by one broker share its requests.
 *
 * It retries without an end, except where the topic itself is refused: then all that waits fails, and the writer ends.
 */
export class TopicWriter {
  readonly topic: string;
  readonly #options: WriterOptions;
  readonly #log: Logger;
  readonly #client: KafkaClient;
  readonly #connection: TopicConnection;
  readonly #onEnd: (writer: TopicWriter) => void;
  readonly #ended = new AbortController();
  readonly #wakeup = new Wakeup();
  /** Not given to a partition yet. */
  readonly #incoming: Outgoing[] = [];
  readonly #lanes = new Map<number, Lane>();
  /** Lanes with a request under way, or waiting to repeat one. */
  readonly #busy = new Set<Lane>();
  #producer: Producer | undefined;
  #refreshedMs = 0;
  #failures = 0;
  #turn: number;

  constructor(topic: string, options: WriterOptions, onEnd: (writer: TopicWriter) => void) {
    this.topic = topic;
    this.#options = options;
    this.#log = options.log.child({ topic });
    this.#client = new KafkaClient({ ...options.kafka, log: this.#log, requestTimeoutMs: ACKNOWLEDGE_TIMEOUT_MS });
    this.#connection = new TopicConnection(this.#client, topic, options.clock);
    this.#onEnd = onEnd;
    this.#turn = randomInt(options.random, 1000);
  }

  /** Writes until it is ended. Never rejects: what goes wrong reaches the deliveries. */
  async run(): Promise<void> {
    const signal = this.#ended.signal;
    while (!signal.aborted) {
      try {
        await this.#open(signal);
        while (!signal.aborted) await this.#round(signal);
      } catch (error) {
        if (signal.aborted) return;
        await this.#pause(error, signal);
      }
    }
  }

  add(entry: Outgoing): void {
    this.#incoming.push(entry);
    this.#wakeup.wake();
  }

  /** Fails all that is not acknowledged, and lets go of the connections. */
  end(error: Error): void {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort(error);
    this.#wakeup.wake();
    for (const { delivery } of this.#incoming.splice(0)) delivery.fail(error);
    for (const lane of this.#lanes.values()) lane.failAll(error);
    this.#client.close();
    this.#onEnd(this);
  }

  async #open(signal: AbortSignal): Promise<void> {
    await abortable(this.#connection.open(), signal);
    this.#refreshedMs = this.#options.clock.monotonicMs();
  }

  async #round(signal: AbortSignal): Promise<void> {
    if (this.#producer === undefined && this.#busy.size === 0) await this.#renewProducer(signal);
    // Whatever is sent in one turn of the event loop travels together.
    await new Promise((resolve) => setImmediate(resolve));
    await this.#refreshIfOld(signal);
    this.#spread();
    if (this.#producer !== undefined) this.#startRequests(this.#producer, signal);
    await this.#wakeup.wait();
  }

  async #renewProducer(signal: AbortSignal): Promise<void> {
    const controller = await abortable(this.#connection.controller(), signal);
    const request = controller.initProducerId({ transactionTimeout: TRANSACTION_TIMEOUT_MS });
    const { producerId, producerEpoch } = await abortable(request, signal);
    this.#producer = { producerId: parseOffset(producerId), producerEpoch };
    for (const lane of this.#lanes.values()) lane.restart();
  }

  async #refreshIfOld(signal: AbortSignal): Promise<void> {
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - this.#refreshedMs < METADATA_MAX_AGE_MS || this.#incoming.length === 0) return;
    await abortable(this.#connection.refresh(), signal);
    this.#refreshedMs = nowMs;
  }

  /** Gives each record its partition, once and for all. */
  #spread(): void {
    const partitions = this.#connection.partitions().length;
    for (const entry of this.#incoming.splice(0)) {
      const { key } = entry.record;
      const partition = key === null ? this.#turn++ % partitions : partitionOfKey(key, partitions);
      let lane = this.#lanes.get(partition);
      if (lane === undefined) {
        lane = new Lane(partition);
        this.#lanes.set(partition, lane);
      }
      lane.add(entry);
    }
  }

  #startRequests(producer: Producer, signal: AbortSignal): void {
    const leaders = this.#connection.leaders();
    const requests = new Map<string, Lane[]>();
    for (const [partition, lane] of this.#lanes) {
      if (this.#busy.has(lane) || lane.nextBatch(this.#options.maxBatchBytes) === undefined) continue;
      const leader = leaders.get(partition) ?? "";
      const lanes = requests.get(leader);
      if (lanes === undefined) requests.set(leader, [lane]);
      else lanes.push(lane);
    }
    for (const [leader, lanes] of requests) {
      for (const lane of lanes) this.#busy.add(lane);
      const held = new Set(lanes);
      this.#request(leader, held, producer, signal)
        .catch((error: unknown) => this.end(error instanceof Error ? error : new Error(String(error))))
        .finally(() => this.#letGo(held, [...held]));
    }
  }

  #letGo(held: Set<Lane>, lanes: readonly Lane[]): void {
    for (const lane of lanes) {
      held.delete(lane);
      this.#busy.delete(lane);
    }
    this.#wakeup.wake();
  }

  /** @param held lanes whose batches it sends, without those that need not wait for what becomes of the others */
  async #request(leader: string, held: Set<Lane>, producer: Producer, signal: AbortSignal): Promise<void> {
    try {
      const results = await this.#connection.produce(leader, {
        timeoutMs: ACKNOWLEDGE_TIMEOUT_MS,
        partitions: [...held].flatMap((lane) => this.#partitionData(lane, producer)),
      });
      const errorCodes = new Map(results.map(({ partition, errorCode }) => [partition, errorCode]));
      const failures = new Map<Lane, Error>();
      for (const lane of held) {
        const failure = this.#settle(lane, errorCodes.get(lane.partition));
        if (failure !== undefined) failures.set(lane, failure);
      }
      const [failure] = failures.values();
      if (failure === undefined) {
        this.#failures = 0;
      } else {
        this.#letGo(
          held,
          [...held].filter((lane) => !failures.has(lane)),
        );
        if (!signal.aborted) await this.#pause(failure, signal);
      }
    } catch (error) {
      if (!signal.aborted) await this.#pause(error, signal);
    }
  }

  #partitionData({ partition, batch }: Lane, producer: Producer): { partition: number; batch: Uint8Array }[] {
    if (batch === undefined) return [];
    const { entries, firstSequence: baseSequence } = batch;
    const records = entries.map(({ record }) => record);
    const timestampMs = this.#options.clock.wallMs();
    return [{ partition, batch: encodeBatch({ records, timestampMs, ...producer, baseSequence }) }];
  }

  /** @returns an error that may pass: the same batch is to be sent again, later */
  #settle(lane: Lane, code: number | undefined): Error | undefined {
    if (code === 0) {
      lane.acknowledged();
      return undefined;
    }
    if (code === undefined) {
      return new KafkaUnavailableError(`Cannot write to partition ${lane.partition}: the answer leaves it out`);
    }
    const error = errorOfCode(code);
    const failure = classifyFailure(error);
    switch (failure) {
      case "record-refused":
        lane.refused((entry) => this.#recordRefused(entry, error));
        return undefined;
      case "already-written":
        lane.acknowledged();
        return undefined;
      case "producer-lost":
        this.#log.warn("producer id lost; the last batches may be written twice", { type: kafkaErrorType(error) });
        this.#producer = undefined;
        return undefined;
      case "refused":
        this.end(new TopicRefusedError(this.topic, this.#message("Kafka refuses it", error), { cause: error }));
        return undefined;
      case "topic-refused":
      case "coordinator-moved":
      case "stale-member":
      case "out-of-range":
      case "unavailable":
        // An unknown topic may be a leader that moved. If it is gone, reading its metadata says so.
        return error;
      default:
        return assertNever(failure);
    }
  }

  /** Waits and looks up the leaders anew, or ends the writer where the topic is refused. */
  async #pause(error: unknown, signal: AbortSignal): Promise<void> {
    this.#failures++;
    try {
      // Of the topic's metadata, which was read twice. From a broker the same may only mean that the leader moved.
      if (error instanceof TopicRefusedError) throw error;
      this.#log.warn("cannot write now, trying again", { error: describeError(error), failures: this.#failures });
      if (classifyFailure(error) === "refused" || isForbidden(error)) throw error;
      await this.#options.clock.sleep(backoffMs(RETRY, this.#failures, this.#options.random), { signal });
      await abortable(this.#connection.refresh(), signal);
    } catch (again) {
      if (signal.aborted) return;
      const failure = classifyFailure(again);
      if (failure === "topic-refused") this.end(topicRefused(this.topic, "write to", again));
      if (failure === "refused") {
        this.end(new TopicRefusedError(this.topic, this.#message("Kafka refuses it", again), { cause: again }));
      }
    }
  }

  #recordRefused({ bytes }: Outgoing, cause: unknown): RecordRefusedError {
    const why = `Kafka refuses the record of ${bytes} bytes`;
    return new RecordRefusedError(this.#message(why, cause), { cause, tooLarge: isTooLarge(cause) });
  }

  #message(why: string, cause: unknown): string {
    return `Cannot write to topic "${this.topic}": ${why} (${kafkaErrorType(cause) ?? describeError(cause)})`;
  }
}

export function closedError(topic: string): KafkaClosedError {
  return new KafkaClosedError(`Cannot write to topic "${topic}": the output is closed`);
}
