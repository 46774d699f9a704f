import { ProtocolError } from "../../../kafka/protocol/errors.ts";
import { unpack } from "../../../kafka/records/compression.ts";
import { BATCH_HEADER_BYTES, decodeBatchHeader } from "../../../kafka/records/record-batch.ts";
import { RecordWalk } from "./record-walk.ts";

export interface TimestampPosition {
  readonly offset: number;
  readonly timestampMs: number;
}

/**
 * The first record of a stored batch, at `fromOffset` or behind it, whose timestamp is `timestampMs` or later.
 *
 * Where the records cannot be read (an earlier version did not look into them) the answer is the first of them: a reader
 * that starts there sees a few records too many, and none too few.
 */
export function findTimestamp(
  batch: Uint8Array,
  timestampMs: number,
  fromOffset: number,
): TimestampPosition | undefined {
  const header = decodeBatchHeader(batch);
  const { baseOffset, baseTimestampMs, maxTimestampMs, compression } = header;
  const offset = Math.max(baseOffset, fromOffset);
  if (header.isLogAppendTime) return { offset, timestampMs: maxTimestampMs };
  const first = { offset, timestampMs: baseTimestampMs };
  if (compression === undefined) return first;
  try {
    const record = new RecordWalk(header, unpack(batch.subarray(BATCH_HEADER_BYTES), compression));
    while (record.next()) {
      const at = baseOffset + record.offsetDelta;
      if (at >= fromOffset && record.timestampMs >= timestampMs) return { offset: at, timestampMs: record.timestampMs };
    }
  } catch (error) {
    if (error instanceof ProtocolError) return first;
    throw error;
  }
  return undefined;
}
