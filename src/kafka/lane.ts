import type { OutputRecord } from "../engine/ports.ts";

/** One call of send: it resolves when all of its records are acknowledged, and fails with the first that is refused. */
export class Delivery {
  readonly done: Promise<void>;
  #open: number;
  #settled = false;
  readonly #resolve: () => void;
  readonly #reject: (error: unknown) => void;

  constructor(records: number) {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.done = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#open = records;
    if (records === 0) this.#settle(resolve);
  }

  /** Nobody waits any more: what has not been sent need not be. */
  get settled(): boolean {
    return this.#settled;
  }

  acknowledged(): void {
    if (--this.#open === 0) this.#settle(this.#resolve);
  }

  fail(error: unknown): void {
    this.#settle(() => this.#reject(error));
  }

  #settle(how: () => void): void {
    if (this.#settled) return;
    this.#settled = true;
    how();
  }
}

export interface Outgoing {
  readonly record: OutputRecord;
  readonly bytes: number;
  readonly delivery: Delivery;
}

/** Records with consecutive sequence numbers. Once sent it stays as it is until its fate is known. */
export interface LaneBatch {
  readonly entries: readonly Outgoing[];
  readonly firstSequence: number;
}

/** Kafka's sequence numbers are of 31 bits, and begin again at 0. */
const SEQUENCE_RANGE = 2 ** 31;

/**
 * What waits for one partition, and the one batch that is on its way there.
 *
 * An idempotent producer numbers the records of each partition. The broker takes a batch with the numbers of one that
 * it has for a repetition: it acknowledges it and drops it. So numbers are given to a batch once; a batch that may have
 * been written is sent again unchanged, until the broker has either taken or refused it.
 */
export class Lane {
  readonly partition: number;
  readonly #waiting: Outgoing[] = [];
  #batch: LaneBatch | undefined;
  #sequence = 0;
  /** Halves of a batch that was refused, in order; they go first, each by itself. */
  readonly #parts: (readonly Outgoing[])[] = [];

  constructor(partition: number) {
    this.partition = partition;
  }

  add(entry: Outgoing): void {
    this.#waiting.push(entry);
  }

  get batch(): LaneBatch | undefined {
    return this.#batch;
  }

  /** The batch to be sent (again); undefined when nothing waits. */
  nextBatch(maxBytes: number): LaneBatch | undefined {
    while (this.#batch === undefined) {
      const entries = (this.#parts.shift() ?? this.#take(maxBytes)).filter(({ delivery }) => !delivery.settled);
      if (entries.length > 0) this.#batch = { entries, firstSequence: this.#sequence };
      else if (this.#parts.length === 0 && this.#waiting.length === 0) return undefined;
    }
    return this.#batch;
  }

  /** As many as fit, at least one. */
  #take(maxBytes: number): readonly Outgoing[] {
    let count = 0;
    let bytes = 0;
    for (const entry of this.#waiting) {
      if (count > 0 && bytes + entry.bytes > maxBytes) break;
      bytes += entry.bytes;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  /** The broker has the batch. */
  acknowledged(): void {
    const batch = this.#batch;
    if (batch === undefined) return;
    this.#sequence = (this.#sequence + batch.entries.length) % SEQUENCE_RANGE;
    this.#batch = undefined;
    for (const { delivery } of batch.entries) delivery.acknowledged();
  }

  /** The broker has refused it for good, and written nothing. A single record fails; more are tried in two halves. */
  refused(errorOf: (entry: Outgoing) => Error): void {
    const batch = this.#batch;
    if (batch === undefined) return;
    this.#batch = undefined;
    const [first, ...more] = batch.entries;
    if (more.length === 0) {
      first?.delivery.fail(errorOf(first));
    } else {
      const middle = Math.ceil(batch.entries.length / 2);
      this.#parts.unshift(batch.entries.slice(0, middle), batch.entries.slice(middle));
    }
  }

  /** Another producer id: the broker counts from 0 again. */
  restart(): void {
    this.#sequence = 0;
    if (this.#batch !== undefined) this.#batch = { entries: this.#batch.entries, firstSequence: 0 };
  }

  /** Everything that waits or is on its way fails. */
  failAll(error: Error): void {
    const all = [...(this.#batch?.entries ?? []), ...this.#parts.flat(), ...this.#waiting.splice(0)];
    this.#batch = undefined;
    this.#parts.length = 0;
    for (const { delivery } of all) delivery.fail(error);
  }
}

/** What a record adds to a batch, at most: key, value, headers, and their lengths. */
export function recordBytes({ key, value, headers }: OutputRecord): number {
  let bytes = 32 + (key?.byteLength ?? 0) + (value?.byteLength ?? 0);
  for (const [name, content] of headers) bytes += 3 * name.length + (content?.byteLength ?? 0) + 10;
  return bytes;
}
