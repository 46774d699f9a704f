import { type BackoffOptions, backoffMs } from "../base/backoff.ts";
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { InputRecord } from "../engine/ports.ts";
import { abortable } from "./abortable.ts";
import type { TopicConnection } from "./connection.ts";
import { errorOfCode } from "./error-of-code.ts";
import { asKafkaError, classifyFailure, KafkaUnavailableError } from "./errors.ts";
import { FetchedRecords } from "./fetched.ts";
import type { FetchedPartition } from "./protocol/fetch.ts";
import { Wakeup } from "./wakeup.ts";

export interface ReaderOptions {
  /** How long a broker keeps an answer back while there is nothing to send, ms. A new record ends the wait at once. */
  readonly maxWaitMs: number;
  readonly maxBytesPerPartition: number;
  readonly maxBytesPerFetch: number;
}

export const defaultReaderOptions: ReaderOptions = {
  maxWaitMs: 1000,
  maxBytesPerPartition: 1024 * 1024,
  maxBytesPerFetch: 4 * 1024 * 1024,
};

/** What a reader needs of a {@link TopicConnection}. */
export type ReadConnection = Pick<TopicConnection, "topic" | "leaders" | "refresh" | "fetch">;

export interface ReadBatch {
  readonly partition: number;
  readonly records: readonly InputRecord[];
  readonly nextOffset: number;
  readonly highWatermark: number;
}

export interface ReaderEvents {
  /** Called outside of {@link PartitionReader}'s methods only, so that it may call them. */
  received(batch: ReadBatch): void;
  /** Reading is being tried again. */
  interrupted(error: Error): void;
}

/** A partition that is paused may be resumed at any moment, and cannot be read before the fetch under way ends. */
const MAX_WAIT_WHILE_PAUSED_MS = 100;
/** One event holds so much at most, so that whoever pauses in answer to it overshoots by little. */
const CHUNK_RECORDS = 500;
const CHUNK_BYTES = 512 * 1024;
const UNREADABLE_ANSWERS = 20;
const RETRY: BackoffOptions = { initialMs: 100, maxMs: 3000 };

interface PartitionState {
  /** Next offset to fetch; null until it was set. */
  position: number | null;
  paused: boolean;
  /** Fetched, and not handed over yet. */
  buffer: FetchedRecords | undefined;
  /** Hand over an empty batch as well: somebody waits to hear that reading goes on. */
  announce: boolean;
  /** Answers in a row that had nothing, though the broker says that there is something. */
  unreadable: number;
}

/**
 * Reads partitions of a topic, each from where it is told to, one fetch at a time from each broker.
 *
 * Every partition begins paused and without a position. What was fetched when a partition is paused is kept for when it
 * is resumed, and dropped by a seek to elsewhere; at most one answer for each partition is kept.
 */
export class PartitionReader {
  readonly #connection: ReadConnection;
  readonly #options: ReaderOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #events: ReaderEvents;
  readonly #partitions: Map<number, PartitionState>;
  /** Brokers with a fetch under way. */
  readonly #busy = new Set<string>();
  readonly #wakeup = new Wakeup();
  #failures = 0;
  /** A fetch has succeeded since the last failure. */
  #answered = false;
  /** Whose turn it is to stand first in a fetch: an answer has an end, and the last may get nothing. */
  #turn = 0;
  /** A fetch has failed since metadata was read. */
  #failed: { readonly error: unknown } | undefined;

  constructor(
    connection: ReadConnection,
    partitions: readonly number[],
    events: ReaderEvents,
    { clock, random, ...options }: { clock: Clock; random: Random } & Partial<ReaderOptions>,
  ) {
    this.#connection = connection;
    this.#options = { ...defaultReaderOptions, ...options };
    this.#clock = clock;
    this.#random = random;
    this.#events = events;
    const state = (): PartitionState => ({
      position: null,
      paused: true,
      buffer: undefined,
      announce: false,
      unreadable: 0,
    });
    this.#partitions = new Map(partitions.map((partition) => [partition, state()]));
  }

  /** Turning back within what was handed over last costs no fetch. */
  seek(partition: number, offset: number): void {
    const state = this.#partitions.get(partition);
    if (state === undefined) return;
    state.position = offset;
    if (state.buffer?.turnTo(offset) === false) state.buffer = undefined;
    this.#wakeup.wake();
  }

  pause(partitions: readonly number[]): void {
    for (const partition of partitions) {
      const state = this.#partitions.get(partition);
      if (state !== undefined) state.paused = true;
    }
  }

  resume(partitions: readonly number[]): void {
    for (const partition of partitions) {
      const state = this.#partitions.get(partition);
      if (state !== undefined) state.paused = false;
    }
    this.#wakeup.wake();
  }

