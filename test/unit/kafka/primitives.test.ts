import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ProtocolError } from "../../../src/kafka/protocol/errors.ts";
import { Reader } from "../../../src/kafka/protocol/reader.ts";
import { readUnsignedVarint, readZigzagVarint, writeUnsignedVarint } from "../../../src/kafka/protocol/varint.ts";
import { Writer } from "../../../src/kafka/protocol/writer.ts";
import { crc32c } from "../../../src/kafka/records/crc32c.ts";

const ascending = Uint8Array.from({ length: 32 }, (_, i) => i);

describe("crc32c", () => {
  // RFC 3720, B.4, and the check value of the CRC catalogue.
  test.each([
    ["123456789", new TextEncoder().encode("123456789"), 0xe3069283],
    ["nothing", new Uint8Array(0), 0],
    ["32 zero bytes", new Uint8Array(32), 0x8a9136aa],
    ["32 bytes of 0xff", new Uint8Array(32).fill(0xff), 0x62a8ab43],
    ["32 ascending bytes", ascending, 0x46dd794e],
    ["32 descending bytes", ascending.toReversed(), 0x113fdb5c],
  ])("of %s", (_, bytes, expected) => {
    expect(crc32c(bytes)).toBe(expected);
  });

  test("equals the definition bit by bit, for any range of any bytes", () => {
    const bitwise = (bytes: Uint8Array): number => {
      let crc = 0xffffffff;
      for (const byte of bytes) {
        crc ^= byte;
        for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
      }
      return ~crc >>> 0;
    };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(20), fc.nat(20), (bytes, skip, drop) => {
        const start = Math.min(skip, bytes.length);
        const end = Math.max(start, bytes.length - drop);
        expect(crc32c(bytes, start, end)).toBe(bitwise(bytes.subarray(start, end)));
      }),
    );
  });
});

describe("varints", () => {
  test.each([
    [0, [0]],
    [1, [1]],
    [127, [0x7f]],
    [128, [0x80, 1]],
    [300, [0xac, 2]],
    [0xffffffff, [0xff, 0xff, 0xff, 0xff, 0x0f]],
  ])("%d is written and read unsigned", (value, expected) => {
    const bytes = new Uint8Array(5);
    const end = writeUnsignedVarint(bytes, 0, value);
    expect([...bytes.subarray(0, end)]).toEqual(expected);
    expect(readUnsignedVarint(bytes, 0)).toEqual({ value, end });
  });

  test.each([
    [[0], 0],
    [[1], -1],
    [[2], 1],
    [[3], -2],
    [[0xfe, 0xff, 0xff, 0xff, 0x0f], 2_147_483_647],
    [[0xff, 0xff, 0xff, 0xff, 0x0f], -2_147_483_648],
  ])("%p is read as zigzag", (bytes, value) => {
    expect(readZigzagVarint(Uint8Array.from(bytes), 0).value).toBe(value);
  });

  test.each([
    ["ends inside", [0x80]],
    ["is too long", [0x80, 0x80, 0x80, 0x80, 0x80, 1]],
    ["has more than 32 bits", [0xff, 0xff, 0xff, 0xff, 0x7f]],
  ])("one that %s is refused", (_, bytes) => {
    expect(() => readUnsignedVarint(Uint8Array.from(bytes), 0)).toThrow(ProtocolError);
  });
});

describe("reader and writer", () => {
  test("a writer grows through every type", () => {
    for (let capacity = 0; capacity < 40; capacity++) {
      const writer = new Writer(true, capacity);
      writer.int8(-1);
      writer.int16(-2);
      writer.int32(-3);
      writer.int64(-4);
      writer.string("größer");
      writer.bytes(Uint8Array.of(1, 2, 3));
      writer.int64(Number.MAX_SAFE_INTEGER);
      const reader = new Reader(writer.finish(), true);
      expect([reader.int8(), reader.int16(), reader.int32(), reader.int64()]).toEqual([-1, -2, -3, -4]);
      expect(reader.string()).toBe("größer");
      expect([...reader.bytes()]).toEqual([1, 2, 3]);
      expect(reader.int64()).toBe(Number.MAX_SAFE_INTEGER);
      expect(reader.remaining).toBe(0);
    }
  });

  test("an array that claims more items than bytes is refused before memory is taken", () => {
    const writer = new Writer();
    writer.int32(0x7fffffff);
    expect(() => new Reader(writer.finish()).array(() => 0)).toThrow("it claims 2147483647 items in 0 bytes");
  });

  test("null where a value must be is refused", () => {
    const writer = new Writer();
    writer.nullableString(null);
    expect(() => new Reader(writer.finish()).string()).toThrow(ProtocolError);
  });

  test("an int64 beyond 2^53 is refused", () => {
    expect(() => new Reader(Uint8Array.of(0x7f, 0, 0, 0, 0, 0, 0, 0)).int64()).toThrow(ProtocolError);
  });

  test("unknown tagged fields are skipped", () => {
    const reader = new Reader(Uint8Array.of(2, 0, 1, 0xaa, 9, 2, 0xbb, 0xcc, 7), true);
    reader.tags();
    expect(reader.int8()).toBe(7);
  });
});
