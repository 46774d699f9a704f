import { describe, expect, test } from "bun:test";
import { record, TrackerDriver } from "../../support/tracker-driver.ts";

/** A window of 100 records: 10 of them may wait behind one key. */
const window = { minWindow: 100 };
const share = 10;
const byKey = { ordering: "key", concurrency: 5 } as const;

function range(count: number, from = 0): number[] {
  return Array.from({ length: count }, (_, index) => from + index);
}

/** Brings `count` runs to their end, one after the other, each with all that follows from it. */
function finish(driver: TrackerDriver, count: number): void {
  for (let at = 0; at < count; at++) {
    const started = driver.all("run").find(({ run }) => !driver.released(run.id));
    if (started === undefined) throw new Error(`only ${at} of ${count} records were started`);
    driver.end(started.run.id);
    driver.acknowledgeSends();
    driver.confirmCommits();
  }
}

function openIn(driver: TrackerDriver, partition: number): number | undefined {
  return driver.tracker.view().partitions.find((view) => view.partition === partition)?.open;
}

describe("a hot key", () => {
  test("takes no more than a tenth of the window, whatever one fetch brings", () => {
    const driver = new TrackerDriver(byKey, window);
    driver.begin({ logEndOffset: 500 });
    driver.receive(range(500), { key: "hot" });
    expect(openIn(driver, 0)).toBe(1 + share);
  });

  test("stops the reading of its partition at the first record that has no place, and of no other", () => {
    const driver = new TrackerDriver(byKey, window);
    driver.begin({ logEndOffset: 500 }, { logEndOffset: 500 });
    driver.receive(range(500), { key: "hot" });
    expect(driver.all("pause")).toEqual([{ type: "pause", partitions: [0] }]);
    expect(driver.all("seek").at(-1)).toEqual({ type: "seek", epoch: 1, partition: 0, offset: 1 + share });
    driver.receive(range(20), { partition: 1 });
    expect(openIn(driver, 1)).toBe(20);
    expect(driver.all("run").filter(({ run }) => run.record.partition === 1).length).toBe(4);
  });

  test("does not stop reading while only other keys come", () => {
    const driver = new TrackerDriver(byKey, window);
    driver.begin({ logEndOffset: 500 });
    driver.receive(range(1 + share), { key: "hot" });
    driver.receive(range(5, 1 + share), { key: "cold" });
    driver.receive(range(20, 6 + share));
    expect(driver.all("pause")).toEqual([]);
    expect(openIn(driver, 0)).toBe(26 + share);
    driver.receive([26 + share], { key: "hot" });
    expect(driver.all("pause").length).toBe(1);
  });

  test("is read on when half of its share is free, from the record where reading stopped", () => {
    const driver = new TrackerDriver(byKey, window);
    driver.begin({ logEndOffset: 500 });
    const before = driver.all("resume").length;
    driver.receive(range(500), { key: "hot" });
    finish(driver, share / 2 - 1);
    expect(driver.all("resume").length).toBe(before);
    finish(driver, 1);
    expect(driver.all("resume").slice(before)).toEqual([{ type: "resume", partitions: [0] }]);
    driver.receive(range(400, 1 + share), { key: "hot" });
    finish(driver, share);
    expect(driver.all("run").map(({ run }) => run.record.offset)).toEqual(range(share + share / 2 + 1));
  });

  test("whose records are large is bounded by a tenth of the bytes", () => {
    const bytes = record(0).value!.byteLength + "hot".length;
    const driver = new TrackerDriver({ ...byKey, maxInFlightBytes: 10 * 4 * bytes }, window);
    driver.begin({ logEndOffset: 500 });
    driver.receive(range(9), { key: "hot" });
    expect(openIn(driver, 0)).toBe(1 + 4);
  });

  test("that waits for another try holds back its partition alone", () => {
    const driver = new TrackerDriver(byKey, window);
    driver.begin({ logEndOffset: 500 }, { logEndOffset: 500 });
    driver.receive(range(500), { key: "hot" });
    driver.end(driver.runOf(0), { type: "exited", code: 75 });
    for (let round = 0; round < 10; round++) {
      driver.receive(range(10, 10 * round), { partition: 1 });
      finish(driver, 10);
    }
    expect(driver.all("pause")).toEqual([{ type: "pause", partitions: [0] }]);
  });

  test("keeps its place over a rebalance that gives the partition back", () => {
    const driver = new TrackerDriver(byKey, window);
    const given = { committed: { offset: 0, metadata: "" }, logEndOffset: 500 };
    driver.begin(given);
    driver.receive(range(500), { key: "hot" });
    expect(driver.assign(given)).toEqual([{ type: "seek", epoch: 2, partition: 0, offset: 1 + share }]);
    finish(driver, share / 2);
    expect(driver.all("resume").at(-1)).toEqual({ type: "resume", partitions: [0] });
  });
});

test("records that are settled already pass a full lane", () => {
  const first = new TrackerDriver({ concurrency: 20 }, window);
  first.begin({ logEndOffset: 20 });
  first.confirmCommits();
  first.receive(range(20));
  for (const offset of range(5, 15)) first.end(first.runOf(offset));
  first.acknowledgeSends();
  first.confirmCommits();
  const second = new TrackerDriver(byKey, window);
  second.begin({ committed: first.lastCommit()!.offsets[0]!, logEndOffset: 21 });
  second.receive([...range(1 + share), ...range(5, 15)], { key: "hot" });
  expect(second.all("pause")).toEqual([]);
});

test("under `ordering: partition` a partition has the same share", () => {
  const driver = new TrackerDriver({ ordering: "partition", concurrency: 5 }, window);
  driver.begin({ logEndOffset: 500 });
  driver.receive(range(500));
  expect(openIn(driver, 0)).toBe(1 + share);
});

test("without ordering every record has a place of its own", () => {
  const driver = new TrackerDriver({ concurrency: 5 }, window);
  driver.begin({ logEndOffset: 500 });
  driver.receive(range(50), { key: "hot" });
  expect(openIn(driver, 0)).toBe(50);
});
