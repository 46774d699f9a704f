import { describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { showUtf8, utf8 } from "../../../src/base/bytes.ts";
import { classifyFailure } from "../../../src/kafka/errors.ts";
import { FetchedRecords, UnreadableBatchError } from "../../../src/kafka/fetched.ts";
import type { AbortedTransaction, FetchedPartition } from "../../../src/kafka/protocol/fetch.ts";
import { GZIP, makeBatch, makeMark, TRANSACTIONAL } from "./batches.ts";

function fetched(
  batches: readonly Buffer[],
  abortedTransactions: readonly AbortedTransaction[] = [],
): FetchedPartition {
  const records = Buffer.concat(batches);
  return { partition: 3, errorCode: 0, highWatermark: 1000, lastStableOffset: 1000, abortedTransactions, records };
}

/** A batch of records at these offsets, whose values are their offsets. */
function batchOf(offsets: readonly number[], shape: Partial<Parameters<typeof makeBatch>[0]> = {}): Buffer {
  const records = offsets.map((offset) => ({ offset, value: String(offset) }));
  return makeBatch({ first: offsets[0] ?? 0, records, ...shape });
}

const inTransaction = (producerId: number, ...offsets: number[]): Buffer =>
  batchOf(offsets, { producerId, attributes: TRANSACTIONAL });

function seen(answer: FetchedPartition, from: number): { offsets: number[]; end: number } {
  const records = new FetchedRecords("in", answer, from);
  const offsets = records.take(1000, 1e9).map(({ offset }) => offset);
  expect(records.position).toBe(records.end);
  return { offsets, end: records.end };
}

describe("what a reader sees of a fetched partition", () => {
  test("is records with everything that they came with", () => {
    const record = { offset: 7, timestampMs: 1700, key: "k", value: null, headers: [["h", "1"] as const] };
    const batch = makeBatch({ first: 7, baseTimestampMs: 1700, records: [record] });
    expect(new FetchedRecords("in", fetched([batch]), 7).take(10, 1000)).toEqual([
      {
        topic: "in",
        partition: 3,
        offset: 7,
        timestampMs: 1700,
        key: utf8("k"),
        value: null,
        headers: [["h", utf8("1")]],
      },
    ]);
  });

  test("leaves out records before the position, since a batch comes whole", () => {
    expect(seen(fetched([batchOf([10, 11, 12])]), 11)).toEqual({ offsets: [11, 12], end: 13 });
  });

  test("is nothing where nothing was fetched, and the position stays", () => {
    expect(seen(fetched([]), 5)).toEqual({ offsets: [], end: 5 });
  });

  test("ends behind what compaction took from the end of the last batch", () => {
    expect(seen(fetched([batchOf([10, 12], { span: 10 })]), 10)).toEqual({ offsets: [10, 12], end: 20 });
  });

  test("ends behind a batch of which compaction left only what lies before the position", () => {
    expect(seen(fetched([batchOf([10], { span: 10 })]), 15)).toEqual({ offsets: [], end: 20 });
  });

  test("ends behind batches that compaction has emptied, wherever they stand", () => {
    const empty = (first: number): Buffer => makeBatch({ first, span: 5, records: [], producerId: 7 });
    expect(seen(fetched([empty(10)]), 10)).toEqual({ offsets: [], end: 15 });
    expect(seen(fetched([empty(10), batchOf([15, 16]), empty(17), empty(22)]), 12)).toEqual({
      offsets: [15, 16],
      end: 27,
    });
  });

  test("leaves out the mark of a committed transaction, and ends behind it", () => {
    expect(seen(fetched([inTransaction(7, 0, 1), makeMark(2, 7, "commit")]), 0)).toEqual({ offsets: [0, 1], end: 3 });
  });

  test("leaves out records of an aborted transaction, and has those of others between them", () => {
    const batches = [
      inTransaction(7, 0, 1),
      inTransaction(8, 2),
      batchOf([3]),
      makeMark(4, 7, "abort"),
      inTransaction(7, 5),
      inTransaction(8, 6),
      makeMark(7, 8, "commit"),
      inTransaction(7, 8),
      makeMark(9, 7, "abort"),
    ];
    const aborted = [
      { producerId: 7, firstOffset: 8 },
      { producerId: 7, firstOffset: 0 },
    ];
    expect(seen(fetched(batches, aborted), 0)).toEqual({ offsets: [2, 3, 5, 6], end: 10 });
  });

  test("leaves out the rest of an aborted transaction that began before the position", () => {
    const batches = [inTransaction(7, 5, 6), makeMark(7, 7, "abort"), batchOf([8])];
    expect(seen(fetched(batches, [{ producerId: 7, firstOffset: 1 }]), 6)).toEqual({ offsets: [8], end: 9 });
  });

  test("takes no record for a mark because its key looks like one", () => {
    const key = Uint8Array.of(0, 0, 0, 0);
    const like = makeBatch({ first: 1, records: [{ offset: 1, key }], producerId: 7, attributes: TRANSACTIONAL });
    const batches = [inTransaction(7, 0), like, inTransaction(7, 2), makeMark(3, 7, "abort")];
    expect(seen(fetched(batches, [{ producerId: 7, firstOffset: 0 }]), 0)).toEqual({ offsets: [], end: 4 });
  });

  test("is found in compressed batches too", () => {
    const batch = batchOf([0, 1, 2], { attributes: GZIP, pack: gzipSync });
    expect(seen(fetched([batch, batchOf([3])]), 1)).toEqual({ offsets: [1, 2, 3], end: 4 });
  });
});

describe("fetched records are taken in parts", () => {
  const batches = [
    batchOf([0, 1, 2]),
    makeBatch({ first: 3, span: 2, records: [] }),
    batchOf([5, 7], { first: 5, span: 5 }),
    makeMark(10, 9, "commit"),
    batchOf([11, 12], { attributes: GZIP, pack: gzipSync }),
    makeMark(13, 9, "commit"),
  ];
  const all = [0, 1, 2, 5, 7, 11, 12];

  test("by count, and the position is where the next part begins; at last it is behind everything", () => {
    const records = new FetchedRecords("in", fetched(batches), 0);
    const parts: [offsets: number[], position: number][] = [];
    while (records.position < records.end) {
      parts.push([records.take(3, 1e9).map(({ offset }) => offset), records.position]);
    }
    expect(parts).toEqual([
      [[0, 1, 2], 3],
      [[5, 7, 11], 12],
      [[12], 14],
    ]);
    expect(records.take(3, 1e9)).toEqual([]);
  });

  test("by weight, one at least", () => {
    const value = "x".repeat(400);
    const batch = makeBatch({ first: 0, records: [0, 1, 2, 3].map((offset) => ({ offset, value })) });
    const records = new FetchedRecords("in", fetched([batch]), 0);
    expect([1, 1001, 1].map((bytes) => records.take(9, bytes).length)).toEqual([1, 3, 0]);
  });

  test("also after turning back or forth to any offset", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(16), fc.nat(4))), (turns) => {
        const records = new FetchedRecords("in", fetched(batches), 1);
        let position = 1;
        for (const [offset, count] of turns) {
          const isInside = offset >= 1 && offset < 14;
          expect(records.turnTo(offset)).toBe(isInside);
          if (isInside) position = offset;
          const expected = all.filter((each) => each >= position).slice(0, count);
          expect(records.take(count, 1e9).map((each) => each.offset)).toEqual(expected);
          position = records.position;
        }
      }),
    );
  });
});

