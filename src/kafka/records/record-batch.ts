import { readInt64, writeInt64 } from "../protocol/int64.ts";
import { crc32c } from "./crc32c.ts";

/*
 * The header of a record batch, message format version 2, all integers big-endian:
 *
 *  0 baseOffset:int64          8 batchLength:int32       12 partitionLeaderEpoch:int32   16 magic:int8
 * 17 crc:uint32               21 attributes:int16        23 lastOffsetDelta:int32
 * 27 baseTimestamp:int64      35 maxTimestamp:int64      43 producerId:int64
 * 51 producerEpoch:int16      53 baseSequence:int32      57 recordCount:int32            61 records…
 *
 * `batchLength` counts what follows it. The checksum covers everything from `attributes` on, so a broker may set base
 * offset and leader epoch without touching it.
 *
 * @see https://kafka.apache.org/documentation/#recordbatch
 */

export const BATCH_HEADER_BYTES = 61;
/** Base offset and batch length: what precedes the counted part. */
export const BATCH_OVERHEAD_BYTES = 12;
export const CURRENT_MAGIC = 2;

const LEADER_EPOCH_AT = 12;
const MAGIC_AT = 16;
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;
const MAX_TIMESTAMP_AT = 35;

const COMPRESSION_MASK = 0x07;
const LOG_APPEND_TIME_BIT = 0x08;
const TRANSACTIONAL_BIT = 0x10;
const CONTROL_BIT = 0x20;

/** Names of the compression codecs by their number in `attributes`. */
export const compressionCodecs = ["none", "gzip", "snappy", "lz4", "zstd"] as const;
export type CompressionCodec = (typeof compressionCodecs)[number];

export interface RecordBatchHeader {
  readonly baseOffset: number;
  /** Of the whole batch, base offset and length included. */
  readonly sizeBytes: number;
  readonly crc: number;
  /** undefined where the number is none of Kafka's. */
  readonly compression: CompressionCodec | undefined;
  readonly isLogAppendTime: boolean;
  readonly isTransactional: boolean;
  readonly isControl: boolean;
  readonly lastOffsetDelta: number;
  readonly baseTimestampMs: number;
  readonly maxTimestampMs: number;
  /** −1 where the producer is not idempotent. */
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly recordCount: number;
}

/** Offset of the last record of a stored batch. `bytes` must hold its header. */
export function peekLastOffset(bytes: Uint8Array): number {
  const view = viewOf(bytes);
  return readInt64(view, 0) + view.getInt32(23);
}

/** Magic of the batch or message set that begins `bytes`; it stands at the same place in every format. */
export function peekMagic(bytes: Uint8Array): number | undefined {
  return bytes[MAGIC_AT];
}

/** Whole size that the first batch of `bytes` claims to have. `bytes` must hold at least the overhead. */
export function peekBatchSize(bytes: Uint8Array): number {
  return BATCH_OVERHEAD_BYTES + viewOf(bytes).getInt32(8);
}

/** `bytes` must hold at least {@link BATCH_HEADER_BYTES}. Checks nothing. */
export function decodeBatchHeader(bytes: Uint8Array): RecordBatchHeader {
  const view = viewOf(bytes);
  const attributes = view.getInt16(ATTRIBUTES_AT);
  return {
    baseOffset: readInt64(view, 0),
    sizeBytes: BATCH_OVERHEAD_BYTES + view.getInt32(8),
    crc: view.getUint32(CRC_AT),
    compression: compressionCodecs[attributes & COMPRESSION_MASK],
    isLogAppendTime: (attributes & LOG_APPEND_TIME_BIT) !== 0,
    isTransactional: (attributes & TRANSACTIONAL_BIT) !== 0,
    isControl: (attributes & CONTROL_BIT) !== 0,
    lastOffsetDelta: view.getInt32(23),
    baseTimestampMs: readInt64(view, 27),
    maxTimestampMs: readInt64(view, MAX_TIMESTAMP_AT),
    producerId: readInt64(view, 43),
    producerEpoch: view.getInt16(51),
    baseSequence: view.getInt32(53),
    recordCount: view.getInt32(57),
  };
}

/** What a producer decides about a batch of records without compression, all of one time. */
export interface NewBatchHeader
  extends Pick<RecordBatchHeader, "producerId" | "producerEpoch" | "baseSequence" | "recordCount"> {
  readonly timestampMs: number;
  /** Default false. */
  readonly isTransactional?: boolean;
  /** Default false. */
  readonly isControl?: boolean;
}

/** Writes the header of a new batch in front of its records, which stand in `batch` already: checksum included. */
export function writeBatchHeader(batch: Uint8Array, header: NewBatchHeader): void {
  const view = viewOf(batch);
  writeInt64(view, 0, 0);
  view.setInt32(8, batch.byteLength - BATCH_OVERHEAD_BYTES);
  view.setInt32(LEADER_EPOCH_AT, -1);
  view.setInt8(MAGIC_AT, CURRENT_MAGIC);
  const { isTransactional = false, isControl = false } = header;
  view.setInt16(ATTRIBUTES_AT, (isTransactional ? TRANSACTIONAL_BIT : 0) | (isControl ? CONTROL_BIT : 0));
  view.setInt32(23, header.recordCount - 1);
  writeInt64(view, 27, header.timestampMs);
  writeInt64(view, MAX_TIMESTAMP_AT, header.timestampMs);
  writeInt64(view, 43, header.producerId);
  view.setInt16(51, header.producerEpoch);
  view.setInt32(53, header.baseSequence);
  view.setInt32(57, header.recordCount);
  view.setUint32(CRC_AT, batchChecksum(batch));
}

export function batchChecksum(batch: Uint8Array): number {
  return crc32c(batch, ATTRIBUTES_AT);
}

/** Sets, in place, what the broker decides about every batch. */
export function stampOffset(batch: Uint8Array, baseOffset: number, leaderEpoch: number): void {
  const view = viewOf(batch);
  writeInt64(view, 0, baseOffset);
  view.setInt32(LEADER_EPOCH_AT, leaderEpoch);
}

/** Sets, in place, what the records say of their newest time where the producer's header said otherwise. */
export function stampMaxTimestamp(batch: Uint8Array, maxTimestampMs: number): void {
  const view = viewOf(batch);
  writeInt64(view, MAX_TIMESTAMP_AT, maxTimestampMs);
  view.setUint32(CRC_AT, batchChecksum(batch));
}

/** Makes the records count as written at `nowMs` (`message.timestamp.type=LogAppendTime`), checksum included. */
export function stampAppendTime(batch: Uint8Array, nowMs: number): void {
  const view = viewOf(batch);
  view.setInt16(ATTRIBUTES_AT, view.getInt16(ATTRIBUTES_AT) | LOG_APPEND_TIME_BIT);
  writeInt64(view, MAX_TIMESTAMP_AT, nowMs);
  view.setUint32(CRC_AT, batchChecksum(batch));
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
