/** A second encoder of record batches, byte by byte from the specification, for all that the first does not write. */

export interface RecordShape {
  readonly offset: number;
  readonly timestampMs?: number;
  readonly key?: string | Uint8Array | null;
  readonly value?: string | Uint8Array | null;
  readonly headers?: readonly (readonly [name: string, value: string | null])[];
}

export interface BatchShape {
  readonly first: number;
  /** Those that compaction has left. */
  readonly records: readonly RecordShape[];
  /** Offsets that the batch spans. */
  readonly span?: number;
  readonly baseTimestampMs?: number;
  readonly maxTimestampMs?: number;
  readonly producerId?: number;
  readonly attributes?: number;
  /** What stands behind the header, in place of the records as they are. */
  readonly pack?: (records: Buffer) => Uint8Array;
}

export const GZIP = 1;
export const APPEND_TIME = 0x08;
export const TRANSACTIONAL = 0x10;
export const CONTROL = 0x20;

const HEADER_BYTES = 61;

export function makeBatch(shape: BatchShape): Buffer {
  const { first, records, baseTimestampMs = 0, maxTimestampMs = 0, producerId = -1, attributes = 0 } = shape;
  const span = shape.span ?? (records.at(-1)?.offset ?? first) - first + 1;
  const encoded = Buffer.concat(records.map((record) => makeRecord(record, first, baseTimestampMs)));
  const body = shape.pack?.(encoded) ?? encoded;
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeBigInt64BE(BigInt(first), 0);
  header.writeInt32BE(HEADER_BYTES - 12 + body.byteLength, 8);
  header.writeInt8(2, 16);
  header.writeInt16BE(attributes, 21);
  header.writeInt32BE(span - 1, 23);
  header.writeBigInt64BE(BigInt(baseTimestampMs), 27);
  header.writeBigInt64BE(BigInt(maxTimestampMs), 35);
  header.writeBigInt64BE(BigInt(producerId), 43);
  header.writeInt32BE(records.length, 57);
  return seal(Buffer.concat([header, body]));
}

/** The mark that ends a transaction. */
export function makeMark(offset: number, producerId: number, outcome: "commit" | "abort"): Buffer {
  const key = Uint8Array.of(0, 0, 0, outcome === "commit" ? 1 : 0);
  const attributes = CONTROL | TRANSACTIONAL;
  return makeBatch({ first: offset, records: [{ offset, key, value: new Uint8Array(6) }], producerId, attributes });
}

/** Sets the checksum to what the bytes need. */
export function seal(batch: Buffer): Buffer {
  batch.writeUInt32BE(bitwiseCrc32c(batch.subarray(21)), 17);
  return batch;
}

function makeRecord({ offset, timestampMs = 0, key, value, headers = [] }: RecordShape, first: number, base: number) {
  const body = Buffer.concat([
    Buffer.of(0),
    zigzag(timestampMs - base),
    zigzag(offset - first),
    field(key),
    field(value),
    zigzag(headers.length),
    ...headers.flatMap(([name, content]) => [field(name), field(content)]),
  ]);
  return Buffer.concat([zigzag(body.byteLength), body]);
}

function field(content: string | Uint8Array | null | undefined): Buffer {
  if (content === null || content === undefined) return zigzag(-1);
  const bytes = Buffer.from(content);
  return Buffer.concat([zigzag(bytes.byteLength), bytes]);
}

export function zigzag(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value < 0 ? -2 * value - 1 : 2 * value;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Buffer.from([...bytes, rest]);
}

function bitwiseCrc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}
