import { describe, expect, test } from "bun:test";
import type { ProcessorSpec } from "../../../src/config/processor.ts";
import type { RunId } from "../../../src/engine/ports.ts";
import { processorSpec } from "../../support/specs.ts";
import { TrackerDriver } from "../../support/tracker-driver.ts";

/*
 * `overlap: forbid`: a record, and others of its key or partition, wait until a run that may be alive is known to be dead.
 */

const failed = { type: "exited", code: 3 } as const;
const A_MINUTE_MS = 60_000;

function driverWith(spec: Partial<ProcessorSpec> = {}): TrackerDriver {
  return new TrackerDriver({ overlap: "forbid", ...spec });
}

function outOfReach(driver: TrackerDriver, runId: RunId): void {
  driver.step({ type: "lost", runId, reason: "agent-unreachable", message: "gone", dead: false });
}

function dead(driver: TrackerDriver, runId: RunId): void {
  driver.step({ type: "lost", runId, reason: "agent-lost", message: "marked gone", dead: true });
}

/** What the engine says of a record. */
function phaseOf(driver: TrackerDriver, offset: number): string | undefined {
  const [view] = driver.tracker.offsets({ runs: 0, records: 10 });
  return view?.oldest.find((record) => record.offset === offset)?.phase;
}

describe("a record whose run is out of reach", () => {
  test("waits, and runs again once the run is known to be dead", () => {
    const driver = driverWith();
    driver.begin();
    driver.receive([0, 1]);
    const first = driver.runOf(0);
    outOfReach(driver, first);
    driver.advance(A_MINUTE_MS);
    expect(driver.runsOf(0)).toBe(1);
    expect(phaseOf(driver, 0)).toBe("guarded");
    expect(driver.tracker.view().guarded).toEqual({ records: 1, runs: [first] });
    dead(driver, first);
    expect(driver.runsOf(0)).toBe(2);
    expect(driver.released(first)).toBe(true);
    expect(driver.all("note")).toContainEqual({ type: "note", note: { type: "rerun", reason: "agent-unreachable" } });
    expect(driver.tracker.view().guarded).toEqual({ records: 0, runs: [] });
  });

  test("takes the result if the agent comes back with one", () => {
    const driver = driverWith();
    driver.begin();
    driver.receive([0]);
    const first = driver.runOf(0);
    outOfReach(driver, first);
    driver.advance(A_MINUTE_MS);
    driver.end(first, undefined, "late");
    expect(driver.all("send")).toHaveLength(1);
    expect(driver.runsOf(0)).toBe(1);
  });

  test("is tried again after its pause if the agent comes back with a failure", () => {
    for (const waitMs of [0, A_MINUTE_MS]) {
      const driver = driverWith();
      driver.begin();
      driver.receive([0]);
      const first = driver.runOf(0);
      outOfReach(driver, first);
      driver.advance(waitMs);
      driver.end(first, failed);
      expect(driver.released(first)).toBe(true);
      expect(driver.runsOf(0)).toBe(1);
      driver.advance(A_MINUTE_MS);
      expect(driver.runsOf(0)).toBe(2);
      expect(driver.all("run").at(-1)?.run.attempt).toBe(2);
    }
  });

  test("does not go to the error topic before the run is known to be dead, though that was its last attempt", () => {
    const driver = driverWith({ retry: { attempts: 1, initialBackoffMs: 1, maxBackoffMs: 1, maxAgeMs: 1 } });
    driver.begin();
    driver.receive([0]);
    for (let loss = 1; loss <= 3; loss++) {
      dead(driver, driver.runOf(0));
      driver.advance(A_MINUTE_MS);
    }
    const alone = driver.all("run").at(-1)!.run;
    expect(alone.alone).toBe(true);
    outOfReach(driver, alone.id);
    driver.advance(A_MINUTE_MS);
    expect(driver.all("send")).toEqual([]);
    dead(driver, alone.id);
    expect(driver.all("send")[0]?.records[0]?.topic).toBe("errors");
  });

  test("keeps others of its key waiting, and none beside them", () => {
    const driver = driverWith({ ordering: "key" });
    driver.begin();
    driver.receive([0, 1], { key: "a" });
    driver.receive([2], { key: "b" });
    outOfReach(driver, driver.runOf(0));
    driver.advance(A_MINUTE_MS);
    expect(driver.runsOf(2)).toBe(1);
    expect(driver.runsOf(1)).toBe(0);
    driver.end(driver.runOf(0));
    driver.acknowledgeSends();
    expect(driver.runsOf(1)).toBe(1);
  });

  test("that nobody can tell of any more waits until a person allows it", () => {
    const driver = driverWith();
    driver.begin();
    driver.receive([0]);
    const first = driver.runOf(0);
    driver.step({ type: "lost", runId: first, reason: "framework-removed", message: "torn down", dead: false });
    driver.advance(24 * 60 * A_MINUTE_MS);
    expect(driver.runsOf(0)).toBe(1);
    driver.step({ type: "spec", spec: processorSpec({ overlap: "allow", version: "v2" }) });
    expect(driver.runsOf(0)).toBe(2);
  });
});

