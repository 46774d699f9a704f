/** Where a stored batch lies, without its bytes. */
export interface BatchPosition {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly maxTimestampMs: number;
}

export interface ProducerBatch extends BatchPosition {
  readonly producerEpoch: number;
  /** −1 of control batches, and where the producer is not idempotent. */
  readonly baseSequence: number;
}

export interface StoredBatch extends ProducerBatch {
  readonly producerId: number;
  readonly bytes: Uint8Array;
}

/** What a partition knows of an idempotent producer. */
export interface ProducerState {
  readonly epoch: number;
  /** Its newest batches of that epoch, newest first; none where a control record raised the epoch. */
  readonly batches: readonly ProducerBatch[];
}

/** How many of its latest batches a producer may send again (Kafka's own number, hence its `max.in.flight` of 5). */
export const REMEMBERED_BATCHES = 5;
