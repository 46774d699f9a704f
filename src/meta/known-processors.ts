import { utf8 } from "../base/bytes.ts";
import type { Logger } from "../base/log.ts";
import type { ProcessorSpec } from "../config/processor.ts";
import type { StateStore } from "../state/store.ts";
import { readStoredJson } from "./stored-json.ts";

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
    const processors = parse(bytes);
    if (processors !== undefined) return processors;
    // The files say the same, but for those that were removed meanwhile.
    this.#log.warn("stored list of processors is damaged, or of another release, and is ignored");
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

/** undefined: damaged, or of another version. What is of this version was written by {@link KnownProcessors.save}. */
function parse(bytes: Uint8Array): readonly ProcessorSpec[] | undefined {
  const { version, processors } = readStoredJson(bytes) ?? {};
  return version === VERSION && Array.isArray(processors) ? (processors as readonly ProcessorSpec[]) : undefined;
}