describe("a run that was cancelled", () => {
  test("keeps its record from running until it has ended, though the partition was another's meanwhile", () => {
    const driver = driverWith();
    driver.begin();
    driver.receive([0, 1]);
    const [first, second] = [driver.runOf(0), driver.runOf(1)];
    driver.assign({ committed: { offset: 0, metadata: "another's" }, logEndOffset: 2 });
    expect(driver.all("cancel").map(({ runId }) => runId)).toEqual([first, second]);
    expect(driver.released(first)).toBe(false);
    driver.receive([0, 1]);
    expect([driver.runsOf(0), driver.runsOf(1)]).toEqual([1, 1]);
    driver.end(first, { type: "killed" });
    expect(driver.released(first)).toBe(true);
    expect([driver.runsOf(0), driver.runsOf(1)]).toEqual([2, 1]);
    dead(driver, second);
    expect(driver.runsOf(1)).toBe(2);
  });

  test("keeps no record in the way that was settled, or became another's, meanwhile", () => {
    const driver = driverWith();
    driver.begin();
    driver.receive([0]);
    const first = driver.runOf(0);
    outOfReach(driver, first);
    driver.advance(A_MINUTE_MS);
    driver.assign({ partition: 1 });
    expect(driver.tracker.view()).toMatchObject({ guarded: { records: 0, runs: [] }, inFlight: { records: 0 } });
    driver.assign({ committed: null, logEndOffset: 1 });
    driver.receive([0]);
    expect(driver.tracker.view().guarded).toEqual({ records: 1, runs: [first] });
    dead(driver, first);
    expect(driver.runsOf(0)).toBe(2);
  });

  test("keeps its partition from running where its record has expired, since its key is not known", () => {
    const old = "upper_in_0_5-1.7" as RunId;
    const driver = driverWith({ ordering: "key" });
    driver.step({ type: "adopted", runId: old, partition: 0, offset: 5 });
    driver.begin({ committed: { offset: 3, metadata: "" }, logStartOffset: 7, logEndOffset: 8 });
    driver.assign({ committed: { offset: 7, metadata: "another's" }, logStartOffset: 7, logEndOffset: 8 });
    driver.receive([7], { key: "a" });
    expect(driver.runsOf(7)).toBe(0);
    driver.end(old, { type: "killed" });
    expect(driver.runsOf(7)).toBe(1);
  });

  test("keeps its key from running, and is let go where overlap comes to be allowed", () => {
    const driver = driverWith({ ordering: "key" });
    driver.begin();
    driver.receive([0], { key: "a" });
    const first = driver.runOf(0);
    // The new owner had settled it.
    driver.assign({ committed: { offset: 1, metadata: "" }, logEndOffset: 3 });
    driver.receive([1], { key: "a" });
    driver.receive([2], { key: "b" });
    expect([driver.runsOf(1), driver.runsOf(2)]).toEqual([0, 1]);
    driver.step({ type: "spec", spec: processorSpec({ overlap: "allow", ordering: "key", version: "v2" }) });
    expect(driver.runsOf(1)).toBe(1);
    expect(driver.released(first)).toBe(true);
  });
});

