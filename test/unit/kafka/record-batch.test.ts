import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { showUtf8, utf8 } from "../../../src/base/bytes.ts";
import type { Header } from "../../../src/engine/ports.ts";
import { ProtocolError } from "../../../src/kafka/protocol/errors.ts";
import { encodeBatch, type RecordContent } from "../../../src/kafka/records/encode-batch.ts";
import { scanBatches } from "../../../src/kafka/records/scan.ts";
import type { StoredBatch, StoredRecord } from "../../../src/kafka/records/stored-batch.ts";
import { APPEND_TIME, makeBatch, seal, zigzag } from "./batches.ts";

const producer = { producerId: 4000, producerEpoch: 7, baseSequence: 42 };

/**
 * Base offset, length, leader epoch, magic, checksum, attributes, last offset delta, base and max timestamp, producer id
 * and epoch, base sequence, count; then one record: length, attributes, timestamp delta, offset delta, "k", "v1" and the
 * headers a="1", a=null, 7="".
 */
const vector = bytesOf(`
  0000000000000000 00000045 ffffffff 02 13f1767a 0000 00000000 0000018bcfe56800 0000018bcfe56800 0000000000000fa0 0007
  0000002a 00000001
  26 00 00 00 026b 047631 06 0261 0231 0261 01 0237 00
`);
const ofVector: RecordContent = {
  key: utf8("k"),
  value: utf8("v1"),
  headers: [
    ["a", utf8("1")],
    ["a", null],
    ["7", utf8("")],
  ],
};

const bytes: fc.Arbitrary<Uint8Array | null> = fc.option(fc.uint8Array({ maxLength: 200 }));
const name = fc.oneof(fc.constantFrom("a", "b", "7", "__proto__"), fc.string({ unit: "grapheme" }));
const header: fc.Arbitrary<Header> = fc.tuple(name, bytes);
const content: fc.Arbitrary<RecordContent> = fc.record({
  key: bytes,
  value: bytes,
  headers: fc.array(header, { maxLength: 4 }),
});

function bytesOf(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(/\s/g, ""), "hex");
}

function onlyBatch(stored: Uint8Array): StoredBatch {
  const { batches, problem } = scanBatches(stored);
  if (problem !== undefined) throw problem;
  expect(batches.length).toBe(1);
  return batches[0]!;
}

function readAll(batch: StoredBatch, from = 0): StoredRecord[] {
  const reader = batch.open();
  const records: StoredRecord[] = [];
  for (let record = reader.read(from); record !== undefined; record = reader.read(from)) records.push(record);
  expect(reader.remaining).toBe(0);
  return records;
}

