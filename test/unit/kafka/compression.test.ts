import { describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { showUtf8, utf8 } from "../../../src/base/bytes.ts";
import { DecompressError } from "../../../src/kafka/records/block-output.ts";
import { unpack } from "../../../src/kafka/records/compression.ts";
import { readLz4 } from "../../../src/kafka/records/lz4.ts";
import { compressionCodecs } from "../../../src/kafka/records/record-batch.ts";
import { readSnappy } from "../../../src/kafka/records/snappy.ts";
import { packedText } from "./packed-text.ts";

const { text } = packedText;
const [zstd] = packedText.zstd;
const [xerial, rawSnappy] = packedText.snappy;
const [lz4] = packedText.lz4;
const limit = 1_000_000;

describe("what other producers compress is read", () => {
  test("snappy in xerial's frame", () => expect(showUtf8(readSnappy(xerial, limit))).toBe(text));
  test("snappy as a raw block", () => expect(showUtf8(readSnappy(rawSnappy, limit))).toBe(text));
  test("lz4", () => expect(showUtf8(readLz4(lz4, limit))).toBe(text));

  test("each by its name", () => {
    const packed = { none: utf8(text), gzip: gzipSync(text), snappy: xerial, lz4, zstd };
    for (const codec of compressionCodecs) expect(showUtf8(unpack(packed[codec], codec))).toBe(text);
  });
});

describe("what cannot be unpacked is an error, and never a wrong value", () => {
  const cases = [
    { name: "snappy", bytes: rawSnappy, read: readSnappy },
    { name: "lz4", bytes: lz4, read: readLz4 },
    { name: "gzip", bytes: gzipSync(text), read: (bytes: Uint8Array, max: number) => unpack(bytes, "gzip", max) },
    { name: "zstd", bytes: zstd, read: (bytes: Uint8Array, max: number) => unpack(bytes, "zstd", max) },
  ];
  for (const { name, bytes, read } of cases) {
    test(`${name} that is cut anywhere ends with an error or with the beginning of the text`, () => {
      for (let length = 0; length < bytes.byteLength; length++) {
        let unpacked = "";
        try {
          unpacked = showUtf8(read(bytes.subarray(0, length), limit));
        } catch (error) {
          expect(error).toBeInstanceOf(DecompressError);
        }
        expect(text.startsWith(unpacked)).toBe(true);
      }
    });

    test(`${name} that unpacks to more than the limit is refused`, () => {
      expect(() => read(bytes, text.length - 1)).toThrow(DecompressError);
    });
  }

  test("a snappy copy from before the beginning is refused", () => {
    expect(() => readSnappy(Uint8Array.of(8, 0b001, 5), limit)).toThrow("refers 5 bytes back");
  });
});
