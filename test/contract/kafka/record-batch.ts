import { gzipSync, zstdCompressSync } from "node:zlib";
import { crc32c } from "../../../src/kafka/records/crc32c.ts";

export interface BatchContent {
  readonly values: readonly string[];
  /** One for each value; the default is the present. */
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
  // Of today: a real broker deletes what is older than its retention, at any moment.
  const timestampsMs = content.timestampsMs ?? values.map(() => Date.now());
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

/** A stored batch as a test looks at it. */
export interface ReadBatch {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly isTransactional: boolean;
  /** What a control batch says; undefined of records. */
  readonly control: "abort" | "commit" | undefined;
  /** Of uncompressed records. */
  readonly values: readonly string[];
}

/** Takes stored batches apart whose records are uncompressed. */
export function readBatches(bytes: Uint8Array): ReadBatch[] {
  const all = Buffer.from(bytes);
  const batches: ReadBatch[] = [];
  for (let at = 0; at + 61 <= all.byteLength; ) {
    const batch = all.subarray(at, at + 12 + all.readInt32BE(at + 8));
    at += batch.byteLength;
    const baseOffset = Number(batch.readBigInt64BE(0));
    const attributes = batch.readInt16BE(21);
    const records = readRecords(batch.subarray(61), batch.readInt32BE(57));
    const isControl = (attributes & 0x20) !== 0;
    batches.push({
      baseOffset,
      lastOffset: baseOffset + batch.readInt32BE(23),
      producerId: Number(batch.readBigInt64BE(43)),
      producerEpoch: batch.readInt16BE(51),
      isTransactional: (attributes & 0x10) !== 0,
      control: isControl ? (records[0]?.key?.readInt16BE(2) === 1 ? "commit" : "abort") : undefined,
      values: isControl ? [] : records.map(({ value }) => value?.toString() ?? ""),
    });
  }
  return batches;
}

function readRecords(bytes: Buffer, count: number): { key: Buffer | null; value: Buffer | null }[] {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes.readUInt8(at++);
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
  };
  const field = (): Buffer | null => {
    const length = varint();
    if (length < 0) return null;
    at += length;
    return bytes.subarray(at - length, at);
  };
  return Array.from({ length: count }, () => {
    const length = varint();
    const end = at + length;
    at++;
    varint();
    varint();
    const record = { key: field(), value: field() };
    at = end;
    return record;
  });
}
