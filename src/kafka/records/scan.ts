import { noBytes } from "../../base/bytes.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { unpack } from "./compression.ts";
import { openMessage } from "./message-set.ts";
import {
  BATCH_HEADER_BYTES,
  BATCH_OVERHEAD_BYTES,
  batchChecksum,
  CURRENT_MAGIC,
  decodeBatchHeader,
  peekBatchSize,
  peekMagic,
} from "./record-batch.ts";
import { BatchRecordReader } from "./record-reader.ts";
import type { StoredBatch } from "./stored-batch.ts";

/** In every format the byte that tells which one it is, is the last of these. */
const MAGIC_BYTES = 17;

export interface Scan {
  readonly batches: readonly StoredBatch[];
  /** Why the batch behind them cannot be used; undefined where they are all. */
  readonly problem: ProtocolError | undefined;
}

/**
 * Tells the batches of a part of a log from each other and checks them, up to the first that is damaged. Records are
 * neither read nor unpacked. What a broker has cut off at the end is left out: it comes whole with another fetch.
 *
 * @param bytes as they were fetched; the batches are views of it
 */
export function scanBatches(bytes: Uint8Array): Scan {
  const batches: StoredBatch[] = [];
  try {
    for (let at = 0; at + MAGIC_BYTES <= bytes.byteLength; ) {
      const rest = bytes.subarray(at);
      const size = peekBatchSize(rest);
      if (size <= BATCH_OVERHEAD_BYTES) throw new ProtocolError(`Cannot use a record batch: it claims ${size} bytes`);
      if (size > rest.byteLength) break;
      batches.push(openBatch(rest.subarray(0, size)));
      at += size;
    }
  } catch (error) {
    if (error instanceof ProtocolError) return { batches, problem: error };
    throw error;
  }
  return { batches, problem: undefined };
}

function openBatch(batch: Uint8Array): StoredBatch {
  const magic = peekMagic(batch);
  if (magic === 0 || magic === 1) return openMessage(batch, magic);
  if (magic !== CURRENT_MAGIC)
    throw new ProtocolError(`Cannot use a record batch: its format is ${magic}, must be 0 to 2`);
  if (batch.byteLength < BATCH_HEADER_BYTES) {
    throw new ProtocolError(`Cannot use a record batch: it has ${batch.byteLength} bytes, must have a header`);
  }
  const header = decodeBatchHeader(batch);
  if (header.crc !== batchChecksum(batch)) {
    throw new ProtocolError("Cannot use a record batch: it does not match its checksum");
  }
  const { baseOffset, lastOffsetDelta, compression, recordCount, producerId, isTransactional, isControl } = header;
  const lastOffset = baseOffset + lastOffsetDelta;
  if (lastOffset < baseOffset || recordCount < 0 || baseOffset < 0 || !Number.isSafeInteger(lastOffset)) {
    throw new ProtocolError(
      `Cannot use a record batch: it claims ${recordCount} records at ${baseOffset} to ${lastOffset}`,
    );
  }
  if (compression === undefined)
    throw new ProtocolError("Cannot use a record batch: its compression is none of Kafka's");
  const open = (): BatchRecordReader => {
    // What compaction leaves of a batch that it has emptied is its header, whatever had been behind it.
    const records = recordCount === 0 ? noBytes : unpack(batch.subarray(BATCH_HEADER_BYTES), compression);
    return new BatchRecordReader(header, records);
  };
  return { baseOffset, lastOffset, producerId, isTransactional, isControl, open };
}
