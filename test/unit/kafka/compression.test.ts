import { describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { showUtf8, utf8 } from "../../../src/base/bytes.ts";
import { DecompressError } from "../../../src/kafka/records/block-output.ts";
import { unpack } from "../../../src/kafka/records/compression.ts";
import { readLz4 } from "../../../src/kafka/records/lz4.ts";
import { compressionCodecs } from "../../../src/kafka/records/record-batch.ts";
import { readSnappy } from "../../../src/kafka/records/snappy.ts";

const text = Array.from({ length: 60 }, (_, i) => `record ${i} of sixty, of which many bytes repeat; `).join("");
const limit = 1_000_000;

/** Written by Kafka 3.9's own compressors, which are the ones of its Java producer. */
const xerial = bytesOf(
  "glNOQVBQWQAAAAABAAAAAQAAAVq2FkRyZWNvcmQgMCBvZiBzaXh0eSwBCmB3aGljaCBtYW55IGJ5dGVzIHJlcGVhdDsgDS8AMQElpi8AADK2LwAAM7YvAAA0ti8AADW2LwAANrYvAAA3ti8AADi2LwAAObYvAAAxvtcButgBADG62QEAMbraAQAxutsBADG63AEAMbrdAQAxut4BADG63wEAMbrgAQAyuuABADK64AEAMrrgAQAyuuABADK64AEAMrrgAQAyuuABADK64AEAMrrgAQAyuuABADO64AEAM7rgAQAzuuABADO64AEAM7rgAQAzuuABADO64AEAM7rgAQAzuuABADO64AEANLrgAQA0uuABADS64AEANLrgAQA0uuABADS64AEANLrgAQA0uuABADS64AEANLrgAQA1uuABADW64AEANbrgAQA1uuABADW64AEANbrgAQA1uuABADW64AEANbrgAQA1nuAB",
);
const rawSnappy = bytesOf(
  "thZEcmVjb3JkIDAgb2Ygc2l4dHksAQpgd2hpY2ggbWFueSBieXRlcyByZXBlYXQ7IA0vADEBJaYvAAAyti8AADO2LwAANLYvAAA1ti8AADa2LwAAN7YvAAA4ti8AADm2LwAAMb7XAbrYAQAxutkBADG62gEAMbrbAQAxutwBADG63QEAMbreAQAxut8BADG64AEAMrrgAQAyuuABADK64AEAMrrgAQAyuuABADK64AEAMrrgAQAyuuABADK64AEAMrrgAQAzuuABADO64AEAM7rgAQAzuuABADO64AEAM7rgAQAzuuABADO64AEAM7rgAQAzuuABADS64AEANLrgAQA0uuABADS64AEANLrgAQA0uuABADS64AEANLrgAQA0uuABADS64AEANbrgAQA1uuABADW64AEANbrgAQA1uuABADW64AEANbrgAQA1uuABADW64AEANZ7gAQ==",
);
const lz4 = bytesOf(
  "BCJNGGBAgmIBAADwA3JlY29yZCAwIG9mIHNpeHR5LAoA8wp3aGljaCBtYW55IGJ5dGVzIHJlcGVhdDsgLwAQMSUADy8AFx8yLwAbHzMvABsfNC8AGx81LwAbHzYvABsfNy8AGx84LwAbHzkvABsfMdcBHQ/YARwfMdkBHB8x2gEcHzHbARwfMdwBHB8x3QEcHzHeARwfMd8BHB8x4AEcHzLgARwfMuABHB8y4AEcHzLgARwfMuABHB8y4AEcHzLgARwfMuABHB8y4AEcHzLgARwfM+ABHB8z4AEcHzPgARwfM+ABHB8z4AEcHzPgARwfM+ABHB8z4AEcHzPgARwfM+ABHB804AEcHzTgARwfNOABHB804AEcHzTgARwfNOABHB804AEcHzTgARwfNOABHB804AEcHzXgARwfNeABHB814AEcHzXgARwfNeABHB814AEcHzXgARwfNeABHB814AEcHzXgARBQZWF0OyAAAAAA",
);
const zstd = bytesOf(
  "KLUv/QBYVAYAksYUGJArHbXuwW+FCeQGKTML3LaWUgpmQGaaEP///79t27bdtm3bkiRJknd3d3dXIAwEd3lmUOYsTrLlqHWwpTAJSw4lYRiCDLBUQ1kMQRYwRELHSQE8ILAzSgdLIToihkiIjogxEqIjYoiE6IgYkSA6IkYkjI6IEQmiI2JEQnSIGJEQHSNGJESHiBEJ0RExREJ0RIyREB0Rg5EwnugQJ2KELxLAGx3fRAzvRUJ3o4ObiNleZGlHbKZs3iabKZu3yTZl5l0Mu3StHgEAAA==",
);

function bytesOf(base64: string): Buffer {
  return Buffer.from(base64, "base64");
}

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
