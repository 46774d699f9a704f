import { concatBytes } from "../../base/bytes.ts";
import { BlockOutput, DecompressError } from "./block-output.ts";

/** What Java's library puts in front of its blocks: `82 "SNAPPY" 00`, version, oldest version that can read it. */
const XERIAL_MAGIC = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00];
const XERIAL_HEADER_BYTES = 16;

/**
 * Unpacks snappy as Kafka producers write it: one raw block (librdkafka), or xerial's frame of blocks, each behind its
 * length as a u32 (Java).
 *
 * @throws {DecompressError}
 * @see google/snappy format_description.txt
 */
export function readSnappy(bytes: Uint8Array, maxBytes: number): Uint8Array {
  if (!XERIAL_MAGIC.every((byte, index) => bytes[index] === byte)) return readBlock(bytes, maxBytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: Uint8Array[] = [];
  let room = maxBytes;
  for (let at = XERIAL_HEADER_BYTES; at + 4 <= bytes.byteLength; ) {
    const length = view.getUint32(at);
    const part = readBlock(bytes.subarray(at + 4, at + 4 + length), room);
    room -= part.byteLength;
    parts.push(part);
    at += 4 + length;
  }
  return concatBytes(parts);
}

function readBlock(bytes: Uint8Array, maxBytes: number): Uint8Array {
  let at = 0;
  const byte = (): number => {
    const value = bytes[at++];
    if (value === undefined) throw new DecompressError("Cannot unpack a snappy block: it is cut short");
    return value;
  };
  const little = (count: number): number => {
    let value = 0;
    for (let i = 0; i < count; i++) value += byte() * 2 ** (8 * i);
    return value;
  };

  let length = 0;
  for (let shift = 0, more = true; more; shift += 7) {
    const part = byte();
    length += (part & 0x7f) * 2 ** shift;
    more = part >= 0x80;
  }
  if (length > maxBytes) throw new DecompressError(`Cannot unpack a snappy block: it has more than ${maxBytes} bytes`);

  const output = new BlockOutput(length, maxBytes);
  while (at < bytes.byteLength) {
    const tag = byte();
    const high = tag >> 2;
    switch (tag & 3) {
      case 0: {
        // Lengths up to 60 stand in the tag; 60 to 63 say in how many bytes the length follows.
        const count = (high < 60 ? high : little(high - 59)) + 1;
        if (at + count > bytes.byteLength) throw new DecompressError("Cannot unpack a snappy block: it is cut short");
        output.append(bytes.subarray(at, at + count));
        at += count;
        break;
      }
      case 1:
        output.repeat((high >> 3) * 256 + byte(), (high & 7) + 4);
        break;
      case 2:
        output.repeat(little(2), high + 1);
        break;
      default:
        output.repeat(little(4), high + 1);
    }
  }
  const unpacked = output.finish();
  if (unpacked.byteLength === length) return unpacked;
  throw new DecompressError(`Cannot unpack a snappy block: it has ${unpacked.byteLength} bytes, must have ${length}`);
}
