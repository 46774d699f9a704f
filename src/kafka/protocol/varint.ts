import { ProtocolError } from "./errors.ts";

/*
 * Variable-length integers: seven bits a byte, least significant first, the high bit set on all but the last.
 * Records use the zigzag form (0, −1, 1, −2 … as 0, 1, 2, 3 …), compact lengths and tags the unsigned one.
 */

/** A value and the position after it. */
export interface Varint {
  readonly value: number;
  readonly end: number;
}

/** Longest form of 32 bits. */
const LONGEST_BYTES_32 = 5;
/** Longest form of 64 bits. */
const LONGEST_BYTES_64 = 10;

/** @throws {ProtocolError} the bytes end inside it, or it has more than 32 bits */
export function readUnsignedVarint(bytes: Uint8Array, start: number): Varint {
  const { value, end } = readBase128(bytes, start, LONGEST_BYTES_32);
  if (value > 0xffff_ffff) throw new ProtocolError(`Cannot read varint: ${value} has more than 32 bits`);
  return { value, end };
}

/** Zigzag form of up to 64 bits. Not exact beyond 2^53. */
export function readZigzagVarint(bytes: Uint8Array, start: number): Varint {
  const { value, end } = readBase128(bytes, start, LONGEST_BYTES_64);
  return { value: value % 2 === 0 ? value / 2 : -(value + 1) / 2, end };
}

function readBase128(bytes: Uint8Array, start: number, longest: number): Varint {
  let value = 0;
  let factor = 1;
  for (let at = start; at < start + longest; at++) {
    const byte = bytes[at];
    if (byte === undefined) throw new ProtocolError("Cannot read varint: the bytes end inside it");
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return { value, end: at + 1 };
    factor *= 128;
  }
  throw new ProtocolError(`Cannot read varint: it is longer than ${longest} bytes`);
}

/** Writes at `at`, for which up to 5 bytes must be free; the result is the position after it. */
export function writeUnsignedVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value >>> 0;
  let end = at;
  while (rest >= 0x80) {
    bytes[end++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[end++] = rest;
  return end;
}
