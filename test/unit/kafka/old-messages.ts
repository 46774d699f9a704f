import { crc32 } from "node:zlib";

/** A message of the formats before Kafka 0.11. */
export interface MessageShape {
  readonly magic: 0 | 1;
  readonly offset: number;
  readonly attributes?: number;
  readonly timestampMs?: number;
  readonly key?: Uint8Array | null;
  readonly value?: Uint8Array | null;
}

/** Byte by byte from the specification. */
export function makeMessage({ magic, offset, attributes = 0, timestampMs = 0, key, value }: MessageShape): Buffer {
  const time = Buffer.alloc(magic === 0 ? 0 : 8);
  if (magic === 1) time.writeBigInt64BE(BigInt(timestampMs));
  const checked = Buffer.concat([Buffer.of(magic, attributes), time, field(key), field(value)]);
  const head = Buffer.alloc(16);
  head.writeBigInt64BE(BigInt(offset), 0);
  head.writeInt32BE(checked.byteLength + 4, 8);
  head.writeUInt32BE(crc32(checked), 12);
  return Buffer.concat([head, checked]);
}

function field(bytes: Uint8Array | null | undefined): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(bytes?.byteLength ?? -1);
  return Buffer.concat([length, bytes ?? new Uint8Array(0)]);
}
