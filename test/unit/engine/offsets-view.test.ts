import { expect, test } from "bun:test";
import { TrackerDriver } from "../../support/tracker-driver.ts";

const limits = { runs: 2, records: 3 };
const start = { committed: { offset: 0, metadata: "" }, logEndOffset: 100 };

function range(count: number, from = 0): number[] {
  return Array.from({ length: count }, (_, index) => from + index);
}

test("a partition is explained from its watermark to what was read last", () => {
  const driver = new TrackerDriver({ concurrency: 8 });
  driver.begin(start);
  driver.receive(range(10));
  for (const offset of [1, 2, 4, 6]) driver.end(driver.runOf(offset));
  driver.acknowledgeSends();
  driver.confirmCommits();
  driver.end(driver.runOf(7));
  driver.acknowledgeSends();
  const [view] = driver.tracker.offsets(limits);
  expect(view).toMatchObject({
    partition: 0,
    committed: 0,
    watermark: 0,
    position: 10,
    above: {
      records: 5,
      runs: 3,
      firstRuns: [
        [1, 3],
        [4, 5],
      ],
    },
    uncommitted: 1,
    inFlight: 5,
    notRead: undefined,
  });
  expect(view?.oldest.map(({ offset, phase }) => [offset, phase])).toEqual([
    [0, "placed"],
    [3, "placed"],
    [5, "placed"],
  ]);
});

test("a record that failed tells why, and when it is tried again", () => {
  const driver = new TrackerDriver();
  driver.begin(start);
  driver.receive([0]);
  driver.end(driver.runOf(0), { type: "exited", code: 3 });
  const [failed] = driver.tracker.offsets(limits)[0]!.oldest;
  expect(failed).toMatchObject({ phase: "waiting", attempts: 1, lastTrouble: "exit code 3", sinceMs: 0 });
  expect(failed?.dueMs).toBeGreaterThan(0);
  driver.advance(60_000);
  expect(driver.tracker.offsets(limits)[0]!.oldest[0]).toMatchObject({ phase: "placed", dueMs: undefined });
  driver.step({ type: "lost", runId: driver.runOf(0), reason: "agent-lost", dead: true, message: "" });
  expect(driver.tracker.offsets(limits)[0]!.oldest[0]).toMatchObject({ phase: "waiting", lastTrouble: "agent-lost" });
});

test("a record that is blocked names the one before it", () => {
  const driver = new TrackerDriver({ ordering: "key" });
  driver.begin(start);
  driver.receive([4], { key: "a" });
  driver.receive([5], { key: "a" });
  expect(driver.tracker.offsets(limits)[0]!.oldest.map(({ offset, behind }) => [offset, behind])).toEqual([
    [4, undefined],
    [5, 4],
  ]);
});

test("a partition that is not read says which bound keeps it", () => {
  const why = (driver: TrackerDriver): string | undefined => driver.tracker.offsets(limits)[0]?.notRead;

  const full = new TrackerDriver({ concurrency: 2 }, { minWindow: 8 });
  full.begin(start);
  full.receive(range(8));
  expect(why(full)).toBe("8 records are in flight, of 8; reading goes on below 6");

  const heavy = new TrackerDriver({ maxInFlightBytes: 20 });
  heavy.begin(start);
  heavy.receive(range(3));
  expect(why(heavy)).toBe("21 bytes are in flight, of 20; reading goes on below 15");

  const long = new TrackerDriver({}, { maxSpan: 3 });
  long.begin(start);
  long.receive([0, 1, 2]);
  expect(why(long)).toBe("3 offsets lie between the watermark and the next to be read, of 3");

  const hot = new TrackerDriver({ ordering: "key" }, { minWindow: 30 });
  hot.begin(start);
  hot.receive(range(9), { key: "hot" });
  expect(why(hot)).toBe("the record at 4 has no place: too many wait behind 0, which comes before them in order");

  const draining = new TrackerDriver();
  draining.begin(start);
  draining.step({ type: "mode", mode: "drain" });
  expect(why(draining)).toBe("nothing more is read: what was read is being finished");
});

test("a partition that waits for a person is listed with its reason", () => {
  const driver = new TrackerDriver();
  driver.begin({ committed: { offset: 50, metadata: "" }, logEndOffset: 9 }, start);
  const [stuck, other] = driver.tracker.offsets(limits);
  expect(stuck).toMatchObject({ partition: 0, committed: 50, highWatermark: 9, inFlight: 0 });
  expect(stuck?.notRead).toContain("was the topic made anew?");
  expect(other).toMatchObject({ partition: 1, notRead: undefined });
});
