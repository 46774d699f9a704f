import { BATCH_HEADER_BYTES, writeBatchHeader } from "./record-batch.ts";

/*
 * What ends a transaction in a partition: a batch with one record.
 *
 * key   => version:int16 type:int16 (0 abort, 1 commit)
 * value => version:int16 coordinatorEpoch:int32
 *
 * @see https://kafka.apache.org/documentation/#controlbatch
 */

export type ControlType = "abort" | "commit";

const typeNumbers: Readonly<Record<ControlType, number>> = { abort: 0, commit: 1 };

/** Length, attributes, two deltas, length of the key: all but the first are 0, varints are zigzag. */
const BEFORE_KEY = [32, 0, 0, 0, 8] as const;
const KEY_BYTES = 4;
const VALUE_LENGTH = 12;
const VALUE_BYTES = 6;
const KEY_AT = BATCH_HEADER_BYTES + BEFORE_KEY.length;
const VALUE_LENGTH_AT = KEY_AT + KEY_BYTES;
const VALUE_AT = VALUE_LENGTH_AT + 1;
/** The count of headers comes last: 0. */
const CONTROL_BATCH_BYTES = VALUE_AT + VALUE_BYTES + 1;

export interface ControlBatchContent {
  readonly type: ControlType;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly coordinatorEpoch: number;
  readonly timestampMs: number;
}

export function encodeControlBatch({ type, coordinatorEpoch, ...content }: ControlBatchContent): Uint8Array {
  const batch = new Uint8Array(CONTROL_BATCH_BYTES);
  const view = new DataView(batch.buffer);
  batch.set(BEFORE_KEY, BATCH_HEADER_BYTES);
  view.setInt16(KEY_AT + 2, typeNumbers[type]);
  view.setInt8(VALUE_LENGTH_AT, VALUE_LENGTH);
  view.setInt32(VALUE_AT + 2, coordinatorEpoch);
  writeBatchHeader(batch, { ...content, baseSequence: -1, recordCount: 1, isTransactional: true, isControl: true });
  return batch;
}
