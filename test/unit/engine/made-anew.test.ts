import { expect, test } from "bun:test";
import type { RunId } from "../../../src/engine/ports.ts";
import { TrackerDriver } from "../../support/tracker-driver.ts";

/* A topic that is deleted and made again while its name is read: its offsets are those of other records. */

const log = { logEndOffset: 10 };

/** Three records of the old topic are read, of which the first is settled and the second runs. */
function reading(): TrackerDriver {
  const driver = new TrackerDriver({ concurrency: 1, from: "latest" });
  driver.begin({ committed: { offset: 0, metadata: "" }, ...log });
  driver.receive([0, 1, 2]);
  driver.end(driver.runOf(0));
  driver.acknowledgeSends();
  driver.confirmCommits();
  return driver;
}

test("it is read from its start, though our position fits it and stands in Kafka", () => {
  const driver = reading();
  const before = driver.runOf(1);
  driver.assignAnew({ committed: { offset: 1, metadata: "" }, ...log });
  expect(driver.all("seek").at(-1)?.offset).toBe(0);
  expect(driver.released(before)).toBe(true);
  driver.receive([0, 1]);
  expect(driver.runsOf(0)).toBe(2);
  driver.confirmCommits();
  expect(driver.lastCommit()?.offsets).toEqual([{ partition: 0, offset: 0, metadata: "" }]);
  const notes = driver.all("note").map(({ note }) => note.type);
  expect(notes.filter((type) => type === "made-anew")).toHaveLength(1);
  expect(notes).not.toContain("rerun");
});

test("a commit without an answer does not count for it either", () => {
  const driver = reading();
  driver.end(driver.runOf(1));
  driver.acknowledgeSends();
  driver.failLastCommit("stale");
  driver.assignAnew({ committed: { offset: 2, metadata: "" }, ...log });
  expect(driver.all("seek").at(-1)?.offset).toBe(0);
});

test("what another member has committed of it counts", () => {
  const driver = reading();
  driver.assignAnew({ committed: { offset: 7, metadata: "" }, ...log });
  expect(driver.all("seek").at(-1)?.offset).toBe(7);
});

test("runs of the old one are no runs of its records, whenever they are found", () => {
  const driver = new TrackerDriver();
  const found = (id: string) => driver.step({ type: "adopted", runId: id as RunId, partition: 0, offset: 1 });
  found("early");
  driver.step({ type: "ready" });
  driver.assignAnew(log);
  found("late");
  driver.receive([0, 1]);
  expect(driver.runsOf(1)).toBe(1);
  expect(["early", "late"].map((id) => driver.released(id as RunId))).toEqual([true, true]);
});
