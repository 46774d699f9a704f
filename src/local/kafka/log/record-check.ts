import { ProtocolError } from "../../../kafka/protocol/errors.ts";
import { DecompressError } from "../../../kafka/records/block-output.ts";
import { unpack } from "../../../kafka/records/compression.ts";
import { BATCH_HEADER_BYTES, type RecordBatchHeader } from "../../../kafka/records/record-batch.ts";
import { ErrorCode } from "../protocol/error-codes.ts";
import { RecordWalk } from "./record-walk.ts";

/** What a topic demands of its records. */
export interface RecordRules {
  /** Whether each record needs a key, since the topic keeps the newest of each. */
  readonly needsKeys: boolean;
  /** How far the producers' timestamps may lie behind and before the broker's time. */
  readonly timestampBeforeMaxMs: number;
  readonly timestampAfterMaxMs: number;
}

export type RecordsVerdict =
  | { readonly type: "accepted"; readonly maxTimestampMs: number }
  | { readonly type: "refused"; readonly errorCode: ErrorCode; readonly reason: string };

/** A producer that gives no time writes this. */
const NO_TIMESTAMP = -1;

/**
 * Unpacks a batch and looks at each of its records, so that no reader ever meets one that is damaged. What a real broker
 * answers to each mistake, this one answers too; besides, it demands that offsets have no gaps.
 */
export function checkRecords(
  batch: Uint8Array,
  header: RecordBatchHeader,
  rules: RecordRules,
  nowMs: number,
): RecordsVerdict {
  if (header.compression === undefined) {
    return refused(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, "the compression is none of Kafka's");
  }
  try {
    const records = unpack(batch.subarray(BATCH_HEADER_BYTES), header.compression);
    return walk(new RecordWalk(header, records), rules, nowMs);
  } catch (error) {
    // A real broker has no better word for records that cannot be unpacked, and clients do not try again at it.
    if (error instanceof DecompressError) return refused(ErrorCode.UNKNOWN_SERVER_ERROR, error.message);
    if (error instanceof ProtocolError) return refused(ErrorCode.INVALID_RECORD, error.message);
    throw error;
  }
}

function walk(record: RecordWalk, rules: RecordRules, nowMs: number): RecordsVerdict {
  let maxTimestampMs = NO_TIMESTAMP;
  while (record.next()) {
    if (record.offsetDelta !== record.index) {
      return refused(ErrorCode.INVALID_RECORD, `record ${record.index} stands at offset +${record.offsetDelta}`);
    }
    if (rules.needsKeys && !record.hasKey) {
      return refused(ErrorCode.INVALID_RECORD, `record ${record.index} has no key, which a compacted topic needs`);
    }
    const { timestampMs } = record;
    if (timestampMs !== NO_TIMESTAMP && !isInTime(timestampMs, rules, nowMs)) {
      return refused(ErrorCode.INVALID_TIMESTAMP, `the time of record ${record.index} is too far from the broker's`);
    }
    maxTimestampMs = Math.max(maxTimestampMs, timestampMs);
  }
  return { type: "accepted", maxTimestampMs };
}

function isInTime(timestampMs: number, rules: RecordRules, nowMs: number): boolean {
  if (!Number.isSafeInteger(timestampMs)) return false;
  return nowMs - timestampMs <= rules.timestampBeforeMaxMs && timestampMs - nowMs <= rules.timestampAfterMaxMs;
}

function refused(errorCode: ErrorCode, reason: string): RecordsVerdict {
  return { type: "refused", errorCode, reason };
}
