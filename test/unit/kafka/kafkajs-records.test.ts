import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { utf8 } from "../../../src/base/bytes.ts";
import type { Header } from "../../../src/engine/ports.ts";
import { encodeBatch } from "../../../src/kafka/records/encode-batch.ts";
import { scanBatches } from "../../../src/kafka/records/scan.ts";
import type { StoredRecord } from "../../../src/kafka/records/stored-batch.ts";

/*
 * kafkajs' own codec is the oracle here, as far as it goes: one value for each header, none null. Its modules, 2.2.4:
 */

interface Encoded {
  readonly buffer: Buffer;
}
interface Message {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Record<string, Buffer>;
}
interface Decoded {
  readonly firstOffset: string;
  readonly lastOffsetDelta: number;
  readonly producerId: string;
  readonly producerEpoch: number;
  readonly firstSequence: number;
  readonly records: readonly (Message & { readonly offset: string; readonly timestamp: string })[];
}

const makeRecord = require("kafkajs/src/protocol/recordBatch/record/v0") as (
  message: Message & { offsetDelta: number; timestampDelta: number },
) => Encoded;
const { RecordBatch: makeBatch } = require("kafkajs/src/protocol/recordBatch/v0") as {
  RecordBatch: (batch: object) => Promise<Encoded>;
};
const Decoder = require("kafkajs/src/protocol/decoder") as new (bytes: Buffer) => object;
const decodeBatch = require("kafkajs/src/protocol/recordBatch/v0/decoder") as (decoder: object) => Promise<Decoded>;

const bytes = fc.option(fc.uint8Array({ maxLength: 100 }).map((array) => Buffer.from(array)));
const message: fc.Arbitrary<Message> = fc.record({
  key: bytes,
  value: bytes,
  headers: fc.dictionary(
    // kafkajs keeps them in an object, where "toString" is known already.
    fc.string({ unit: "grapheme" }).map((name) => `h${name}`),
    fc.uint8Array({ maxLength: 20 }).map((array) => Buffer.from(array)),
    { maxKeys: 4 },
  ),
});
const messages = fc.array(message, { minLength: 1, maxLength: 10 });

const plain = (field: Buffer | null): Uint8Array | null => (field === null ? null : new Uint8Array(field));

function readAll(stored: Uint8Array): StoredRecord[] {
  const { batches, problem } = scanBatches(stored);
  expect(problem).toBeUndefined();
  return batches.flatMap((batch) => {
    const reader = batch.open();
    return Array.from({ length: reader.remaining }, () => reader.read(0)!);
  });
}

describe("record batches of kafkajs and ours", () => {
  for (const compression of [0, 1]) {
    test(`what kafkajs writes is read (compression ${compression})`, async () => {
      await fc.assert(
        fc.asyncProperty(messages, fc.nat(), fc.nat(2 ** 40), async (sent, delta, firstTimestamp) => {
          const records = sent.map((each, index) =>
            makeRecord({ ...each, offsetDelta: index, timestampDelta: index * delta }),
          );
          const options = { compression, records, firstTimestamp, lastOffsetDelta: sent.length - 1 };
          const batch = await makeBatch({ ...options, firstOffset: 77 });
          expect(readAll(batch.buffer)).toEqual(
            sent.map(({ key, value, headers }, index) => ({
              offset: 77 + index,
              timestampMs: firstTimestamp + index * delta,
              key: plain(key),
              value: plain(value),
              headers: Object.entries(headers).map(([name, content]): Header => [name, plain(content)]),
            })),
          );
        }),
      );
    });
  }

  test("kafkajs reads what is written here", async () => {
    await fc.assert(
      fc.asyncProperty(messages, fc.nat(2 ** 40), async (sent, timestampMs) => {
        const records = sent.map((each) => ({ ...each, headers: Object.entries(each.headers) }));
        const batch = encodeBatch({ records, timestampMs, producerId: 2 ** 40, producerEpoch: 3, baseSequence: 99 });
        const decoded = await decodeBatch(new Decoder(Buffer.from(batch)));
        expect(decoded).toMatchObject({ producerId: String(2 ** 40), producerEpoch: 3, firstSequence: 99 });
        expect(decoded).toMatchObject({ firstOffset: "0", lastOffsetDelta: sent.length - 1 });
        expect(decoded.records.map(({ key, value, headers }) => ({ key, value, headers }))).toEqual(sent);
        expect(decoded.records.map(({ timestamp }) => timestamp)).toEqual(sent.map(() => String(timestampMs)));
      }),
    );
  });

  test("what kafkajs loses of headers is kept here: repetitions, their order, and null", () => {
    const headers: Header[] = [
      ["b", utf8("1")],
      ["a", utf8("2")],
      ["b", null],
      ["7", utf8("3")],
      ["b", utf8("")],
    ];
    const records = [{ key: null, value: null, headers }];
    const batch = encodeBatch({ records, timestampMs: 0, producerId: -1, producerEpoch: -1, baseSequence: -1 });
    expect(readAll(batch)[0]?.headers).toEqual(headers);
  });
});
