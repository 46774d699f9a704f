import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import type { Output, OutputRecord } from "../engine/ports.ts";
import type { KafkaClientOptions } from "./client.ts";
import { Delivery, recordBytes } from "./lane.ts";
import { closedError, TopicWriter } from "./writer.ts";

export interface KafkaOutputOptions {
  readonly kafka: Omit<KafkaClientOptions, "log" | "requestTimeoutMs">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Largest batch of one partition, unless it is a single record. Default 512 KiB. */
  readonly maxBatchBytes?: number;
}

/**
 * Writes records with acks=all, each topic by an idempotent producer and connections of its own: a topic that is
 * missing or slow does not touch the others.
 *
 * Records of one partition are written in the order of their `send` calls. What waits is bounded by the caller.
 */
export class KafkaOutput implements Output {
  readonly #options: KafkaOutputOptions;
  readonly #writers = new Map<string, TopicWriter>();
  #closed = false;

  constructor(options: KafkaOutputOptions) {
    this.#options = options;
  }

  /** Connections are made as topics are written to. */
  async start(): Promise<void> {}

  async send(records: readonly OutputRecord[], { signal }: { signal?: AbortSignal } = {}): Promise<void> {
    signal?.throwIfAborted();
    const delivery = new Delivery(records.length);
    for (const record of records) {
      if (this.#closed) throw closedError(record.topic);
      this.#writer(record.topic).add({ record, bytes: recordBytes(record), delivery });
    }
    const onAbort = (): void => delivery.fail(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      await delivery.done;
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /** What is not acknowledged by now fails, and may have been written. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const writer of [...this.#writers.values()]) writer.end(closedError(writer.topic));
  }

  #writer(topic: string): TopicWriter {
    let writer = this.#writers.get(topic);
    if (writer === undefined) {
      const options = { maxBatchBytes: 512 * 1024, ...this.#options };
      writer = new TopicWriter(topic, options, (ended) => {
        if (this.#writers.get(topic) === ended) this.#writers.delete(topic);
      });
      this.#writers.set(topic, writer);
      void writer.run();
    }
    return writer;
  }
}
