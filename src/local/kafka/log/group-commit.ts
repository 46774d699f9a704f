import type { Logger } from "../../../base/log.ts";
import type { BrokerDatabase } from "./database.ts";
import { StorageError } from "./errors.ts";

/** A change that shares its transaction with others. What it does in memory is staged until the commit decides. */
export interface Write<Result> {
  /** Inside the transaction, after those that came before it. */
  apply(): Result;
  /** The commit is durable. Called for every write before any result is handed out. */
  publish(): void;
  /** The transaction was rolled back. */
  discard(): void;
}

interface Pending {
  /** Applies the write and keeps its result. */
  apply(): void;
  publish(): void;
  discard(): void;
  resolve(): void;
  reject(error: StorageError): void;
}

/**
 * Collects the writes of one turn of the event loop and commits them in one transaction: the more clients write at
 * once, the less each one costs. Writes are applied in the order of {@link run}. How many wait is bounded by the
 * connections, which stop reading while they have requests under way.
 */
export class GroupCommit {
  readonly #database: BrokerDatabase;
  readonly #log: Logger;
  #pending: Pending[] = [];
  #scheduled = false;

  constructor(database: BrokerDatabase, log: Logger) {
    this.#database = database;
    this.#log = log;
  }

  /** Resolves once the write is durable. @throws {StorageError} it was not made, nor was any other of its turn */
  run<Result>(write: Write<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      let result: { readonly value: Result } | undefined;
      this.#pending.push({
        apply: () => {
          result = { value: write.apply() };
        },
        publish: () => write.publish(),
        discard: () => write.discard(),
        resolve: () => {
          if (result !== undefined) resolve(result.value);
        },
        reject,
      });
      if (this.#scheduled) return;
      this.#scheduled = true;
      setImmediate(() => this.flush());
    });
  }

  /** Commits what waits, at once. */
  flush(): void {
    this.#scheduled = false;
    const writes = this.#pending;
    if (writes.length === 0) return;
    this.#pending = [];
    try {
      this.#database.transaction(() => {
        for (const write of writes) write.apply();
      });
    } catch (error) {
      for (const write of writes) write.discard();
      const failure = new StorageError("Cannot commit: the database refused it", { cause: error });
      this.#log.error("kafka writes were lost before they were acknowledged", { error, writes: writes.length });
      for (const write of writes) write.reject(failure);
      return;
    }
    for (const write of writes) write.publish();
    for (const write of writes) write.resolve();
  }
}
