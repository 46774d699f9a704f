import { promisify } from "node:util";
import { zstdDecompress } from "node:zlib";
import { CompressionCodecs, CompressionTypes } from "kafkajs";
import { KafkaRefusedError } from "./errors.ts";
import { readLz4 } from "./lz4.ts";
import { readSnappy } from "./snappy.ts";

/** A record batch that unpacks to more than this is taken for an attack or a fault. */
const MAX_UNPACKED_BYTES = 256 * 1024 * 1024;

const unpackZstd = promisify(zstdDecompress);

let installed = false;

/**
 * Teaches kafkajs to read what other producers write with snappy, lz4 and zstd; gzip it knows. Brigade itself writes
 * uncompressed batches: topics may compress on the broker.
 */
export function installCodecs(): void {
  if (installed) return;
  installed = true;
  CompressionCodecs[CompressionTypes.Snappy] = () => reader("snappy", async (b) => readSnappy(b, MAX_UNPACKED_BYTES));
  CompressionCodecs[CompressionTypes.LZ4] = () => reader("lz4", async (b) => readLz4(b, MAX_UNPACKED_BYTES));
  CompressionCodecs[CompressionTypes.ZSTD] = () =>
    reader("zstd", (b) => unpackZstd(b, { maxOutputLength: MAX_UNPACKED_BYTES }));
}

interface Codec {
  compress(encoder: unknown): Promise<Buffer>;
  decompress(bytes: Buffer): Promise<Buffer>;
}

function reader(name: string, unpack: (bytes: Buffer) => Promise<Uint8Array>): Codec {
  return {
    compress: () => Promise.reject(new KafkaRefusedError(`Cannot write with ${name}: only reading is supported`)),
    decompress: async (bytes) => {
      const unpacked = await unpack(bytes);
      return Buffer.from(unpacked.buffer, unpacked.byteOffset, unpacked.byteLength);
    },
  };
}
