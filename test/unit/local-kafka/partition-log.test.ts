import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { silentLogger } from "../../../src/base/log.ts";
import { decodeBatchHeader } from "../../../src/kafka/records/record-batch.ts";
import { defaultBrokerConfig } from "../../../src/local/kafka/broker-config.ts";
import { openDatabase } from "../../../src/local/kafka/log/database.ts";
import { StorageError } from "../../../src/local/kafka/log/errors.ts";
import { GroupCommit } from "../../../src/local/kafka/log/group-commit.ts";
import type { PartitionLog } from "../../../src/local/kafka/log/partition-log.ts";
import { TopicCatalog } from "../../../src/local/kafka/log/topic-catalog.ts";
import { TransactionStore } from "../../../src/local/kafka/transactions/transaction-store.ts";
import { type BatchContent, makeBatch } from "../../contract/kafka/record-batch.ts";

function openCatalog(dataDir: string | null) {
  const database = openDatabase({ dataDir, sync: false });
  const commits = new GroupCommit(database, silentLogger);
  let topics = 0;
  const catalog = new TopicCatalog({
    database,
    config: defaultBrokerConfig,
    transactions: new TransactionStore(database),
    newTopicId: () => `${++topics}`.padStart(32, "0"),
  });
  return { database, commits, catalog, close: () => database.close() };
}

const NOW_MS = 1_700_000_000_000;

type Opened = ReturnType<typeof openCatalog>;

