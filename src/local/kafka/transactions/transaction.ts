import { ErrorCode } from "../protocol/error-codes.ts";

/** As a coordinator of real Kafka names them. What it prepares in between is here one commit of the database. */
export type TransactionState = "Empty" | "Ongoing" | "CompleteCommit" | "CompleteAbort";

/** What is known of a transactional id: its producer, and its present or last transaction. */
export interface Transaction {
  readonly id: string;
  readonly producerId: number;
  /** −1 where the id was never given out. */
  readonly producerEpoch: number;
  /** Of the producer before its epochs were used up; −1 where there was none. */
  readonly previousProducerId: number;
  /** The epoch that the present owner of the id had before, so that it may ask again; −1 where it is new. */
  readonly lastProducerEpoch: number;
  readonly timeoutMs: number;
  readonly state: TransactionState;
  /** When the first partition was added (wall); of the last one that was ongoing. */
  readonly startedAtMs: number;
  readonly updatedAtMs: number;
}

/** Who claims to be the producer of a transactional id. */
export interface ProducerClaim {
  readonly producerId: number;
  readonly producerEpoch: number;
}

export type Transition =
  | { readonly type: "refuse"; readonly errorCode: ErrorCode }
  /** Nothing changes, and that is right. */
  | { readonly type: "keep" }
  | { readonly type: "become"; readonly next: Transaction }
  /** It ends, with control records of the epoch of `next`. */
  | { readonly type: "end"; readonly next: Transaction; readonly committed: boolean };

const NONE = -1;
const LARGEST_EPOCH = 0x7fff;

/** The last epoch of a producer id is kept, so that whoever has the one before can still be fenced. */
function isUsedUp(epoch: number): boolean {
  return epoch >= LARGEST_EPOCH - 1;
}

/**
 * InitProducerId: a producer takes the transactional id over, and fences whoever had it.
 *
 * Where a transaction is open it is ended first, and the producer has to ask again; so does real Kafka, whose clients
 * all do it.
 *
 * @param before undefined where the id is new
 * @param claim what the producer had before (KIP-360); undefined where it has just started
 */
export function takeOver(
  id: string,
  before: Transaction | undefined,
  claim: ProducerClaim | undefined,
  options: { readonly timeoutMs: number; readonly nowMs: number; readonly newProducerId: () => number },
): Transition {
  const { timeoutMs, nowMs, newProducerId } = options;
  const fresh = { id, timeoutMs, state: "Empty", startedAtMs: NONE, updatedAtMs: nowMs } as const;
  if (before === undefined) {
    const producer = { producerId: newProducerId(), producerEpoch: 0, previousProducerId: NONE };
    return { type: "become", next: { ...fresh, ...producer, lastProducerEpoch: NONE } };
  }
  const { producerId, producerEpoch, previousProducerId, lastProducerEpoch } = before;
  if (claim !== undefined && !mayClaim(before, claim)) return refuse(ErrorCode.PRODUCER_FENCED);
  if (before.state === "Ongoing") return fence(before, nowMs);
  if (isUsedUp(producerEpoch) && (claim === undefined || claim.producerEpoch === producerEpoch)) {
    const producer = { producerId: newProducerId(), producerEpoch: 0, previousProducerId: producerId };
    const last = claim === undefined ? NONE : producerEpoch;
    return { type: "become", next: { ...fresh, ...producer, lastProducerEpoch: last } };
  }
  const same = { ...fresh, producerId, previousProducerId };
  if (claim === undefined) {
    return { type: "become", next: { ...same, producerEpoch: producerEpoch + 1, lastProducerEpoch: NONE } };
  }
  if (claim.producerEpoch === producerEpoch) {
    return { type: "become", next: { ...same, producerEpoch: producerEpoch + 1, lastProducerEpoch: producerEpoch } };
  }
  // It asks a second time: the first answer was lost.
  if (claim.producerEpoch === lastProducerEpoch) {
    return { type: "become", next: { ...same, producerEpoch, lastProducerEpoch } };
  }
  return refuse(ErrorCode.PRODUCER_FENCED);
}

function mayClaim({ producerId, previousProducerId }: Transaction, claim: ProducerClaim): boolean {
  return claim.producerId === producerId || (claim.producerId === previousProducerId && isUsedUp(claim.producerEpoch));
}

/** AddPartitionsToTxn and AddOffsetsToTxn: the first one begins the transaction. */
export function addTo(before: Transaction | undefined, claim: ProducerClaim, nowMs: number): Transition {
  const stranger = checkProducer(before, claim);
  if (stranger !== undefined || before === undefined) return refuse(stranger ?? ErrorCode.INVALID_PRODUCER_ID_MAPPING);
  if (before.state === "Ongoing") return { type: "keep" };
  return { type: "become", next: { ...before, state: "Ongoing", startedAtMs: nowMs, updatedAtMs: nowMs } };
}

/** EndTxn. One that has ended like this already stays so: the first answer was lost. */
export function end(
  before: Transaction | undefined,
  claim: ProducerClaim,
  committed: boolean,
  nowMs: number,
): Transition {
  const stranger = checkProducer(before, claim);
  if (stranger !== undefined || before === undefined) return refuse(stranger ?? ErrorCode.INVALID_PRODUCER_ID_MAPPING);
  const state = committed ? "CompleteCommit" : "CompleteAbort";
  if (before.state === state) return { type: "keep" };
  if (before.state !== "Ongoing") return refuse(ErrorCode.INVALID_TXN_STATE);
  return { type: "end", committed, next: { ...before, state, updatedAtMs: nowMs } };
}

/** The transaction is aborted, and its producer may not go on: it took too long, or another took the id over. */
export function fence(before: Transaction, nowMs: number): Transition {
  if (before.state !== "Ongoing") return { type: "keep" };
  const producerEpoch = before.producerEpoch + 1;
  const next = {
    ...before,
    producerEpoch,
    lastProducerEpoch: NONE,
    state: "CompleteAbort",
    updatedAtMs: nowMs,
  } as const;
  return { type: "end", committed: false, next };
}

/** Whether the producer may write into its transaction: what of the coordinator's checks concerns each batch. */
export function checkWriter(transaction: Transaction | undefined, claim: ProducerClaim): ErrorCode {
  const stranger = checkProducer(transaction, claim);
  // Clients take this one for a reason to begin anew, and PRODUCER_FENCED for the end.
  if (stranger === ErrorCode.PRODUCER_FENCED) return ErrorCode.INVALID_PRODUCER_EPOCH;
  if (stranger !== undefined) return stranger;
  return transaction?.state === "Ongoing" ? ErrorCode.NONE : ErrorCode.INVALID_TXN_STATE;
}

function checkProducer(transaction: Transaction | undefined, claim: ProducerClaim): ErrorCode | undefined {
  if (transaction?.producerId !== claim.producerId) return ErrorCode.INVALID_PRODUCER_ID_MAPPING;
  return transaction.producerEpoch === claim.producerEpoch ? undefined : ErrorCode.PRODUCER_FENCED;
}

function refuse(errorCode: ErrorCode): Transition {
  return { type: "refuse", errorCode };
}
