import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { TopicCatalog } from "./log/topic-catalog.ts";
import type { TransactionCoordinator } from "./transactions/coordinator.ts";

export interface HousekeeperOptions {
  readonly topics: TopicCatalog;
  readonly transactions: TransactionCoordinator;
  readonly clock: Clock;
  readonly log: Logger;
  /** Pause between two looks at what is too old. */
  readonly retentionCheckMs: number;
}

/** Pause between two slices of a removal, so that clients are served in between. */
const PAUSE_MS = 1;
/** Pause before it is tried again after the database refused. */
const RETRY_MS = 5000;

/** Frees what nobody may read any more: records of deleted topics, deleted records, and what retention lets go. */
export class Housekeeper {
  readonly #options: HousekeeperOptions;
  #cancelRemoval: (() => void) | undefined;
  #cancelCheck: (() => void) | undefined;
  #stopped = false;

  constructor(options: HousekeeperOptions) {
    this.#options = options;
  }

  start(): void {
    this.removeSoon();
    this.#checkLater();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelRemoval?.();
    this.#cancelCheck?.();
  }

  /** Something was deleted: its records go slice by slice, until none are left. */
  removeSoon(): void {
    if (this.#cancelRemoval === undefined && !this.#stopped) this.#removeAfter(PAUSE_MS);
  }

  #checkLater(): void {
    const { clock, retentionCheckMs } = this.#options;
    this.#cancelCheck = clock.schedule(retentionCheckMs, () => {
      this.#check();
      this.#checkLater();
    });
  }

  #check(): void {
    const { topics, transactions, clock, log } = this.#options;
    try {
      for (const { topic, number, logStartOffset } of topics.expire(clock.wallMs())) {
        log.info("kafka records are past their retention", { topic, partition: number, logStartOffset });
      }
      transactions.forgetIdle();
    } catch (error) {
      log.warn("kafka records past their retention could not be removed yet", { error });
    }
    this.removeSoon();
  }

  #removeAfter(pauseMs: number): void {
    const { topics, clock, log } = this.#options;
    this.#cancelRemoval = clock.schedule(pauseMs, () => {
      this.#cancelRemoval = undefined;
      try {
        if (topics.removeSome(clock.wallMs())) this.#removeAfter(PAUSE_MS);
      } catch (error) {
        log.warn("deleted kafka records could not be removed yet", { error });
        this.#removeAfter(RETRY_MS);
      }
    });
  }
}