describe("a record batch", () => {
  test("is written as the specification says", () => {
    const batch = encodeBatch({ records: [ofVector], timestampMs: 1_700_000_000_000, ...producer });
    expect(Buffer.from(batch).toString("hex")).toBe(vector.toString("hex"));
  });

  test("is read as the specification says", () => {
    const batch = onlyBatch(vector);
    expect(batch).toMatchObject({
      baseOffset: 0,
      lastOffset: 0,
      producerId: 4000,
      isTransactional: false,
      isControl: false,
    });
    expect(readAll(batch)).toEqual([{ offset: 0, timestampMs: 1_700_000_000_000, ...ofVector }]);
  });

  test("comes back as it was written: order, repetitions, null and empty", () => {
    fc.assert(
      fc.property(fc.array(content, { minLength: 1, maxLength: 20 }), fc.maxSafeNat(), (records, timestampMs) => {
        expect(readAll(onlyBatch(encodeBatch({ records, timestampMs, ...producer })))).toEqual(
          records.map((record, offset) => ({ offset, timestampMs, ...record })),
        );
      }),
    );
  });

  test("may have a record of many megabytes, and many records", () => {
    const value = new Uint8Array(5_000_000).fill(7);
    const small: RecordContent = { key: null, value: Uint8Array.of(1), headers: [] };
    const records = [{ key: null, value, headers: [] }, ...Array.from({ length: 20_000 }, () => small)];
    const read = readAll(onlyBatch(encodeBatch({ records, timestampMs: 0, ...producer })));
    expect(read.length).toBe(records.length);
    expect(Buffer.from(read[0]!.value!).equals(value)).toBe(true);
  });

  test("has records at the offsets that compaction has left, with their own times", () => {
    const batch = makeBatch({
      first: 10,
      span: 10,
      baseTimestampMs: 1000,
      records: [
        { offset: 12, timestampMs: 1005, value: "a" },
        { offset: 17, timestampMs: 900, value: "b" },
      ],
    });
    expect(onlyBatch(batch)).toMatchObject({ baseOffset: 10, lastOffset: 19 });
    expect(readAll(onlyBatch(batch)).map(({ offset, timestampMs }) => [offset, timestampMs])).toEqual([
      [12, 1005],
      [17, 900],
    ]);
  });

  test("has one time where the broker has set it", () => {
    const records = [{ offset: 0, timestampMs: 5 }, { offset: 1 }];
    const batch = makeBatch({ first: 0, records, attributes: APPEND_TIME, maxTimestampMs: 1234 });
    expect(readAll(onlyBatch(batch)).map(({ timestampMs }) => timestampMs)).toEqual([1234, 1234]);
  });

  test("that compaction has emptied has no records, however it was compressed", () => {
    for (const attributes of [0, 1, 2, 3, 4]) {
      const batch = onlyBatch(makeBatch({ first: 5, span: 3, records: [], attributes }));
      expect(batch.lastOffset).toBe(7);
      expect(readAll(batch)).toEqual([]);
    }
  });

  test("is read from any offset on", () => {
    const records = [3, 4, 8].map((offset) => ({ offset }));
    const batch = onlyBatch(makeBatch({ first: 3, records }));
    for (let from = 0; from < 10; from++) {
      expect(readAll(batch, from).map(({ offset }) => offset)).toEqual([3, 4, 8].filter((offset) => offset >= from));
    }
  });
});

describe("batches one after the other", () => {
  const first = makeBatch({ first: 0, records: [{ offset: 0 }, { offset: 1 }] });
  const second = makeBatch({ first: 2, records: [{ offset: 2, value: "x" }] });

  test("are told apart, and one that is cut off anywhere is left out", () => {
    const both = Buffer.concat([first, second]);
    for (let length = 0; length <= both.byteLength; length++) {
      const { batches, problem } = scanBatches(both.subarray(0, length));
      const whole = length < first.byteLength ? 0 : length < both.byteLength ? 1 : 2;
      expect({ whole: batches.length, problem }).toEqual({ whole, problem: undefined });
    }
  });

  test("end before one that is damaged, whichever bit it is", () => {
    // What stands before the format is not under the checksum, but for the length.
    for (let at = 16; at < second.byteLength; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const damaged = Buffer.from(second);
        damaged.writeUInt8(damaged.readUInt8(at) ^ (1 << bit), at);
        const { batches, problem } = scanBatches(Buffer.concat([first, damaged]));
        expect(batches.length).toBe(1);
        expect(problem).toBeInstanceOf(ProtocolError);
      }
    }
  });

  test("end before one that says what cannot be", () => {
    const cases: [change: (batch: Buffer) => unknown, problem: string][] = [
      [(batch) => batch.writeInt8(3, 16), "its format is 3, must be 0 to 2"],
      [(batch) => batch.writeInt32BE(-1, 8), "it claims 11 bytes"],
      [(batch) => batch.writeInt32BE(10, 8), "it has 22 bytes, must have a header"],
      [(batch) => batch.writeInt16BE(7, 21), "its compression is none of Kafka's"],
      [(batch) => batch.writeInt32BE(-2, 23), "it claims 1 records at 2 to 0"],
      [(batch) => batch.writeInt32BE(-1, 57), "it claims -1 records"],
      [(batch) => batch.writeBigInt64BE(2n ** 60n, 0), "it claims 1 records at"],
    ];
    for (const [change, problem] of cases) {
      const batch = Buffer.concat([second, second]);
      change(batch);
      const scan = scanBatches(Buffer.concat([seal(batch.subarray(0, second.byteLength)), second]));
      expect(scan.batches.length).toBe(0);
      expect(scan.problem?.message).toContain(problem);
    }
  });
});