function append({ commits }: Opened, log: PartitionLog, content: BatchContent) {
  const batch = makeBatch(content);
  return commits.run({
    apply: () => log.stage(batch, decodeBatchHeader(batch), { nowMs: NOW_MS, isLogAppendTime: false }),
    publish: () => log.publish(),
    discard: () => log.discard(),
  });
}

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "kafka-log-"));
  try {
    await run(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function newTopic(opened: Opened, name = "t"): PartitionLog {
  return opened.catalog.create(name, 1, new Map()).partitions[0]!;
}

const all = Number.MAX_SAFE_INTEGER;
const offsetsOf = (batches: readonly Uint8Array[]): number[] =>
  batches.map((batch) => decodeBatchHeader(batch).baseOffset);

describe("a partition's log", () => {
  test("gives consecutive offsets, and reads whole batches from the one that holds an offset", async () => {
    const opened = openCatalog(null);
    const log = newTopic(opened);
    for (const values of [["a", "b", "c"], ["d"], ["e", "f"]]) await append(opened, log, { values });
    expect(log.highWatermark).toBe(6);
    expect(offsetsOf(log.read(0, all, true))).toEqual([0, 3, 4]);
    expect(offsetsOf(log.read(2, all, true))).toEqual([0, 3, 4]);
    expect(offsetsOf(log.read(3, all, true))).toEqual([3, 4]);
    expect(offsetsOf(log.read(5, all, true))).toEqual([4]);
    expect(log.read(6, all, true)).toEqual([]);
    opened.close();
  });

  test("reads at most so many bytes, but one batch when asked to", async () => {
    const opened = openCatalog(null);
    const log = newTopic(opened);
    const size = makeBatch({ values: ["a"] }).byteLength;
    for (let i = 0; i < 200; i++) await append(opened, log, { values: ["a"] });
    expect(log.read(0, size * 130, false)).toHaveLength(130);
    expect(log.read(0, size * 2 + 1, false)).toHaveLength(2);
    expect(log.read(0, size - 1, true)).toHaveLength(1);
    expect(log.read(0, size - 1, false)).toEqual([]);
    opened.close();
  });

  test("reads what a plain array of batches would give", async () => {
    const opened = openCatalog(null);
    const log = newTopic(opened);
    const model: { base: number; last: number; bytes: number }[] = [];
    let end = 0;
    for (let i = 0; i < 150; i++) {
      const values = Array.from({ length: 1 + ((i * 7) % 4) }, () => "v".repeat((i * 13) % 50));
      await append(opened, log, { values });
      model.push({ base: end, last: end + values.length - 1, bytes: makeBatch({ values }).byteLength });
      end += values.length;
    }
    fc.assert(
      fc.property(fc.nat(end), fc.nat(20_000), fc.boolean(), (offset, maxBytes, atLeastOne) => {
        const expected: number[] = [];
        let left = maxBytes;
        for (const { base, bytes } of model.filter(({ last }) => last >= offset)) {
          if (bytes > left && (!atLeastOne || expected.length > 0)) break;
          expected.push(base);
          left -= bytes;
        }
        expect(offsetsOf(log.read(offset, maxBytes, atLeastOne))).toEqual(expected);
      }),
    );
    opened.close();
  });

  test("stands as it was after a restart, idempotent producers included", async () => {
    await inFolder(async (folder) => {
      const before = openCatalog(folder);
      const log = newTopic(before);
      await append(before, log, { values: ["a", "b"], producerId: 5, producerEpoch: 0, baseSequence: 0 });
      const second = { values: ["c"], producerId: 5, producerEpoch: 0, baseSequence: 2 };
      await append(before, log, second);
      before.close();
      const after = openCatalog(folder);
      const reopened = after.catalog.partition("t", 0)!;
      expect(reopened.highWatermark).toBe(3);
      expect(offsetsOf(reopened.read(0, all, true))).toEqual([0, 2]);
      expect(await append(after, reopened, second)).toMatchObject({ errorCode: 0, baseOffset: 2 });
      expect(await append(after, reopened, { ...second, baseSequence: 3 })).toMatchObject({ baseOffset: 3 });
      after.close();
    });
  });

  test("writes of one turn share a commit, and those of one producer count for each other", async () => {
    const opened = openCatalog(null);
    const log = newTopic(opened);
    const sent = { producerId: 1, producerEpoch: 0, values: ["a"] };
    const results = await Promise.all(
      [0, 1, 1, 3].map((baseSequence) => append(opened, log, { ...sent, baseSequence })),
    );
    expect(results.map(({ baseOffset }) => baseOffset)).toEqual([0, 1, 1, -1]);
    opened.close();
  });

  test("a failed commit fails every write of it and leaves no trace", async () => {
    const opened = openCatalog(null);
    const log = newTopic(opened);
    await append(opened, log, { values: ["kept"] });
    const lost = append(opened, log, { values: ["lost"], producerId: 1, producerEpoch: 0, baseSequence: 0 });
    const failing = opened.commits.run({
      apply: () => opened.database.run("INSERT INTO no_such_table VALUES (1)"),
      publish: () => undefined,
      discard: () => undefined,
    });
    const outcomes = await Promise.allSettled([lost, failing]);
    expect(outcomes.map((outcome) => outcome.status === "rejected" && outcome.reason instanceof StorageError)).toEqual([
      true,
      true,
    ]);
    expect(log.highWatermark).toBe(1);
    expect(await append(opened, log, { values: ["next"] })).toMatchObject({ baseOffset: 1 });
    opened.close();
  });
});

describe("records by time", () => {
  test.each(["none", "gzip", "zstd"] as const)("are found one by one in a batch packed with %s", async (codec) => {
    const opened = openCatalog(null);
    const log = newTopic(opened);
    await append(opened, log, { values: ["a", "b", "c"], timestampsMs: [100, 300, 200], codec });
    await append(opened, log, { values: ["d", "e"], timestampsMs: [400, 500], codec });
    expect([0, 100, 101, 300, 301, 500].map((ms) => log.findTimestamp(ms)?.offset)).toEqual([0, 0, 1, 1, 3, 4]);
    expect(log.findTimestamp(501)).toBeUndefined();
    expect(log.findLargestTimestamp()).toEqual({ offset: 4, timestampMs: 500 });
    opened.close();
  });

  test("are found by their batch where it cannot be read, as earlier versions stored it", async () => {
    const opened = openCatalog(null);
    const log = newTopic(opened);
    await append(opened, log, { values: ["a"], timestampsMs: [100] });
    await append(opened, log, { values: ["b", "c"], timestampsMs: [200, 300], codec: "snappy" });
    expect(log.findTimestamp(300)?.offset).toBe(1);
    opened.close();
  });

  test("are found behind the beginning of the log only, also where that lies within a batch", async () => {
    const opened = openCatalog(null);
    const log = newTopic(opened);
    await append(opened, log, { values: ["a", "b", "c"], timestampsMs: [300, 100, 200] });
    await append(opened, log, { values: ["d"], timestampsMs: [400] });
    opened.catalog.deleteBefore(log, 1);
    expect([0, 150, 250].map((ms) => log.findTimestamp(ms)?.offset)).toEqual([1, 2, 3]);
    opened.close();
  });
});

describe("deleted records", () => {
  const DAY_MS = 86_400_000;

  /** Batches of one record each, by an idempotent producer. */
  async function write(opened: Opened, log: PartitionLog, first: number, count: number): Promise<void> {
    for (let sequence = first; sequence < first + count; sequence++) {
      await append(opened, log, { values: ["v"], producerId: 5, producerEpoch: 0, baseSequence: sequence });
    }
  }

  test("cannot be read any more at once, and are freed bit by bit, after a restart too", async () => {
    await inFolder(async (folder) => {
      const before = openCatalog(folder);
      const log = newTopic(before);
      for (let i = 0; i < 200; i++) await append(before, log, { values: ["v"] });
      before.catalog.deleteBefore(log, 150);
      expect(log.logStartOffset).toBe(150);
      expect(before.catalog.removeSome(NOW_MS)).toBeTrue();
      before.close();
      const after = openCatalog(folder);
      const reopened = after.catalog.partition("t", 0)!;
      expect([reopened.logStartOffset, reopened.highWatermark]).toEqual([150, 200]);
      while (after.catalog.removeSome(NOW_MS)) expect(offsetsOf(reopened.read(150, all, true))[0]).toBe(150);
      expect(after.database.prepare("SELECT count(*) AS n FROM batches").get()).toEqual({ n: 50 });
      after.close();
    });
  });

  test("leave the end of the log where it was, when all are deleted", async () => {
    await inFolder(async (folder) => {
      const before = openCatalog(folder);
      const log = newTopic(before);
      for (let i = 0; i < 3; i++) await append(before, log, { values: ["v"] });
      before.catalog.deleteBefore(log, 3);
      while (before.catalog.removeSome(NOW_MS)) expect(log.highWatermark).toBe(3);
      before.close();
      const after = openCatalog(folder);
      expect(await append(after, after.catalog.partition("t", 0)!, { values: ["v"] })).toMatchObject({ baseOffset: 3 });
      after.close();
    });
  });

  test("of an idempotent producer are still recognised when they are sent again, for a day", async () => {
    await inFolder(async (folder) => {
      const before = openCatalog(folder);
      const log = newTopic(before);
      await write(before, log, 0, 9);
      before.catalog.deleteBefore(log, 9);
      while (before.catalog.removeSome(NOW_MS)) expect(log.logStartOffset).toBe(9);
      expect(before.database.prepare("SELECT count(*) AS n FROM batches").get()).toEqual({ n: 5 });
      before.close();

      const after = openCatalog(folder);
      const reopened = after.catalog.partition("t", 0)!;
      const again = { values: ["v"], producerId: 5, producerEpoch: 0 };
      expect(await append(after, reopened, { ...again, baseSequence: 4 })).toMatchObject({
        errorCode: 0,
        baseOffset: 4,
      });
      expect(await append(after, reopened, { ...again, baseSequence: 3 })).toMatchObject({ errorCode: 45 });
      expect(reopened.read(9, all, true)).toEqual([]);
      after.catalog.expire(NOW_MS + DAY_MS + 1);
      expect(after.database.prepare("SELECT count(*) AS n FROM batches").get()).toEqual({ n: 0 });
      after.close();
    });
  });

  test("go by the topic's retention, and those without a time count from when they came", async () => {
    const opened = openCatalog(null);
    const topic = opened.catalog.create("t", 1, new Map([["retention.ms", "1000"]]));
    const log = topic.partitions[0]!;
    await append(opened, log, { values: ["old"], timestampsMs: [NOW_MS - 2000] });
    await append(opened, log, { values: ["timeless"], timestampsMs: [-1] });
    expect(opened.catalog.expire(NOW_MS)).toEqual([log]);
    expect(log.logStartOffset).toBe(1);
    expect(opened.catalog.expire(NOW_MS + 1000)).toEqual([]);
    expect(opened.catalog.expire(NOW_MS + 1001)).toEqual([log]);
    expect(log.logStartOffset).toBe(2);
    opened.close();
  });
});

describe("topics", () => {
  test("a topic made anew under an old name is empty, while the old one's records go bit by bit", async () => {
    await inFolder(async (folder) => {
      const opened = openCatalog(folder);
      const old = newTopic(opened);
      for (let i = 0; i < 100; i++) await append(opened, old, { values: ["old"] });
      opened.catalog.delete(opened.catalog.get("t")!);
      expect(old.removed).toBeTrue();
      expect(newTopic(opened).highWatermark).toBe(0);
      opened.close();
      const again = openCatalog(folder);
      while (again.catalog.removeSome(NOW_MS)) expect(again.catalog.partition("t", 0)?.highWatermark).toBe(0);
      expect(again.database.prepare("SELECT count(*) AS n FROM batches").get()).toEqual({ n: 0 });
      again.close();
    });
  });

  test("partitions are added behind those that there are", () => {
    const opened = openCatalog(null);
    const first = newTopic(opened);
    opened.catalog.grow(opened.catalog.get("t")!, 3);
    expect(opened.catalog.get("t")?.partitions.map(({ number }) => number)).toEqual([0, 1, 2]);
    expect(opened.catalog.partition("t", 0)).toBe(first);
    opened.close();
  });

  test("two brokers cannot have the same folder", async () => {
    await inFolder((folder) => {
      const opened = openCatalog(folder);
      expect(() => openDatabase({ dataDir: folder, sync: false })).toThrow("another broker has it open");
      opened.close();
      return Promise.resolve();
    });
  });

  test("data of a newer format is left alone", async () => {
    await inFolder((folder) => {
      const { database } = openCatalog(folder);
      database.run("PRAGMA user_version = 99");
      database.close();
      expect(() => openDatabase({ dataDir: folder, sync: false })).toThrow("its format is 99, must be at most");
      return Promise.resolve();
    });
  });
});
