import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ZooKeeperProtocolError } from "../../../src/zookeeper/errors.ts";
import { JuteReader } from "../../../src/zookeeper/jute-reader.ts";
import { JuteWriter } from "../../../src/zookeeper/jute-writer.ts";

const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.of(...values);

/** How zookeeper.jute's types look on the wire. */
const table: readonly (readonly [
  name: string,
  write: (writer: JuteWriter) => void,
  wire: Uint8Array,
  read: (reader: JuteReader) => unknown,
  value: unknown,
])[] = [
  ["true", (w) => w.boolean(true), bytes(1), (r) => r.boolean(), true],
  ["false", (w) => w.boolean(false), bytes(0), (r) => r.boolean(), false],
  ["an int", (w) => w.int(-2), bytes(255, 255, 255, 254), (r) => r.int(), -2],
  ["a long", (w) => w.long(258n), bytes(0, 0, 0, 0, 0, 0, 1, 2), (r) => r.long(), 258n],
  [
    "a long of all 64 bits",
    (w) => w.long(-9_223_372_036_854_775_808n),
    bytes(128, 0, 0, 0, 0, 0, 0, 0),
    (r) => r.long(),
    -9_223_372_036_854_775_808n,
  ],
  ["bytes", (w) => w.buffer(bytes(7, 8)), bytes(0, 0, 0, 2, 7, 8), (r) => r.buffer(), bytes(7, 8)],
  ["no bytes", (w) => w.buffer(bytes()), bytes(0, 0, 0, 0), (r) => r.buffer(), bytes()],
  ["null bytes", (w) => w.int(-1), bytes(255, 255, 255, 255), (r) => r.buffer(), bytes()],
  ["text", (w) => w.text("aé"), bytes(0, 0, 0, 3, 97, 195, 169), (r) => r.text(), "aé"],
  ["null text", (w) => w.int(-1), bytes(255, 255, 255, 255), (r) => r.text(), ""],
  [
    "a vector",
    (w) => w.vector([1, 2], (v) => w.int(v)),
    bytes(0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2),
    (r) => r.vector(4, () => r.int()),
    [1, 2],
  ],
  ["a null vector", (w) => w.int(-1), bytes(255, 255, 255, 255), (r) => r.vector(4, () => r.int()), []],
];

describe("jute", () => {
  test.each(table)("%s is written and read", (_name, write, wire, read, value) => {
    const writer = new JuteWriter();
    write(writer);
    expect(writer.finish()).toEqual(wire);
    const reader = new JuteReader(wire);
    expect(read(reader)).toEqual(value);
    expect(reader.remaining).toBe(0);
  });

  test.each(table)("%s that is cut short is refused", (_name, _write, wire, read) => {
    for (let length = 0; length < wire.byteLength; length++) {
      expect(() => read(new JuteReader(wire.subarray(0, length)))).toThrow(ZooKeeperProtocolError);
    }
  });

  test.each([
    ["bytes", (r: JuteReader) => r.buffer()],
    ["text", (r: JuteReader) => r.text()],
    ["a vector", (r: JuteReader) => r.vector(4, () => r.int())],
  ])("%s of a huge or negative length take no memory", (_name, read) => {
    for (const length of [bytes(127, 255, 255, 255), bytes(255, 255, 255, 254), bytes(128, 0, 0, 0)]) {
      expect(() => read(new JuteReader(length))).toThrow(ZooKeeperProtocolError);
    }
  });

  test("text that is no UTF-8 is refused", () => {
    expect(() => new JuteReader(bytes(0, 0, 0, 1, 255)).text()).toThrow("it is not UTF-8");
  });

  test("bytes that were read are nobody else's", () => {
    const wire = bytes(0, 0, 0, 1, 7);
    const read = new JuteReader(wire).buffer();
    wire[4] = 9;
    expect(read).toEqual(bytes(7));
  });

  test("what was written is read back, however long", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string(), fc.uint8Array(), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n))), (rows) => {
        const writer = new JuteWriter();
        writer.vector(rows, ([text, data, long]) => writer.text(text.toWellFormed()).buffer(data).long(long));
        const reader = new JuteReader(writer.finish());
        const read = reader.vector(16, () => [reader.text(), new Uint8Array(reader.buffer()), reader.long()]);
        expect(read).toEqual(rows.map(([text, data, long]) => [text.toWellFormed(), data, long]));
      }),
    );
  });
});
