import { ErrorCode } from "../protocol/error-codes.ts";
import { type ProducerBatch, type ProducerState, REMEMBERED_BATCHES } from "./batch-types.ts";

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
  /** What the log tells of a producer. */
  readonly #load: (producerId: number) => ProducerState | undefined;
  /** In order of use, so that the longest unused leaves first. */
  readonly #known = new Map<number, ProducerState>();
  readonly #staged = new Map<number, ProducerState>();

  constructor(load: (producerId: number) => ProducerState | undefined) {
    this.#load = load;
  }

  /** Sequence rules of an idempotent producer: Kafka's design of KIP-98, as its brokers apply it to clients. */
  check(claim: ProducerClaim): ProducerVerdict {
    const state = this.#stateOf(claim.producerId);
    // Nothing is known of it (any more): every sequence is a start.
    if (state === undefined) return { type: "append" };
    if (claim.producerEpoch < state.epoch) {
      return refuse(
        ErrorCode.INVALID_PRODUCER_EPOCH,
        `epoch ${claim.producerEpoch} of producer ${claim.producerId} is older than ${state.epoch}`,
      );
    }
    if (claim.producerEpoch > state.epoch) {
      if (claim.baseSequence === 0) return { type: "append" };
      return refuse(
        ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
        `producer ${claim.producerId} begins a new epoch at sequence ${claim.baseSequence}, must be 0`,
      );
    }
    const duplicate = state.batches.find((batch) => isSame(batch, claim));
    if (duplicate !== undefined) return { type: "duplicate", of: duplicate };
    const [newest] = state.batches;
    const expected = newest === undefined ? 0 : sequenceAfter(newest);
    if (claim.baseSequence === expected) return { type: "append" };
    return refuse(
      ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
      `producer ${claim.producerId} sent sequence ${claim.baseSequence}, must be ${expected}`,
    );
  }

  /** Remembers a batch that {@link check} let pass, until {@link publish} or {@link discard}. */
  stage(producerId: number, batch: ProducerBatch): void {
    const state = this.#stateOf(producerId);
    const sameEpoch = state?.epoch === batch.producerEpoch ? state.batches : [];
    const batches = [batch, ...sameEpoch].slice(0, REMEMBERED_BATCHES);
    this.#staged.set(producerId, { epoch: batch.producerEpoch, batches });
  }

  /** A control record was written in the producer's name: whoever has an older epoch is fenced from now on. */
  stageEpoch(producerId: number, epoch: number): void {
    if (this.#stateOf(producerId)?.epoch !== epoch) this.#staged.set(producerId, { epoch, batches: [] });
  }

  publish(): void {
    for (const [producerId, state] of this.#staged) this.#remember(producerId, state);
    this.#staged.clear();
  }

  discard(): void {
    this.#staged.clear();
  }

  #stateOf(producerId: number): ProducerState | undefined {
    const known = this.#staged.get(producerId) ?? this.#known.get(producerId);
    if (known !== undefined) return known;
    const loaded = this.#load(producerId);
    if (loaded !== undefined) this.#remember(producerId, loaded);
    return loaded;
  }

  #remember(producerId: number, state: ProducerState): void {
    this.#known.delete(producerId);
    this.#known.set(producerId, state);
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
