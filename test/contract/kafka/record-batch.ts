import { gzipSync, zstdCompressSync } from "node:zlib";
import { crc32c } from "../../../src/kafka/records/crc32c.ts";

export interface BatchContent {
  readonly values: readonly string[];
  /** One for each value; the default is 1 000, 1 001 and so on. */
  readonly timestampsMs?: readonly number[];
  readonly codec?: "none" | "gzip" | "snappy" | "lz4" | "zstd";
  readonly producerId?: number;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
  /** Bits set in `attributes` besides the codec. */
  readonly attributes?: number;
}

const codecNumbers = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;

/** A record batch (magic 2) as a client makes it. With snappy and lz4 the records are only claimed to be packed. */
export function makeBatch(content: BatchContent): Buffer {
  const { values, codec = "none", producerId = -1, producerEpoch = -1, baseSequence = -1, attributes = 0 } = content;
  const timestampsMs = content.timestampsMs ?? values.map((_, i) => 1000 + i);
  const baseTimestampMs = timestampsMs[0] ?? 0;
  const records = pack(
    Buffer.concat(values.map((value, i) => makeRecord(value, (timestampsMs[i] ?? 0) - baseTimestampMs, i))),
    codec,
  );
  const header = Buffer.alloc(61);
  header.writeInt32BE(61 - 12 + records.byteLength, 8);
  header.writeInt8(2, 16);
  header.writeInt16BE(codecNumbers[codec] | attributes, 21);
  header.writeInt32BE(values.length - 1, 23);
  header.writeBigInt64BE(BigInt(baseTimestampMs), 27);
  header.writeBigInt64BE(BigInt(Math.max(...timestampsMs)), 35);
  header.writeBigInt64BE(BigInt(producerId), 43);
  header.writeInt16BE(producerEpoch, 51);
  header.writeInt32BE(baseSequence, 53);
  header.writeInt32BE(values.length, 57);
  return seal(Buffer.concat([header, records]));
}

/** Sets the checksum to what the bytes now need. */
export function seal(batch: Buffer): Buffer {
  batch.writeUInt32BE(crc32c(batch, 21), 17);
  return batch;
}

function makeRecord(value: string, timestampDelta: number, offsetDelta: number): Buffer {
  const bytes = Buffer.from(value);
  const body = Buffer.concat([
    Buffer.of(0),
    zigzag(timestampDelta),
    zigzag(offsetDelta),
    zigzag(-1),
    zigzag(bytes.byteLength),
    bytes,
    zigzag(0),
  ]);
  return Buffer.concat([zigzag(body.byteLength), body]);
}

function zigzag(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value < 0 ? -2 * value - 1 : 2 * value;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Buffer.from([...bytes, rest]);
}

function pack(records: Buffer, codec: BatchContent["codec"]): Buffer {
  if (codec === "gzip") return gzipSync(records);
  return codec === "zstd" ? zstdCompressSync(records) : records;
}
