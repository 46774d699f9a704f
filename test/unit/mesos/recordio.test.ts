import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { concatBytes } from "../../../src/base/bytes.ts";
import { encodeRecord, FramingError, RecordIoDecoder } from "../../../src/mesos/recordio.ts";

const utf8 = (value: string): Uint8Array => new TextEncoder().encode(value);
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

const chunkings: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array[]>> = {
  whole: (bytes) => [bytes],
  halved: (bytes) => [bytes.subarray(0, bytes.length >> 1), bytes.subarray(bytes.length >> 1)],
  "in single bytes": (bytes) => Array.from(bytes, (byte) => Uint8Array.of(byte)),
  "with empty chunks": (bytes) => [new Uint8Array(0), bytes, new Uint8Array(0)],
};

const streams: readonly { readonly input: string; readonly records: readonly string[]; readonly ends: boolean }[] = [
  { input: "", records: [], ends: true },
  { input: "5\nhello", records: ["hello"], ends: true },
  { input: "5\nhello6\nworld!", records: ["hello", "world!"], ends: true },
  { input: "0\n0\n1\n\n", records: ["", "", "\n"], ends: true },
  { input: "4\näö", records: ["äö"], ends: true },
  { input: "007\nleading", records: ["leading"], ends: true },
  { input: "11\nhello world3\nab", records: ["hello world"], ends: false },
  { input: "5\nhello1", records: ["hello"], ends: false },
];

const refused: readonly { readonly input: string; readonly records: number }[] = [
  { input: "\n", records: 0 },
  { input: "5x\nhello", records: 0 },
  { input: "-5\nhello", records: 0 },
  { input: " 5\nhello", records: 0 },
  { input: "5\r\nhello", records: 0 },
  { input: "65\n", records: 0 },
  { input: "99999999999999999999999999", records: 0 },
];

describe.each(Object.keys(chunkings))("a stream that arrives %s", (name) => {
  const cut = chunkings[name]!;

  test.each(streams)("gives the records of %j", ({ input, records, ends }) => {
    const decoder = new RecordIoDecoder();
    const found = cut(utf8(input)).flatMap((chunk) => decoder.push(chunk).map((record) => text(record)));
    expect(found).toEqual([...records]);
    expect(decoder.atBoundary).toBe(ends);
  });

  test.each(refused)("%j is refused", ({ input }) => {
    const decoder = new RecordIoDecoder(64);
    expect(() => cut(utf8(input)).map((chunk) => decoder.push(chunk))).toThrow(FramingError);
  });
});

test("any records in any chunks come out as they went in", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 40 })),
      fc.array(fc.integer({ min: 1, max: 9 })),
      (records, sizes) => {
        const stream = concatBytes(records.map((record) => encodeRecord(record)));
        const decoder = new RecordIoDecoder();
        const found: Uint8Array[] = [];
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const size = sizes.length === 0 ? stream.length : sizes[turn % sizes.length]!;
          found.push(...decoder.push(stream.slice(at, at + size)));
          at += size;
        }
        expect(found).toEqual(records);
        expect(decoder.atBoundary).toBe(true);
      },
    ),
  );
});

test("a record of exactly the limit passes", () => {
  expect(new RecordIoDecoder(3).push(utf8("3\nabc")).map((record) => text(record))).toEqual(["abc"]);
});
