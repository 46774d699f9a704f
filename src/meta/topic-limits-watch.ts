import type { Clock } from "../base/clock.ts";
import { describeError } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { KafkaAdmin } from "../kafka/admin.ts";

export interface TopicLimitsWatchOptions {
  readonly admin: Pick<KafkaAdmin, "maxMessageBytes">;
  /** Asked at each look: a change of the specification may name others meanwhile. */
  readonly topics: () => readonly string[];
  readonly onLimits: (maxMessageBytes: ReadonlyMap<string, number>) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

const INTERVAL_MS = 600_000;

/** Tells how large a record the topics take, as their settings have it, again and again: they can be changed. */
export class TopicLimitsWatch {
  readonly #options: TopicLimitsWatchOptions;
  readonly #told = new Map<string, number>();
  #cancel: () => void = () => undefined;
  #closed = false;

  constructor(options: TopicLimitsWatchOptions) {
    this.#options = options;
  }

  /** Resolves when all that can be known now is told. Never rejects: what is told stands until there is an answer. */
  async look(): Promise<void> {
    const { admin, topics, onLimits, clock, log } = this.#options;
    this.#cancel();
    try {
      const limits = await admin.maxMessageBytes(topics());
      for (const [topic, maxMessageBytes] of limits) {
        if (this.#told.get(topic) === maxMessageBytes) continue;
        this.#told.set(topic, maxMessageBytes);
        log.info("size of the records that a topic takes", { topic, maxMessageBytes });
      }
      onLimits(limits);
    } catch (error) {
      log.warn("cannot read how large a record the topics take", { reason: describeError(error) });
    }
    this.#cancel(); // of another look, which took place meanwhile
    if (!this.#closed) this.#cancel = clock.schedule(INTERVAL_MS, () => void this.look());
  }

  close(): void {
    this.#closed = true;
    this.#cancel();
  }
}