describe("what cannot be read", () => {
  const damaged = batchOf([5, 6]);
  damaged.writeUInt8(damaged.readUInt8(70) ^ 1, 70);

  test("is an error that names it, and trying again may help", () => {
    const read = (): unknown => new FetchedRecords("in", fetched([damaged]), 5);
    expect(read).toThrow(UnreadableBatchError);
    expect(read).toThrow(
      'Cannot read partition 3 of topic "in" at offset 5: Cannot use a record batch: it does not match its checksum',
    );
    try {
      read();
    } catch (error) {
      expect(classifyFailure(error)).toBe("unavailable");
    }
  });

  test("comes after what stands before it", () => {
    expect(seen(fetched([batchOf([3, 4]), damaged]), 3)).toEqual({ offsets: [3, 4], end: 5 });
    expect(() => new FetchedRecords("in", fetched([batchOf([3, 4]), damaged]), 5)).toThrow("at offset 5");
  });

  test("in the midst of a batch comes after the records before it", () => {
    // The second record claims more bytes than there are.
    const pack = (records: Buffer): Buffer => {
      const second = records.readUInt8(0) / 2 + 1;
      records.writeUInt8(100, second);
      return records;
    };
    const records = new FetchedRecords("in", fetched([batchOf([5, 6, 7], { pack }), batchOf([8])]), 5);
    expect(records.take(10, 1e9).map(({ value }) => showUtf8(value!))).toEqual(["5"]);
    expect(records.position).toBe(6);
    for (let again = 0; again < 2; again++)
      expect(() => records.take(10, 1e9)).toThrow("at offset 6: Cannot read records");
    expect(records.position).toBe(6);
  });

  test("because it does not unpack is not passed either", () => {
    const records = new FetchedRecords("in", fetched([batchOf([5], { attributes: GZIP })]), 5);
    expect(() => records.take(10, 1e9)).toThrow("at offset 5: Cannot unpack a gzip batch");
  });
});
