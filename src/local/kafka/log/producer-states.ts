import { ErrorCode } from "../protocol/error-codes.ts";
import type { ProducerBatch } from "./batch-store.ts";

/** How many of its latest batches a producer may send again (Kafka's own number, hence its `max.in.flight` of 5). */
export const REMEMBERED_BATCHES = 5;
/** Producers remembered in memory for a partition; the log remembers all. */
const CACHED_PRODUCERS = 1000;
const LARGEST_SEQUENCE = 0x7fff_ffff;

/** What a new batch says about its producer. */
export interface ProducerClaim {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly recordCount: number;
}

export type ProducerVerdict =
  | { readonly type: "append" }
  /** Already in the log: the answer is that of the first time. */
  | { readonly type: "duplicate"; readonly of: ProducerBatch }
  | { readonly type: "refuse"; readonly errorCode: ErrorCode; readonly reason: string };

/**
 * The sequence numbers of one partition's idempotent producers.
 *
 * Pure. Batches are staged while their transaction is open, and count for those behind them in it.
 */
export class ProducerStates {
  /** The newest batches of a producer out of the log, newest first. */
  readonly #load: (producerId: number) => readonly ProducerBatch[];
  /** Newest batches first, all of one epoch. In order of use, so that the longest unused leaves first. */
  readonly #known = new Map<number, readonly ProducerBatch[]>();
  readonly #staged = new Map<number, readonly ProducerBatch[]>();

  constructor(load: (producerId: number) => readonly ProducerBatch[]) {
    this.#load = load;
  }

  /** Sequence rules of an idempotent producer: Kafka's design of KIP-98, as its brokers apply it to clients. */
  check(claim: ProducerClaim): ProducerVerdict {
    const batches = this.#batchesOf(claim.producerId);
    const [newest] = batches;
    // Nothing is known of it (any more): every sequence is a start.
    if (newest === undefined) return { type: "append" };
    if (claim.producerEpoch < newest.producerEpoch) {
      return refuse(
        ErrorCode.INVALID_PRODUCER_EPOCH,
        `epoch ${claim.producerEpoch} of producer ${claim.producerId} is older than ${newest.producerEpoch}`,
      );
    }
    if (claim.producerEpoch > newest.producerEpoch) {
      if (claim.baseSequence === 0) return { type: "append" };
      return refuse(
        ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
        `producer ${claim.producerId} begins a new epoch at sequence ${claim.baseSequence}, must be 0`,
      );
    }
    const duplicate = batches.find((batch) => isSame(batch, claim));
    if (duplicate !== undefined) return { type: "duplicate", of: duplicate };
    const expected = sequenceAfter(newest);
    if (claim.baseSequence === expected) return { type: "append" };
    return refuse(
      ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
      `producer ${claim.producerId} sent sequence ${claim.baseSequence}, must be ${expected}`,
    );
  }

  /** Remembers a batch that {@link check} let pass, until {@link publish} or {@link discard}. */
  stage(producerId: number, batch: ProducerBatch): void {
    const sameEpoch = this.#batchesOf(producerId).filter((other) => other.producerEpoch === batch.producerEpoch);
    this.#staged.set(producerId, [batch, ...sameEpoch].slice(0, REMEMBERED_BATCHES));
  }

  publish(): void {
    for (const [producerId, batches] of this.#staged) this.#remember(producerId, batches);
    this.#staged.clear();
  }

  discard(): void {
    this.#staged.clear();
  }

  #batchesOf(producerId: number): readonly ProducerBatch[] {
    const known = this.#staged.get(producerId) ?? this.#known.get(producerId);
    if (known !== undefined) return known;
    const loaded = this.#load(producerId);
    const epoch = loaded[0]?.producerEpoch;
    const batches = loaded.filter((batch) => batch.producerEpoch === epoch);
    if (batches.length > 0) this.#remember(producerId, batches);
    return batches;
  }

  #remember(producerId: number, batches: readonly ProducerBatch[]): void {
    this.#known.delete(producerId);
    this.#known.set(producerId, batches);
    if (this.#known.size <= CACHED_PRODUCERS) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      return;
    }
  }
}

function refuse(errorCode: ErrorCode, reason: string): ProducerVerdict {
  return { type: "refuse", errorCode, reason };
}

function isSame(batch: ProducerBatch, claim: ProducerClaim): boolean {
  const recordCount = batch.lastOffset - batch.baseOffset + 1;
  return batch.baseSequence === claim.baseSequence && recordCount === claim.recordCount;
}

/** Sequences count records and begin again at 0 after 2^31 − 1. */
function sequenceAfter(batch: ProducerBatch): number {
  return (batch.baseSequence + (batch.lastOffset - batch.baseOffset) + 1) % (LARGEST_SEQUENCE + 1);
}
