import { utf8 } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { OffsetCommit, Positions } from "../engine/ports.ts";
import type { StateStore } from "../state/store.ts";
import { readStoredJson } from "./stored-json.ts";

/** What is stored may lag behind what is committed by so much: it is read only where Kafka has forgotten. */
const WRITE_EVERY_MS = 5000;
const VERSION = 1;

export interface StoredPositionsOptions {
  readonly store: StateStore;
  readonly processor: string;
  /** Positions of another group or topic mean nothing to this one. */
  readonly group: string;
  readonly topic: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * The last committed position of each partition, in the state store under `processors/<name>/positions`:
 *
 *     {"version":1,"group":"BrigadeProc-in-upper","topic":"in","topicId":"7f3c…","positions":{"0":41203}}
 *
 * A commit only changes a map; that is stored every few seconds where it has changed, and at the end.
 */
export class StoredPositions implements Positions {
  readonly #options: StoredPositionsOptions;
  readonly #positions: Map<number, number>;
  #topicId: string | undefined;
  #changed = false;
  #cancelTimer: (() => void) | undefined;
  #writing: Promise<void> = Promise.resolve();
  #closed = false;

  private constructor(options: StoredPositionsOptions, stored: Stored | undefined) {
    this.#options = options;
    this.#positions = new Map(stored?.positions);
    this.#topicId = stored?.topicId;
  }

  /** What cannot be read is not there: it is the second of two places, and stored anew with the next commits. */
  static async load(options: StoredPositionsOptions): Promise<StoredPositions> {
    const { store, processor, group, topic, log } = options;
    const bytes = await store.read(keyOf(processor));
    const stored = bytes === undefined ? undefined : parse(bytes);
    if (bytes !== undefined && stored === undefined) log.warn("stored positions are not readable and are ignored");
    const isOurs = stored?.group === group && stored.topic === topic;
    return new StoredPositions(options, isOurs ? stored : undefined);
  }

  get topicId(): string | undefined {
    return this.#topicId;
  }

  of(topicId: string): void {
    if (topicId === this.#topicId) return;
    if (this.#topicId !== undefined) this.#positions.clear();
    this.#topicId = topicId;
    this.#change();
  }

  last(partition: number): number | undefined {
    return this.#positions.get(partition);
  }

  committed(offsets: readonly OffsetCommit[]): void {
    for (const { partition, offset } of offsets) {
      if (this.#positions.get(partition) === offset) continue;
      this.#positions.set(partition, offset);
      this.#change();
    }
  }

  forget(): void {
    if (this.#positions.size === 0) return;
    this.#positions.clear();
    this.#change();
  }

  /** Stores what has changed; later changes are not stored any more. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelTimer?.();
    this.#write();
    await this.#writing;
  }

  #change(): void {
    this.#changed = true;
    if (this.#closed) return;
    this.#cancelTimer ??= this.#options.clock.schedule(WRITE_EVERY_MS, () => {
      this.#cancelTimer = undefined;
      this.#write();
    });
  }

  #write(): void {
    if (!this.#changed) return;
    this.#changed = false;
    const value = this.#encoded();
    this.#writing = this.#writing.then(() => this.#store(value));
  }

  async #store(value: Uint8Array): Promise<void> {
    const { store, processor, log } = this.#options;
    try {
      await store.write(keyOf(processor), value);
    } catch (error) {
      log.warn("positions could not be stored; they are tried again", { error });
      this.#change();
    }
  }

  #encoded(): Uint8Array {
    const { group, topic } = this.#options;
    const positions = Object.fromEntries(this.#positions);
    return utf8(JSON.stringify({ version: VERSION, group, topic, topicId: this.#topicId, positions }));
  }
}

export async function forgetPositions(store: StateStore, processor: string): Promise<void> {
  await store.delete(keyOf(processor));
}

interface Stored {
  readonly group: string;
  readonly topic: string;
  /** undefined: which one of the name it was is not known. */
  readonly topicId: string | undefined;
  readonly positions: readonly (readonly [partition: number, offset: number])[];
}

/** undefined: damaged, or of another version. */
function parse(bytes: Uint8Array): Stored | undefined {
  const { version, group, topic, topicId, positions } = readStoredJson(bytes) ?? {};
  if (version !== VERSION) return undefined;
  if (typeof group !== "string" || typeof topic !== "string") return undefined;
  if (topicId !== undefined && typeof topicId !== "string") return undefined;
  if (typeof positions !== "object" || positions === null) return undefined;
  const pairs = Object.entries(positions).map(([partition, offset]) => [Number(partition), Number(offset)] as const);
  const isSound = pairs.every((pair) => pair.every((number) => Number.isSafeInteger(number) && number >= 0));
  return isSound ? { group, topic, topicId, positions: pairs } : undefined;
}

function keyOf(processor: string): string {
  return `processors/${processor}/positions`;
}
