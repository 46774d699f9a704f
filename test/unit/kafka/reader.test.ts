import { describe, expect, test } from "bun:test";
import { seededRandom } from "../../../src/base/random.ts";
import { classifyFailure } from "../../../src/kafka/errors.ts";
import type { FetchedPartition } from "../../../src/kafka/protocol/fetch.ts";
import { PartitionReader, type ReadBatch, type ReadConnection } from "../../../src/kafka/reader.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { until } from "../../support/until.ts";
import { makeBatch } from "./batches.ts";

type FetchRequest = Parameters<ReadConnection["fetch"]>[1];
type FetchAnswer = readonly FetchedPartition[];

interface PendingFetch {
  readonly broker: string;
  readonly maxWaitMs: number;
  /** The partition that it names first. */
  readonly first: number | undefined;
  /** `partition@offset`, ascending. */
  readonly asks: string;
  answer(partitions: readonly FetchedPartition[]): void;
  fail(error: Error): void;
}

const OUT_OF_RANGE = 1;
const NOT_LEADER = 6;

/** Brokers that answer when the test says so. */
class FakeConnection implements ReadConnection {
  readonly topic = "in";
  readonly pending: PendingFetch[] = [];
  refreshes = 0;
  readonly #leaders: ReadonlyMap<number, string>;

  constructor(leaders: Readonly<Record<number, string>>) {
    this.#leaders = new Map(Object.entries(leaders).map(([partition, leader]) => [Number(partition), leader]));
  }

  leaders(): ReadonlyMap<number, string> {
    return this.#leaders;
  }

  async refresh(): Promise<void> {
    this.refreshes++;
  }

  fetch(broker: string, { partitions, maxWaitMs }: FetchRequest): Promise<FetchAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<FetchAnswer>();
    const pending: PendingFetch = {
      broker,
      maxWaitMs,
      first: partitions[0]?.partition,
      asks: partitions
        .map(({ partition, fetchOffset }) => `${partition}@${fetchOffset}`)
        .sort()
        .join(" "),
      answer: (answers) => {
        this.pending.splice(this.pending.indexOf(pending), 1);
        resolve(answers);
      },
      fail: (error) => {
        this.pending.splice(this.pending.indexOf(pending), 1);
        reject(error);
      },
    };
    this.pending.push(pending);
    return promise;
  }

  next(asks: string): Promise<PendingFetch> {
    return until(() => this.pending.find((pending) => pending.asks === asks), `${asks} is fetched`);
  }
}

function answer(partition: number, from: number, count: number): FetchedPartition {
  const records = Array.from({ length: count }, (_, index) => ({ offset: from + index, value: `v${from + index}` }));
  const batch = count === 0 ? Buffer.alloc(0) : makeBatch({ first: from, records });
  const end = from + count;
  return { ...noRecords, partition, highWatermark: end, lastStableOffset: end, records: batch };
}

const noRecords: FetchedPartition = {
  partition: 0,
  errorCode: 0,
  highWatermark: 0,
  lastStableOffset: 0,
  abortedTransactions: [],
  records: new Uint8Array(0),
};

function setUp(leaders: Readonly<Record<number, string>>): {
  connection: FakeConnection;
  reader: PartitionReader;
  clock: ManualClock;
  batches: ReadBatch[];
  errors: Error[];
  stop: () => Promise<void>;
  run: Promise<unknown>;
  onBatch: (listener: (batch: ReadBatch) => void) => void;
} {
  const connection = new FakeConnection(leaders);
  const batches: ReadBatch[] = [];
  const errors: Error[] = [];
  const clock = new ManualClock();
  let listener: (batch: ReadBatch) => void = () => undefined;
  const events = {
    received: (batch: ReadBatch): void => {
      batches.push(batch);
      listener(batch);
    },
    interrupted: (error: Error): void => void errors.push(error),
  };
  const partitions = Object.keys(leaders).map(Number);
  const reader = new PartitionReader(connection, partitions, events, { clock, random: seededRandom(1) });
  const end = new AbortController();
  const run = reader.run(end.signal).catch((error: unknown) => error);
  const stop = async (): Promise<void> => {
    end.abort(new Error("stopped"));
    await run;
  };
  return { connection, reader, clock, batches, errors, stop, run, onBatch: (next) => (listener = next) };
}

