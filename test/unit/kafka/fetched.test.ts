import { describe, expect, test } from "bun:test";
import { showUtf8, utf8 } from "../../../src/base/bytes.ts";
import { InvariantError } from "../../../src/base/errors.ts";
import { fromHeaders, parseOffset, toHeaders, toInputRecord, visibleMessages } from "../../../src/kafka/fetched.ts";
import type { FetchedMessage, FetchedPartition } from "../../../src/kafka/wire.ts";

interface BatchShape {
  readonly first: number;
  /** Offsets of the records that compaction has left. */
  readonly offsets: readonly number[];
  /** Offsets that the batch spans. */
  readonly span?: number;
  readonly producerId?: string;
  readonly inTransaction?: boolean;
  readonly control?: "commit" | "abort";
  readonly key?: Buffer;
}

function batch({
  first,
  offsets,
  span,
  producerId = "-1",
  inTransaction = false,
  control,
  key,
}: BatchShape): FetchedMessage[] {
  const lastOffsetDelta = (span ?? (offsets.at(-1) ?? first) - first + 1) - 1;
  const batchContext = { firstOffset: String(first), lastOffsetDelta, producerId, inTransaction };
  return offsets.map((offset) => ({
    offset: String(offset),
    timestamp: "0",
    key: control === undefined ? (key ?? null) : Buffer.from([0, 0, 0, control === "commit" ? 1 : 0]),
    value: null,
    isControlRecord: control !== undefined,
    batchContext,
  }));
}

function partition(
  messages: readonly FetchedMessage[],
  abortedTransactions: FetchedPartition["abortedTransactions"] = [],
): FetchedPartition {
  return { partition: 0, highWatermark: "1000", abortedTransactions, messages };
}

function offsetsOf(fetched: FetchedPartition, from: number): { offsets: number[]; nextOffset: number } {
  const { messages, nextOffset } = visibleMessages(fetched, from);
  return { offsets: messages.map(({ offset }) => Number(offset)), nextOffset };
}

describe("what a reader sees of a fetched partition", () => {
  test("records before the position are left out, since a batch comes whole", () => {
    expect(offsetsOf(partition(batch({ first: 10, offsets: [10, 11, 12] })), 11)).toEqual({
      offsets: [11, 12],
      nextOffset: 13,
    });
  });

  test("nothing fetched leaves the position where it is", () => {
    expect(offsetsOf(partition([]), 5)).toEqual({ offsets: [], nextOffset: 5 });
  });

  test("the next position lies behind what compaction took from the end of the last batch", () => {
    expect(offsetsOf(partition(batch({ first: 10, offsets: [10, 12], span: 10 })), 10)).toEqual({
      offsets: [10, 12],
      nextOffset: 20,
    });
  });

  test("a batch of which compaction left only what lies before the position is passed at once", () => {
    expect(offsetsOf(partition(batch({ first: 10, offsets: [10], span: 10 })), 15)).toEqual({
      offsets: [],
      nextOffset: 20,
    });
  });

  test("the mark of a committed transaction is not seen, and passed", () => {
    const messages = [
      ...batch({ first: 0, offsets: [0, 1], producerId: "7", inTransaction: true }),
      ...batch({ first: 2, offsets: [2], producerId: "7", inTransaction: true, control: "commit" }),
    ];
    expect(offsetsOf(partition(messages), 0)).toEqual({ offsets: [0, 1], nextOffset: 3 });
  });

  test("records of an aborted transaction are not seen; those of others between them are", () => {
    const messages = [
      ...batch({ first: 0, offsets: [0, 1], producerId: "7", inTransaction: true }),
      ...batch({ first: 2, offsets: [2], producerId: "8", inTransaction: true }),
      ...batch({ first: 3, offsets: [3] }),
      ...batch({ first: 4, offsets: [4], producerId: "7", inTransaction: true, control: "abort" }),
      ...batch({ first: 5, offsets: [5], producerId: "7", inTransaction: true }),
    ];
    const aborted = [{ producerId: "7", firstOffset: "0" }];
    expect(offsetsOf(partition(messages, aborted), 0)).toEqual({ offsets: [2, 3, 5], nextOffset: 6 });
  });

  test("a record whose key looks like an abort mark is none", () => {
    const messages = [
      ...batch({ first: 0, offsets: [0], producerId: "7", inTransaction: true }),
      ...batch({ first: 1, offsets: [1], producerId: "7", inTransaction: true, key: Buffer.from([0, 0, 0, 0]) }),
      ...batch({ first: 2, offsets: [2], producerId: "7", inTransaction: true }),
      ...batch({ first: 3, offsets: [3], producerId: "7", inTransaction: true, control: "abort" }),
    ];
    const aborted = [{ producerId: "7", firstOffset: "0" }];
    expect(offsetsOf(partition(messages, aborted), 0)).toEqual({ offsets: [], nextOffset: 4 });
  });
});

describe("a record", () => {
  test("is a copy, which does not keep the whole answer in memory", () => {
    const answer = Buffer.alloc(1_000_000, "x");
    const message = { offset: "3", timestamp: "1700", key: null, value: answer.subarray(10, 14), headers: {} };
    const record = toInputRecord("in", 2, message);
    expect(record).toEqual({
      topic: "in",
      partition: 2,
      offset: 3,
      timestampMs: 1700,
      key: null,
      value: utf8("xxxx"),
      headers: [],
    });
    expect(record.value?.buffer.byteLength).toBe(4);
  });

  test("keeps the order of its headers, and all values of a repeated name", () => {
    const headers = toHeaders({ b: Buffer.from("1"), a: [Buffer.from("2"), null], c: null });
    expect(headers.map(([name, value]) => `${name}=${showUtf8(value!)}`)).toEqual(["b=1", "a=2", "a=", "c="]);
    expect(toHeaders(fromHeaders(headers))).toEqual(headers);
  });

  test("may have a header of any name", () => {
    const headers = [["__proto__", utf8("1")] as const, ["constructor", utf8("2")] as const];
    expect(toHeaders(fromHeaders(headers))).toEqual(headers);
  });

  test("an offset that a number cannot hold is refused", () => {
    expect(parseOffset("9007199254740991")).toBe(Number.MAX_SAFE_INTEGER);
    expect(() => parseOffset("9007199254740993")).toThrow(InvariantError);
  });
});
