import { BlockOutput, DecompressError } from "./block-output.ts";

const FRAME_MAGIC = 0x184d2204;
const HAS_DICTIONARY = 0x01;
const HAS_CONTENT_SIZE = 0x08;
const HAS_BLOCK_CHECKSUMS = 0x10;
const NOT_COMPRESSED = 0x8000_0000;
const MIN_MATCH = 4;

/**
 * Unpacks an LZ4 frame. Checksums are not verified: the record batch around it has its own.
 *
 * @throws {DecompressError}
 * @see lz4/lz4 doc/lz4_Frame_format.md, lz4_Block_format.md
 */
export function readLz4(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < 7 || view.getUint32(0, true) !== FRAME_MAGIC) {
    throw new DecompressError("Cannot unpack an lz4 batch: it does not begin as an LZ4 frame");
  }
  const flags = view.getUint8(4);
  if ((flags & HAS_DICTIONARY) !== 0) throw new DecompressError("Cannot unpack an lz4 batch: it needs a dictionary");
  // Magic, flags, block size code, content size if told, header checksum.
  let at = 6 + ((flags & HAS_CONTENT_SIZE) === 0 ? 0 : 8) + 1;
  const output = new BlockOutput(bytes.byteLength * 4, maxBytes);
  for (;;) {
    if (at + 4 > bytes.byteLength) throw cut();
    const size = view.getUint32(at, true);
    at += 4;
    if (size === 0) return output.finish(); // a content checksum may follow
    const length = size % NOT_COMPRESSED;
    if (at + length > bytes.byteLength) throw cut();
    const block = bytes.subarray(at, at + length);
    // Blocks share one output, so that a block may refer to the ones before it.
    if (size >= NOT_COMPRESSED) output.append(block);
    else readBlock(block, output);
    at += length + ((flags & HAS_BLOCK_CHECKSUMS) === 0 ? 0 : 4);
  }
}

function readBlock(bytes: Uint8Array, output: BlockOutput): void {
  let at = 0;
  const byte = (): number => {
    const value = bytes[at++];
    if (value === undefined) throw cut();
    return value;
  };
  /** 15 in the token means that bytes follow, to be added up to the first that is not 255. */
  const length = (inToken: number): number => {
    let total = inToken;
    if (inToken === 15) {
      for (let more = 255; more === 255; total += more) more = byte();
    }
    return total;
  };
  while (at < bytes.byteLength) {
    const token = byte();
    const literals = length(token >> 4);
    if (at + literals > bytes.byteLength) throw cut();
    output.append(bytes.subarray(at, at + literals));
    at += literals;
    if (at === bytes.byteLength) return; // the last sequence has literals only
    const distance = byte() + byte() * 256;
    output.repeat(distance, length(token & 15) + MIN_MATCH);
  }
}

function cut(): DecompressError {
  return new DecompressError("Cannot unpack an lz4 batch: it is cut short");
}