  /**
   * Reads until `signal` aborts, which ends it at once: an answer that comes later is dropped.
   *
   * @throws an error that trying again will not mend; also when a position lies outside of the log, see
   *   `classifyFailure`: whoever set it decides anew
   */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener("abort", () => this.#wakeup.wake(), { once: true });
    while (!signal.aborted) {
      this.#handOver(signal);
      if (signal.aborted) return;
      if (this.#failed === undefined) {
        // Records that cannot be read come with an answer that seemed to be good.
        if (this.#answered) this.#failures = 0;
        this.#startFetches(signal);
      } else {
        await this.#recover(this.#failed.error, signal);
      }
      await this.#wakeup.wait();
    }
  }

  #handOver(signal: AbortSignal): void {
    for (const [partition, state] of this.#partitions) {
      while (state.buffer !== undefined && !state.paused && !signal.aborted) {
        const buffer = state.buffer;
        const records = this.#take(state, buffer);
        if (records === undefined) break;
        const nextOffset = buffer.position;
        const moved = state.position !== nextOffset;
        state.position = nextOffset;
        if (moved || state.announce) {
          state.announce = false;
          this.#events.received({ partition, records, nextOffset, highWatermark: buffer.highWatermark });
        }
        // Unless the listener has turned back in it.
        if (state.buffer === buffer && buffer.position === buffer.end) state.buffer = undefined;
      }
    }
  }

  /** undefined where they cannot be read: they are fetched once more, lest it was the way here that damaged them. */
  #take(state: PartitionState, buffer: FetchedRecords): readonly InputRecord[] | undefined {
    try {
      return buffer.take(CHUNK_RECORDS, CHUNK_BYTES);
    } catch (error) {
      state.buffer = undefined;
      this.#fail(error);
      return undefined;
    }
  }

  #startFetches(signal: AbortSignal): void {
    const leaders = this.#connection.leaders();
    const wanted = new Map<string, { readonly partition: number; readonly position: number }[]>();
    let anyPaused = false;
    for (const [partition, { position, paused, buffer }] of this.#partitions) {
      if (paused) anyPaused = true;
      const leader = leaders.get(partition);
      if (paused || position === null || buffer !== undefined) continue;
      if (leader === undefined) {
        this.#fail(new Error(`partition ${partition} has no leader`));
        return;
      }
      if (this.#busy.has(leader)) continue;
      const list = wanted.get(leader) ?? [];
      list.push({ partition, position });
      wanted.set(leader, list);
    }
    const maxWaitMs = anyPaused ? Math.min(MAX_WAIT_WHILE_PAUSED_MS, this.#options.maxWaitMs) : this.#options.maxWaitMs;
    for (const [leader, list] of wanted) {
      this.#busy.add(leader);
      this.#fetch(leader, list, maxWaitMs, signal)
        .catch((error: unknown) => this.#fail(error))
        .finally(() => {
          this.#busy.delete(leader);
          this.#wakeup.wake();
        });
    }
  }

  async #fetch(
    leader: string,
    wanted: readonly { readonly partition: number; readonly position: number }[],
    maxWaitMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    const fetched = await this.#connection.fetch(leader, {
      maxWaitMs,
      minBytes: 1,
      maxBytes: this.#options.maxBytesPerFetch,
      partitions: inTurn(wanted, this.#turn++).map(({ partition, position }) => ({
        partition,
        fetchOffset: position,
        maxBytes: this.#options.maxBytesPerPartition,
      })),
    });
    if (signal.aborted) return;
    const asked = new Map(wanted.map(({ partition, position }) => [partition, position]));
    for (const each of fetched) {
      try {
        this.#keep(each, asked);
      } catch (error) {
        this.#fail(error);
      }
    }
    this.#answered = this.#failed === undefined;
  }

  #keep(fetched: FetchedPartition, asked: ReadonlyMap<number, number>): void {
    const { partition, errorCode, lastStableOffset } = fetched;
    const state = this.#partitions.get(partition);
    const position = asked.get(partition);
    // Another position was set while the answer was on its way.
    if (state === undefined || position === undefined || state.position !== position) return;
    if (errorCode !== 0) throw errorOfCode(errorCode);
    const records = new FetchedRecords(this.#connection.topic, fetched, position);
    if (records.end > position || lastStableOffset <= position) {
      state.unreadable = 0;
    } else if (++state.unreadable >= UNREADABLE_ANSWERS + asked.size) {
      // Other partitions may have used the answer up until it was this one's turn. This is longer than that.
      throw new KafkaUnavailableError(
        `Cannot read partition ${partition} at ${position}: no record comes, the log goes on`,
      );
    }
    if (records.end > position || state.announce) state.buffer = records;
  }

  #fail(error: unknown): void {
    this.#failed ??= { error };
    this.#answered = false;
    this.#wakeup.wake();
  }

  /** Waits, and asks anew who leads the partitions: most failures come from a broker that does not any more. */
  async #recover(error: unknown, signal: AbortSignal): Promise<void> {
    const failure = classifyFailure(error);
    if (failure === "out-of-range" || failure === "refused") throw error;
    this.#failures++;
    for (const state of this.#partitions.values()) state.announce = true;
    this.#events.interrupted(asKafkaError(`read topic "${this.#connection.topic}"`, error));
    try {
      await this.#clock.sleep(backoffMs(RETRY, this.#failures, this.#random), { signal });
      this.#failed = undefined;
      await abortable(this.#connection.refresh(), signal);
    } catch (again) {
      if (signal.aborted) return;
      const worse = classifyFailure(again);
      if (worse === "topic-refused" || worse === "out-of-range") throw again;
      this.#fail(again);
    }
    this.#wakeup.wake();
  }
}

/** The same, beginning elsewhere each time. */
function inTurn<T>(list: readonly T[], turn: number): readonly T[] {
  const first = turn % list.length;
  return [...list.slice(first), ...list.slice(0, first)];
}
