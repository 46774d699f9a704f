import { decodeUtf8, utf8 } from "../base/bytes.ts";
import type { Logger } from "../base/log.ts";
import type { ProcessorSpec } from "../config/processor.ts";
import type { StateStore } from "../state/store.ts";

const KEY = "processors";
/** Raised whenever ProcessorSpec changes in a way that an older document does not fit. */
const FORMAT = 1;

/**
 * Which processors run, kept over restarts: one whose definition disappears while the scheduler is down is still drained
 * and torn down, and a folder that cannot be read at the start changes nothing.
 *
 * Stored as a format byte and a JSON array of specifications.
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
    const text = bytes[0] === FORMAT ? decodeUtf8(bytes.subarray(1)) : undefined;
    if (text === undefined) {
      // Written by another release. The files say the same, but for those that were removed meanwhile.
      this.#log.warn("stored list of processors has an unknown format and is ignored", { format: bytes[0] });
      return [];
    }
    return JSON.parse(text) as ProcessorSpec[];
  }

  async save(specs: Iterable<ProcessorSpec>): Promise<void> {
    const json = utf8(JSON.stringify([...specs]));
    const bytes = new Uint8Array(1 + json.byteLength);
    bytes[0] = FORMAT;
    bytes.set(json, 1);
    await this.#store.write(KEY, bytes);
  }
}
