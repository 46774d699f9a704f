import {
  BATCH_HEADER_BYTES,
  BATCH_OVERHEAD_BYTES,
  batchChecksum,
  CURRENT_MAGIC,
  decodeBatchHeader,
  peekBatchSize,
  peekMagic,
  type RecordBatchHeader,
} from "../../../kafka/records/record-batch.ts";
import { ErrorCode } from "../protocol/error-codes.ts";
import { checkRecords, type RecordRules } from "./record-check.ts";

/** First version of Produce whose clients may send zstd. */
const ZSTD_PRODUCE_VERSION = 7;

export type BatchVerdict =
  /** `maxTimestampMs` is what the records say, whatever the header does. */
  { readonly type: "accepted"; readonly header: RecordBatchHeader; readonly maxTimestampMs: number } | Refused;

interface Refused {
  readonly type: "refused";
  readonly errorCode: ErrorCode;
  readonly reason: string;
}

export interface BatchRules extends RecordRules {
  /** The topic's `max.message.bytes`: of the whole batch, as sent. */
  readonly maxMessageBytes: number;
  /** Version of the Produce request. */
  readonly produceVersion: number;
  /** The broker's time. */
  readonly nowMs: number;
}

/**
 * Checks what a client wants appended to one partition: exactly one record batch of the current format, whole, with
 * its checksum, with a header that is consistent in itself, and with the records that it tells of.
 */
export function checkBatch(records: Uint8Array | null, rules: BatchRules): BatchVerdict {
  if (records === null || records.byteLength <= BATCH_OVERHEAD_BYTES + 4) {
    return refused(ErrorCode.INVALID_RECORD, "there must be one record batch a partition");
  }
  const magic = peekMagic(records);
  if (magic !== CURRENT_MAGIC) {
    if (magic === 0 || magic === 1) {
      return refused(ErrorCode.INVALID_RECORD, `the message format is ${magic}, must be ${CURRENT_MAGIC}`);
    }
    return refused(ErrorCode.CORRUPT_MESSAGE, `${magic} is no message format`);
  }
  const size = peekBatchSize(records);
  if (size < BATCH_HEADER_BYTES)
    return refused(ErrorCode.CORRUPT_MESSAGE, `a record batch of ${size} bytes has no header`);
  if (size > records.byteLength) return refused(ErrorCode.INVALID_RECORD, "the record batch is cut off");
  if (size < records.byteLength) return refused(ErrorCode.INVALID_RECORD, "there must be one record batch a partition");
  if (size > rules.maxMessageBytes) {
    return refused(
      ErrorCode.MESSAGE_TOO_LARGE,
      `the record batch has ${size} bytes, must have at most ${rules.maxMessageBytes}`,
    );
  }
  const header = decodeBatchHeader(records);
  if (header.crc !== batchChecksum(records)) {
    return refused(ErrorCode.CORRUPT_MESSAGE, "the record batch does not match its checksum");
  }
  const problem = headerProblem(header, rules);
  if (problem !== undefined) return problem;
  const verdict = checkRecords(records, header, rules, rules.nowMs);
  return verdict.type === "refused" ? verdict : { ...verdict, header };
}

function headerProblem(header: RecordBatchHeader, { produceVersion }: BatchRules): Refused | undefined {
  if (header.compression === "zstd" && produceVersion < ZSTD_PRODUCE_VERSION) {
    return refused(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, `zstd needs Produce version ${ZSTD_PRODUCE_VERSION}`);
  }
  if (header.recordCount <= 0 || header.lastOffsetDelta !== header.recordCount - 1) {
    return refused(
      ErrorCode.INVALID_RECORD,
      `a record batch of ${header.recordCount} records ends at offset +${header.lastOffsetDelta}`,
    );
  }
  if (header.isControl) return refused(ErrorCode.INVALID_RECORD, "only brokers write control records");
  if (header.isLogAppendTime) return refused(ErrorCode.INVALID_TIMESTAMP, "only brokers set the time of appending");
  if (!Number.isSafeInteger(header.maxTimestampMs) || !Number.isSafeInteger(header.baseTimestampMs)) {
    return refused(ErrorCode.INVALID_TIMESTAMP, "a timestamp is beyond 2^53 ms");
  }
  if (!Number.isSafeInteger(header.producerId)) {
    return refused(ErrorCode.INVALID_RECORD, "no broker gave out this producer id");
  }
  if (header.producerId >= 0 && (header.producerEpoch < 0 || header.baseSequence < 0)) {
    return refused(ErrorCode.INVALID_RECORD, "an idempotent producer must send an epoch and a sequence");
  }
  if (header.isTransactional && header.producerId < 0) {
    return refused(ErrorCode.INVALID_RECORD, "a transactional record batch must name its producer");
  }
  return undefined;
}

function refused(errorCode: ErrorCode, reason: string): Refused {
  return { type: "refused", errorCode, reason };
}