describe("a run that is found", () => {
  const old = "upper_in_0_5-1.7" as RunId;

  test("of a settled record keeps its partition waiting, since its key is not known", () => {
    const driver = driverWith({ ordering: "key" });
    driver.step({ type: "adopted", runId: old, partition: 0, offset: 5 });
    driver.begin({ committed: { offset: 9, metadata: "" }, logEndOffset: 11 }, { logEndOffset: 1 });
    driver.receive([9], { key: "a" });
    driver.receive([10]);
    driver.receive([0], { key: "a", partition: 1 });
    expect([driver.runsOf(9), driver.runsOf(10), driver.runsOf(0)]).toEqual([0, 1, 1]);
    driver.end(old, { type: "killed" });
    expect(driver.runsOf(9)).toBe(1);
  });

  test("keeps records before it waiting until it is read, and then those of its key", () => {
    const driver = driverWith({ ordering: "key" });
    driver.step({ type: "adopted", runId: old, partition: 0, offset: 5 });
    driver.begin({ committed: { offset: 3, metadata: "" }, logEndOffset: 6 });
    driver.receive([3], { key: "a" });
    driver.receive([4], { key: "b" });
    expect([driver.runsOf(3), driver.runsOf(4)]).toEqual([0, 0]);
    driver.receive([5], { key: "a" });
    expect([driver.runsOf(3), driver.runsOf(4)]).toEqual([0, 1]);
    driver.end(old);
    expect(driver.runsOf(3)).toBe(1);
  });

  test("of a record that has expired keeps its partition waiting", () => {
    const driver = driverWith({ ordering: "key" });
    driver.step({ type: "adopted", runId: old, partition: 0, offset: 5 });
    driver.begin({ committed: { offset: 3, metadata: "" }, logStartOffset: 7, logEndOffset: 8 });
    driver.receive([7], { key: "a" });
    expect(driver.runsOf(7)).toBe(0);
    driver.end(old);
    expect(driver.runsOf(7)).toBe(1);
  });

  test("that has ended is let go of when a twin decides, and keeps nothing waiting", () => {
    const twin = "upper_in_0_5-2.1" as RunId;
    const driver = driverWith({ ordering: "key" });
    driver.step({ type: "ready" });
    for (const runId of [old, twin]) driver.step({ type: "adopted", runId, partition: 0, offset: 5 });
    for (const runId of [old, twin]) driver.end(runId);
    driver.assign({ committed: { offset: 5, metadata: "" }, logEndOffset: 7 });
    driver.receive([5, 6], { key: "a" });
    expect([driver.released(old), driver.released(twin)]).toEqual([false, true]);
    driver.acknowledgeSends();
    expect(driver.runsOf(6)).toBe(1);
    driver.confirmCommits();
    expect(driver.all("release").map(({ runId }) => runId)).toEqual([twin, old]);
  });

  test("on an agent out of reach keeps its record from running", () => {
    const driver = driverWith();
    driver.step({ type: "adopted", runId: old, partition: 0, offset: 5 });
    outOfReach(driver, old);
    driver.begin({ committed: { offset: 5, metadata: "" }, logEndOffset: 6 });
    driver.receive([5]);
    driver.advance(A_MINUTE_MS);
    expect(driver.runsOf(5)).toBe(0);
    dead(driver, old);
    expect(driver.runsOf(5)).toBe(1);
  });
});

test("where overlap is allowed nothing waits", () => {
  const driver = new TrackerDriver();
  driver.begin();
  driver.receive([0]);
  outOfReach(driver, driver.runOf(0));
  driver.advance(A_MINUTE_MS);
  expect(driver.runsOf(0)).toBe(2);
});
