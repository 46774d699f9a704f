import { decodeUtf8, utf8 } from "../base/bytes.ts";
import type { Logger } from "../base/log.ts";
import type { ProcessorSpec } from "../config/processor.ts";
import type { StateStore } from "../state/store.ts";

const KEY = "processors";
/** Raised whenever ProcessorSpec changes in a way that an older document does not fit. */
const VERSION = 2;

/**
 * Which processors run, kept over restarts: one whose definition disappears while the scheduler is down is still drained
 * and torn down, and a folder that cannot be read at the start changes nothing.
 *
 * Stored as JSON: `{"version":2,"processors":[…]}`.
 */
export class KnownProcessors {
  readonly #store: StateStore;
  readonly #log: Logger;

  constructor(store: StateStore, log: Logger) {
    this.#store = store;
    this.#log = log;
  }

  async load(): Promise<readonly ProcessorSpec[]> {
    const bytes = await this.#store.read(KEY);
    if (bytes === undefined) return [];
    const stored = JSON.parse(decodeUtf8(bytes) ?? "null") as StoredProcessors | null;
    if (stored?.version === VERSION) return stored.processors;
    // Written by another release. The files say the same, but for those that were removed meanwhile.
    this.#log.warn("stored list of processors is of another version and is ignored", { version: stored?.version });
    return [];
  }

  async save(processors: Iterable<ProcessorSpec>): Promise<void> {
    const stored: StoredProcessors = { version: VERSION, processors: [...processors] };
    await this.#store.write(KEY, utf8(JSON.stringify(stored)));
  }
}

interface StoredProcessors {
  readonly version: number;
  readonly processors: readonly ProcessorSpec[];
}
