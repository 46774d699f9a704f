import { type BackoffOptions, backoffMs } from "../base/backoff.ts";
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { InputRecord } from "../engine/ports.ts";
import { abortable } from "./abortable.ts";
import type { TopicConnection } from "./connection.ts";
import { asKafkaError, classifyFailure, KafkaUnavailableError } from "./errors.ts";
import { messageBytes, parseOffset, toInputRecord, visibleMessages } from "./fetched.ts";
import { Wakeup } from "./wakeup.ts";
import type { FetchedMessage, FetchedPartition, WireBroker } from "./wire.ts";

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
export type ReadConnection = Pick<TopicConnection, "topic" | "leaders" | "refresh"> & {
  broker(nodeId: string): Promise<Pick<WireBroker, "fetch">>;
};

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
  buffer: Buffered | undefined;
  /** Hand over an empty batch as well: somebody waits to hear that reading goes on. */
  announce: boolean;
  /** Answers in a row that had nothing, though the broker says that there is something. */
  unreadable: number;
}

interface Buffered {
  /** The position that was asked for. */
  readonly from: number;
  readonly messages: readonly FetchedMessage[];
  /** Index of the next message to hand over. */
  at: number;
  readonly nextOffset: number;
  readonly highWatermark: number;
}

/**
 * Reads partitions of a topic, each from where it is told to, one fetch at a time from each broker.
 *
 * Every partition begins paused and without a position. What was fetched when a partition is paused is kept for when it
 * is resumed, and dropped by a seek to elsewhere; at most one answer of each broker is kept.
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
    if (state.buffer !== undefined && !turnTo(state.buffer, offset)) state.buffer = undefined;
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
      if (this.#failed === undefined) this.#startFetches(signal);
      else await this.#recover(this.#failed.error, signal);
      await this.#wakeup.wait();
    }
  }

  #handOver(signal: AbortSignal): void {
    for (const [partition, state] of this.#partitions) {
      while (state.buffer !== undefined && !state.paused && !signal.aborted) {
        const buffer = state.buffer;
        const messages = nextChunk(buffer);
        const isLast = buffer.at === buffer.messages.length;
        const last = messages.at(-1);
        const nextOffset = isLast || last === undefined ? buffer.nextOffset : parseOffset(last.offset) + 1;
        const moved = state.position !== nextOffset;
        state.position = nextOffset;
        if (moved || state.announce) {
          state.announce = false;
          const records = messages.map((message) => toInputRecord(this.#connection.topic, partition, message));
          this.#events.received({ partition, records, nextOffset, highWatermark: buffer.highWatermark });
        }
        // Unless the listener has turned back in it.
        if (state.buffer === buffer && buffer.at === buffer.messages.length) state.buffer = undefined;
      }
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
    const maxWaitTime = anyPaused
      ? Math.min(MAX_WAIT_WHILE_PAUSED_MS, this.#options.maxWaitMs)
      : this.#options.maxWaitMs;
    for (const [leader, list] of wanted) {
      this.#busy.add(leader);
      this.#fetch(leader, list, maxWaitTime, signal)
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
    maxWaitTime: number,
    signal: AbortSignal,
  ): Promise<void> {
    const broker = await this.#connection.broker(leader);
    const { responses } = await broker.fetch({
      isolationLevel: 1, // committed records only
      maxWaitTime,
      minBytes: 1,
      maxBytes: this.#options.maxBytesPerFetch,
      topics: [
        {
          topic: this.#connection.topic,
          partitions: wanted.map(({ partition, position }) => ({
            partition,
            fetchOffset: String(position),
            maxBytes: this.#options.maxBytesPerPartition,
          })),
        },
      ],
    });
    if (signal.aborted) return;
    this.#failures = 0;
    const asked = new Map(wanted.map(({ partition, position }) => [partition, position]));
    for (const fetched of responses.flatMap(({ partitions }) => partitions)) this.#keep(fetched, asked);
  }

  #keep(fetched: FetchedPartition, asked: ReadonlyMap<number, number>): void {
    const state = this.#partitions.get(fetched.partition);
    const position = asked.get(fetched.partition);
    // Another position was set while the answer was on its way.
    if (state === undefined || position === undefined || state.position !== position) return;
    const { messages, nextOffset } = visibleMessages(fetched, position);
    if (nextOffset > position) state.unreadable = 0;
    else if (parseOffset(fetched.lastStableOffset ?? "0") > position && ++state.unreadable >= UNREADABLE_ANSWERS) {
      // Other partitions may have used the answer up a few times. Else kafkajs sees no record where there is a batch:
      // compaction can leave one empty. To step over it would be a guess at the price of a record.
      const message = `Cannot read partition ${fetched.partition} at ${position}: no record comes, the log goes on`;
      this.#fail(new KafkaUnavailableError(message));
    }
    if (nextOffset === position && !state.announce) return;
    state.buffer = { from: position, messages, at: 0, nextOffset, highWatermark: parseOffset(fetched.highWatermark) };
  }

  #fail(error: unknown): void {
    this.#failed ??= { error };
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
      if (classifyFailure(again) === "topic-refused") throw again;
      this.#fail(again);
    }
    this.#wakeup.wake();
  }
}

/** @returns false where the offset lies outside of it */
function turnTo(buffer: Buffered, offset: number): boolean {
  if (offset < buffer.from || offset >= buffer.nextOffset) return false;
  const offsetAt = (index: number): number => parseOffset(buffer.messages[index]?.offset ?? "0");
  while (buffer.at > 0 && offsetAt(buffer.at - 1) >= offset) buffer.at--;
  while (buffer.at < buffer.messages.length && offsetAt(buffer.at) < offset) buffer.at++;
  return true;
}

function nextChunk(buffer: Buffered): readonly FetchedMessage[] {
  const from = buffer.at;
  let bytes = 0;
  while (buffer.at < buffer.messages.length && buffer.at - from < CHUNK_RECORDS && bytes < CHUNK_BYTES) {
    const message = buffer.messages[buffer.at++];
    if (message !== undefined) bytes += messageBytes(message);
  }
  return buffer.messages.slice(from, buffer.at);
}
