import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { ProtocolError } from "../../../kafka/protocol/errors.ts";
import { readZigzagVarint } from "../../../kafka/protocol/varint.ts";
import { BATCH_HEADER_BYTES, type CompressionCodec, decodeBatchHeader } from "../../../kafka/records/record-batch.ts";

export interface TimestampPosition {
  readonly offset: number;
  readonly timestampMs: number;
}

/** Records of one batch are looked at only when they unpack to no more than this. */
const LARGEST_UNPACKED_BYTES = 256 * 1024 * 1024;

/**
 * The first record of a stored batch whose timestamp is `timestampMs` or later.
 *
 * Where the records cannot be looked into (snappy, lz4, or not what their header says) the answer is the batch's first
 * record: a reader that starts there sees a few records too many, and none too few.
 *
 * ```
 * Record => length:varint attributes:int8 timestampDelta:varlong offsetDelta:varint …
 * ```
 */
export function findTimestamp(batch: Uint8Array, timestampMs: number): TimestampPosition {
  const header = decodeBatchHeader(batch);
  const first = { offset: header.baseOffset, timestampMs: header.baseTimestampMs };
  if (header.isLogAppendTime) return { offset: header.baseOffset, timestampMs: header.maxTimestampMs };
  const records = unpack(batch.subarray(BATCH_HEADER_BYTES), header.compression);
  if (records === undefined) return first;
  try {
    for (let at = 0, i = 0; i < header.recordCount; i++) {
      const length = readZigzagVarint(records, at);
      const timestampDelta = readZigzagVarint(records, length.end + 1);
      const timestamp = header.baseTimestampMs + timestampDelta.value;
      if (timestamp >= timestampMs) {
        const offsetDelta = readZigzagVarint(records, timestampDelta.end);
        return { offset: header.baseOffset + offsetDelta.value, timestampMs: timestamp };
      }
      at = length.end + length.value;
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
  }
  return first;
}

function unpack(records: Uint8Array, compression: CompressionCodec | undefined): Uint8Array | undefined {
  try {
    if (compression === "none") return records;
    if (compression === "gzip") return gunzipSync(records, { maxOutputLength: LARGEST_UNPACKED_BYTES });
    if (compression === "zstd") return zstdDecompressSync(records, { maxOutputLength: LARGEST_UNPACKED_BYTES });
  } catch (error) {
    // Damaged or too large: stored as the client made it, since brokers do not look inside.
    if (!(error instanceof Error)) throw error;
  }
  return undefined;
}
