import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { DecompressError } from "./block-output.ts";
import { readLz4 } from "./lz4.ts";
import type { CompressionCodec } from "./record-batch.ts";
import { readSnappy } from "./snappy.ts";

/** A record batch that unpacks to more than this is taken for an attack or a fault. */
const MAX_UNPACKED_BYTES = 256 * 1024 * 1024;

/**
 * Unpacks what producers compress. Brigade itself writes uncompressed batches: topics may compress on the broker.
 *
 * @returns `bytes` itself where there is nothing to unpack, else a buffer of its own
 * @throws {DecompressError}
 */
export function unpack(bytes: Uint8Array, codec: CompressionCodec, maxBytes: number = MAX_UNPACKED_BYTES): Uint8Array {
  switch (codec) {
    case "none":
      return bytes;
    case "gzip":
      return byZlib(codec, () => gunzipSync(bytes, { maxOutputLength: maxBytes }));
    case "snappy":
      return readSnappy(bytes, maxBytes);
    case "lz4":
      return readLz4(bytes, maxBytes);
    case "zstd":
      return byZlib(codec, () => zstdDecompressSync(bytes, { maxOutputLength: maxBytes }));
  }
}

function byZlib(codec: CompressionCodec, run: () => Uint8Array): Uint8Array {
  try {
    const unpacked = run();
    return new Uint8Array(unpacked.buffer, unpacked.byteOffset, unpacked.byteLength);
  } catch (cause) {
    throw new DecompressError(`Cannot unpack a ${codec} batch: it is damaged, or has too many bytes`, { cause });
  }
}