const shown = (batches: readonly ReadBatch[]): string[] =>
  batches.map(
    ({ partition, records, nextOffset }) =>
      `${partition}: ${records.map(({ offset }) => offset).join(",")} → ${nextOffset}`,
  );

describe("a reader of partitions", () => {
  test("reads nothing before it is told where, and to go on", async () => {
    const { connection, reader, batches, stop } = setUp({ 0: "a" });
    reader.resume([0]);
    await Bun.sleep(0);
    expect(connection.pending).toEqual([]);
    reader.seek(0, 5);
    (await connection.next("0@5")).answer([answer(0, 5, 2)]);
    await connection.next("0@7");
    expect(shown(batches)).toEqual(["0: 5,6 → 7"]);
    await stop();
  });

  test("fetches from each broker what it leads, one fetch at a time", async () => {
    const { connection, reader, stop } = setUp({ 0: "a", 1: "b", 2: "a" });
    for (const partition of [0, 1, 2]) reader.seek(partition, 0);
    reader.resume([0, 1, 2]);
    expect((await connection.next("0@0 2@0")).broker).toBe("a");
    expect((await connection.next("1@0")).broker).toBe("b");
    expect(connection.pending.length).toBe(2);
    await stop();
  });

  test("keeps what was fetched while a partition is paused, and hands it over when it is resumed", async () => {
    const { connection, reader, batches, stop } = setUp({ 0: "a" });
    reader.seek(0, 0);
    reader.resume([0]);
    const fetch = await connection.next("0@0");
    reader.pause([0]);
    fetch.answer([answer(0, 0, 3)]);
    await Bun.sleep(0);
    expect(batches).toEqual([]);
    expect(connection.pending).toEqual([]);
    reader.resume([0]);
    await connection.next("0@3");
    expect(shown(batches)).toEqual(["0: 0,1,2 → 3"]);
    await stop();
  });

  test("drops what was fetched for another position than the present one", async () => {
    const { connection, reader, batches, stop } = setUp({ 0: "a" });
    reader.seek(0, 0);
    reader.resume([0]);
    const fetch = await connection.next("0@0");
    reader.seek(0, 50);
    fetch.answer([answer(0, 0, 3)]);
    (await connection.next("0@50")).answer([answer(0, 50, 1)]);
    await connection.next("0@51");
    expect(shown(batches)).toEqual(["0: 50 → 51"]);
    await stop();
  });

  test("turns back within what was fetched without asking the broker again", async () => {
    const { connection, reader, batches, stop, onBatch } = setUp({ 0: "a" });
    onBatch(() => {
      if (batches.length > 1) return;
      reader.seek(0, 2);
      reader.pause([0]);
    });
    reader.seek(0, 0);
    reader.resume([0]);
    (await connection.next("0@0")).answer([answer(0, 0, 4)]);
    await until(() => batches.length === 1, "the first batch is there");
    await Bun.sleep(0);
    expect(connection.pending).toEqual([]);
    reader.resume([0]);
    await connection.next("0@4");
    expect(shown(batches)).toEqual(["0: 0,1,2,3 → 4", "0: 2,3 → 4"]);
    await stop();
  });

  test("hands a large fetch over in parts, and stops between them when it is paused", async () => {
    const { connection, reader, batches, stop, onBatch } = setUp({ 0: "a" });
    onBatch(() => reader.pause([0]));
    reader.seek(0, 0);
    reader.resume([0]);
    (await connection.next("0@0")).answer([answer(0, 0, 1200)]);
    await until(() => batches.length === 1, "the first part is there");
    expect(batches[0]).toMatchObject({ nextOffset: 500 });
    reader.resume([0]);
    await until(() => batches.length === 2, "the second part is there");
    reader.resume([0]);
    await until(() => batches.length === 3, "the rest is there");
    expect(batches.map(({ records }) => records.length)).toEqual([500, 500, 200]);
    expect(batches.flatMap(({ records }) => records.map(({ offset }) => offset))).toEqual(
      Array.from({ length: 1200 }, (_, offset) => offset),
    );
    await stop();
  });

  test("waits long at the broker while nothing is paused, and shortly where a resume may come", async () => {
    const { connection, reader, stop } = setUp({ 0: "a", 1: "a" });
    reader.seek(0, 0);
    reader.seek(1, 0);
    reader.resume([0]);
    const short = await connection.next("0@0");
    reader.resume([1]);
    short.answer([]);
    expect((await connection.next("0@0 1@0")).maxWaitMs).toBeGreaterThan(short.maxWaitMs);
    await stop();
  });

  test("tells of a failure, asks who leads now, and tells that it reads again", async () => {
    const { connection, reader, clock, batches, errors, stop } = setUp({ 0: "a" });
    reader.seek(0, 4);
    reader.resume([0]);
    (await connection.next("0@4")).fail(new Error("read ECONNRESET"));
    await until(() => clock.pending === 1, "it waits");
    expect(errors.map(({ message }) => message)).toEqual(['Cannot read topic "in": read ECONNRESET']);
    clock.advance(10_000);
    const again = await connection.next("0@4");
    expect(connection.refreshes).toBe(1);
    again.answer([answer(0, 4, 0)]);
    await until(() => batches.length === 1, "it is announced");
    expect(shown(batches)).toEqual(["0:  → 4"]);
    await stop();
  });

  test("ends when a position lies outside of the log: where to go on is not its decision", async () => {
    const { connection, reader, run } = setUp({ 0: "a" });
    reader.seek(0, 99);
    reader.resume([0]);
    (await connection.next("0@99")).answer([{ ...noRecords, errorCode: OUT_OF_RANGE }]);
    expect(classifyFailure(await run)).toBe("out-of-range");
  });

  test("says so when no record comes though the log goes on, and asks no faster than after any failure", async () => {
    const { connection, reader, clock, errors, stop } = setUp({ 0: "a" });
    reader.seek(0, 4);
    reader.resume([0]);
    const nothing = { ...noRecords, highWatermark: 9, lastStableOffset: 9 };
    for (let count = 0; count < 21; count++) (await connection.next("0@4")).answer([nothing]);
    await until(() => clock.pending === 1, "it waits");
    expect(errors.map(({ message }) => message)).toEqual([
      "Cannot read partition 0 at 4: no record comes, the log goes on",
    ]);
    await stop();
  });

  test("keeps what the other partitions of an answer have when one has an error", async () => {
    const { connection, reader, clock, batches, errors, stop } = setUp({ 0: "a", 1: "a", 2: "a" });
    for (const partition of [0, 1, 2]) reader.seek(partition, 0);
    reader.resume([0, 1, 2]);
    const moved = { ...noRecords, partition: 1, errorCode: NOT_LEADER };
    (await connection.next("0@0 1@0 2@0")).answer([answer(0, 0, 2), moved, answer(2, 0, 1)]);
    await until(() => clock.pending === 1, "it waits");
    expect(shown(batches)).toEqual(["0: 0,1 → 2", "2: 0 → 1"]);
    expect(errors.map(({ message }) => message)).toEqual([
      'Cannot read topic "in": Kafka answers NOT_LEADER_FOR_PARTITION',
    ]);
    clock.advance(10_000);
    await connection.next("0@2 1@0 2@1");
    expect(connection.refreshes).toBe(1);
    await stop();
  });

  test("pays no heed to an error of a position that is not the present one any more", async () => {
    const { connection, reader, errors, stop } = setUp({ 0: "a" });
    reader.seek(0, 99);
    reader.resume([0]);
    const fetch = await connection.next("0@99");
    reader.seek(0, 5);
    fetch.answer([{ ...noRecords, errorCode: OUT_OF_RANGE }]);
    await connection.next("0@5");
    expect(errors).toEqual([]);
    await stop();
  });

  test("says what cannot be read, after what stands before it, and never goes on behind it", async () => {
    const { connection, reader, clock, batches, errors, stop } = setUp({ 0: "a" });
    reader.seek(0, 0);
    reader.resume([0]);
    const good = answer(0, 0, 2);
    const damaged = Buffer.from(answer(0, 2, 2).records);
    damaged.writeUInt8(damaged.readUInt8(70) ^ 1, 70);
    const behind = answer(0, 4, 2).records;
    const records = Buffer.concat([good.records, damaged, behind]);
    (await connection.next("0@0")).answer([{ ...good, records }]);
    for (let again = 0; again < 2; again++) {
      (await connection.next("0@2")).answer([{ ...good, records: Buffer.concat([damaged, behind]) }]);
      await until(() => clock.pending === 1, "it waits");
      clock.advance(10_000);
    }
    (await connection.next("0@2")).answer([answer(0, 2, 2)]);
    await connection.next("0@4");
    expect(shown(batches)).toEqual(["0: 0,1 → 2", "0: 2,3 → 4"]);
    const message =
      'Cannot read partition 0 of topic "in" at offset 2: Cannot use a record batch: it does not match its checksum';
    expect(errors.map((error) => error.message)).toEqual([message, message]);
    await stop();
  });

  test("hears of records that turn out to be none as they are handed over", async () => {
    const { connection, reader, clock, batches, errors, stop } = setUp({ 0: "a" });
    reader.seek(0, 0);
    reader.resume([0]);
    const records = makeBatch({ first: 0, records: [{ offset: 0 }], pack: () => Uint8Array.of(100) });
    (await connection.next("0@0")).answer([{ ...noRecords, records }]);
    await until(() => clock.pending === 1, "it waits");
    expect(batches).toEqual([]);
    expect(errors.map(({ name }) => name)).toEqual(["UnreadableBatchError"]);
    await stop();
  });

  test("passes a batch that compaction has emptied", async () => {
    const { connection, reader, batches, stop } = setUp({ 0: "a" });
    reader.seek(0, 4);
    reader.resume([0]);
    const records = makeBatch({ first: 3, span: 10, records: [], producerId: 5 });
    (await connection.next("0@4")).answer([{ ...noRecords, lastStableOffset: 20, records }]);
    await connection.next("0@13");
    expect(shown(batches)).toEqual(["0:  → 13"]);
    await stop();
  });

  test("names each partition first in its turn, since an answer may be full before the last", async () => {
    const { connection, reader, stop } = setUp({ 0: "a", 1: "a", 2: "a" });
    for (const partition of [0, 1, 2]) reader.seek(partition, 0);
    reader.resume([0, 1, 2]);
    const firsts: (number | undefined)[] = [];
    for (let count = 0; count < 6; count++) {
      const fetch = await connection.next("0@0 1@0 2@0");
      firsts.push(fetch.first);
      fetch.answer([]);
    }
    expect(firsts).toEqual([0, 1, 2, 0, 1, 2]);
    await stop();
  });

  test("drops an answer that comes after it was stopped", async () => {
    const { connection, reader, batches, stop } = setUp({ 0: "a" });
    reader.seek(0, 0);
    reader.resume([0]);
    const fetch = await connection.next("0@0");
    await stop();
    fetch.answer([answer(0, 0, 3)]);
    await Bun.sleep(0);
    expect(batches).toEqual([]);
  });
});