describe("records that are none, though the checksum is right", () => {
  const cases: [name: string, body: Buffer, message: string][] = [
    ["a length beyond the batch", Buffer.concat([zigzag(100), Buffer.alloc(9)]), "a record claims 100 bytes"],
    ["a negative length", zigzag(-5), "a record claims -5 bytes"],
    ["nothing", Buffer.alloc(0), "the bytes end inside it"],
    ["a key beyond the record", record(0, 0, 0, 40), "a field claims 20 bytes"],
    ["a value of length -2", record(0, 0, 0, 1, 3), "a field claims -2 bytes"],
    ["more headers than bytes", record(0, 0, 0, 1, 1, 20), "a record claims 10 headers"],
    ["a header without a name", record(0, 0, 0, 1, 1, 2, 1, 1), "a header's name claims -1 bytes"],
    ["bytes behind the headers", record(0, 0, 0, 1, 1, 0, 9), "ends -1 bytes too late"],
    ["an offset outside of the batch", record(0, 0, 2, 1, 1, 0), "a record stands at +1, must be at +0 to +0"],
    ["a varint without an end", record(0, ...Buffer.alloc(12, 0xff)), "it is longer than 10 bytes"],
    [
      "another record than counted",
      Buffer.concat([record(0, 0, 0, 1, 1, 0), Buffer.of(0)]),
      "more bytes than 1 record",
    ],
  ];

  function record(...body: number[]): Buffer {
    return Buffer.concat([zigzag(body.length), Buffer.from(body)]);
  }

  test.each(cases)("%s", (_, body, message) => {
    const batch = onlyBatch(makeBatch({ first: 0, records: [{ offset: 0 }], pack: () => body }));
    const reading = (): unknown => readAll(batch);
    expect(reading).toThrow(ProtocolError);
    expect(reading).toThrow(message);
  });

  test("whatever they are, reading ends with records or with an error that says so", () => {
    const damage = fc.tuple(fc.nat(), fc.nat(255));
    fc.assert(
      fc.property(
        fc.array(content, { minLength: 1, maxLength: 5 }),
        fc.array(damage, { maxLength: 4 }),
        (records, all) => {
          const batch = Buffer.from(encodeBatch({ records, timestampMs: 0, ...producer }));
          for (const [at, byte] of all) batch[61 + (at % (batch.byteLength - 61))] = byte;
          const stored = onlyBatch(seal(batch));
          try {
            expect(readAll(stored).length).toBe(records.length);
          } catch (error) {
            expect(error).toBeInstanceOf(ProtocolError);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("what is read", () => {
  test("does not keep a large answer in memory for a small record", () => {
    const records = [1, 2, 3].map(() => ({ ...ofVector, value: utf8("small") }));
    const answer = Buffer.concat([Buffer.alloc(1_000_000), encodeBatch({ records, timestampMs: 0, ...producer })]);
    for (const { key, value, headers } of readAll(onlyBatch(answer.subarray(1_000_000)))) {
      for (const field of [key, value, headers[0]![1]]) expect(field!.buffer.byteLength).toBe(field!.byteLength);
    }
  });

  test("is not copied where it makes up most of the answer", () => {
    const value = new Uint8Array(1_000_000).fill(5);
    const answer = encodeBatch({ records: [{ key: null, value, headers: [] }], timestampMs: 0, ...producer });
    const [record] = readAll(onlyBatch(answer));
    expect(record!.value!.buffer).toBe(answer.buffer);
    expect(record!.value!.byteLength).toBe(1_000_000);
  });

  test("is bytes of the plain kind, though a Buffer came", () => {
    const [record] = readAll(onlyBatch(Buffer.from(vector)));
    expect(Buffer.isBuffer(record!.value)).toBe(false);
    expect(showUtf8(record!.value!)).toBe("v1");
  });
});
