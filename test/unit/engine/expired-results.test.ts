import { expect, test } from "bun:test";
import { showUtf8 } from "../../../src/base/bytes.ts";
import type { ProcessorSpec } from "../../../src/config/processor.ts";
import { decodeCommitMetadata } from "../../../src/engine/commit-metadata.ts";
import type { RunId } from "../../../src/engine/ports.ts";
import { TrackerDriver } from "../../support/tracker-driver.ts";

/*
 * After a restart a run of an earlier life may have a result, or come to one, while retention or compaction has removed
 * its record meanwhile.
 */

const old = "upper_in_0_5-1.7" as RunId;
/** The log begins after the record of the run. */
const assignment = { committed: { offset: 3, metadata: "" }, logStartOffset: 10, logEndOffset: 12 };

/** With the run of offset 5 found, and the partition assigned. */
function expired(spec: Partial<ProcessorSpec> = {}): TrackerDriver {
  const driver = new TrackerDriver(spec);
  driver.step({ type: "adopted", runId: old, partition: 0, offset: 5 });
  driver.begin(assignment);
  return driver;
}

function notes(driver: TrackerDriver): object[] {
  return driver.all("note").map(({ note }) => note);
}

function headersOf(driver: TrackerDriver): Record<string, string> {
  const { headers } = driver.all("send").at(-1)!.records[0]!;
  return Object.fromEntries(headers.map(([name, value]) => [name, value === null ? "" : showUtf8(value)]));
}

test("a result goes out without key and headers, is counted, and only then lets the offset move", () => {
  const driver = expired();
  driver.end(old, undefined, "early");
  const [output] = driver.all("send")[0]!.records;
  expect(output).toMatchObject({ topic: "out", key: null, headers: [] });
  expect(showUtf8(output!.value!)).toBe("early");
  driver.confirmCommits();
  const [before] = driver.lastCommit()!.offsets;
  expect(before?.offset).toBe(5);
  expect(decodeCommitMetadata(before!.metadata, 5)).toMatchObject({ runs: [[6, 10]] });
  driver.acknowledgeSends();
  expect(driver.released(old)).toBe(false);
  driver.confirmCommits();
  expect(driver.lastCommit()!.offsets).toEqual([{ partition: 0, offset: 10, metadata: "" }]);
  expect(driver.released(old)).toBe(true);
  expect(notes(driver)).toContainEqual({ type: "expired", partition: 0, records: 7 });
  expect(notes(driver)).toContainEqual({ type: "expired-result", partition: 0, offset: 5 });
});

test("a result that came before the assignment is not lost either", () => {
  const driver = new TrackerDriver();
  driver.step({ type: "adopted", runId: old, partition: 0, offset: 5 });
  driver.end(old, undefined, "early");
  driver.begin(assignment);
  expect(showUtf8(driver.all("send")[0]!.records[0]!.value!)).toBe("early");
});

test("before the runner knows what runs no missing offset is given up, and what follows them is not read", () => {
  const driver = new TrackerDriver();
  driver.assign(assignment);
  expect(driver.all("resume")).toEqual([]);
  expect(driver.all("commit")).toEqual([]);
  expect(driver.tracker.offsets({ runs: 1, records: 1 })[0]?.notRead).toContain("what still runs from before");
  driver.step({ type: "adopted", runId: old, partition: 0, offset: 5 });
  driver.step({ type: "ready" });
  expect(driver.all("seek").at(-1)?.offset).toBe(10);
  expect(driver.all("resume").at(-1)?.partitions).toEqual([0]);
  driver.confirmCommits();
  expect(driver.lastCommit()?.offsets[0]?.offset).toBe(5);
  driver.end(old);
  driver.acknowledgeSends();
  expect(driver.lastCommit()?.offsets[0]?.offset).toBe(10);
});

test("a gap within what is read before the runner is ready is read again once it is", () => {
  const driver = new TrackerDriver();
  driver.assign({ logEndOffset: 9 });
  driver.receive([0, 1, 7]);
  expect(driver.all("seek").at(-1)?.offset).toBe(2);
  driver.step({ type: "adopted", runId: old, partition: 0, offset: 5 });
  driver.step({ type: "ready" });
  expect(driver.all("resume").at(-1)?.partitions).toEqual([0]);
  driver.receive([7]);
  expect(driver.tracker.view().inFlight.records).toBe(4);
  driver.end(old, undefined, "of a record that was compacted away");
  expect(driver.all("send")).toHaveLength(1);
});

test("what was settled before the record went is not sent again", () => {
  const driver = new TrackerDriver();
  driver.step({ type: "adopted", runId: old, partition: 0, offset: 5 });
  const metadata = "1rAgE"; // 5 is settled above 3: a gap of two, a run of one
  expect(decodeCommitMetadata(metadata, 3)).toMatchObject({ runs: [[5, 6]] });
  driver.begin({ ...assignment, committed: { offset: 3, metadata } });
  expect(driver.released(old)).toBe(true);
  expect(driver.all("send")).toEqual([]);
  expect(notes(driver)).toContainEqual({ type: "expired", partition: 0, records: 6 });
});

test("a failure goes to the error topic at once, since the record cannot run again", () => {
  const driver = expired({ error: { topic: "errors", value: "input" } });
  driver.end(old, { type: "exited", code: 3 });
  const [error] = driver.all("send")[0]!.records;
  expect(error).toMatchObject({ topic: "errors", key: null, value: null });
  expect(headersOf(driver)).toMatchObject({
    "brigade.error.offset": "5",
    "brigade.error.reason": "exit code 3; not tried again: Kafka has the record no more",
  });
  expect(headersOf(driver)).not.toHaveProperty("brigade.error.timestamp");
  driver.acknowledgeSends();
  driver.confirmCommits();
  expect(driver.lastCommit()?.offsets[0]?.offset).toBe(10);
  expect(driver.released(old)).toBe(true);
});

for (const end of ["lost", "killed", "not startable"] as const) {
  test(`a run that is ${end} leaves nothing to settle, and holds nothing up`, () => {
    const driver = expired();
    if (end === "lost") driver.step({ type: "lost", runId: old, reason: "executor-lost", dead: true, message: "gone" });
    else if (end === "killed") driver.end(old, { type: "killed" });
    else driver.end(old, { type: "not-startable", reason: "program-not-found", message: "gone" });
    driver.advance(60_000);
    driver.confirmCommits();
    expect(driver.lastCommit()?.offsets[0]?.offset).toBe(10);
    expect(driver.all("run")).toEqual([]);
    expect(driver.all("send")).toEqual([]);
    expect(driver.released(old)).toBe(true);
  });
}

test("under order by partition what is read next waits for it", () => {
  const driver = expired({ ordering: "partition" });
  driver.receive([10]);
  expect(driver.all("run")).toEqual([]);
  driver.end(old);
  driver.acknowledgeSends();
  expect(driver.runsOf(10)).toBe(1);
});
