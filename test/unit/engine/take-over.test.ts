import { describe, expect, test } from "bun:test";
import type { RunId } from "../../../src/engine/ports.ts";
import { TrackerDriver } from "../../support/tracker-driver.ts";

/** Where reading begins in each partition. */
function starts(driver: TrackerDriver): number[] {
  return driver.all("seek").map(({ offset }) => offset);
}

function notes(driver: TrackerDriver): object[] {
  return driver.all("note").map(({ note }) => note);
}

describe("where Kafka knows no position", () => {
  test("reading begins at the remembered one, which is committed at once", () => {
    const driver = new TrackerDriver({ from: "latest" });
    driver.begin({ remembered: 12, logEndOffset: 40 });
    expect(starts(driver)).toEqual([12]);
    expect(driver.lastCommit()?.offsets).toEqual([{ partition: 0, offset: 12, metadata: "" }]);
    expect(notes(driver)).toEqual([{ type: "remembered", partition: 0, offset: 12 }]);
  });

  test("a partition of which nothing is remembered either appeared later and starts at its beginning", () => {
    const driver = new TrackerDriver({ from: "latest" });
    driver.begin({ remembered: 12, logEndOffset: 40 }, { logEndOffset: 9 });
    expect(starts(driver)).toEqual([12, 0]);
  });

  test("reading begins at a run that was found, of a life that never came to commit", () => {
    const driver = new TrackerDriver({ from: "latest" });
    driver.step({ type: "adopted", runId: "found" as RunId, partition: 0, offset: 7 });
    driver.begin({ logEndOffset: 40 });
    expect(starts(driver)).toEqual([7]);
    expect(driver.all("release")).toEqual([]);
  });

  test("what retention took since is counted", () => {
    const driver = new TrackerDriver();
    driver.begin({ remembered: 12, logStartOffset: 30, logEndOffset: 40 });
    expect(starts(driver)).toEqual([30]);
    expect(notes(driver)).toContainEqual({ type: "expired", partition: 0, records: 18 });
  });

  test("a log that ends below it is a new one, and so are those beside it: all are read from their start", () => {
    const driver = new TrackerDriver({ from: "latest" });
    driver.begin({ remembered: 12, logEndOffset: 5 }, { remembered: 3, logEndOffset: 8 });
    expect(starts(driver)).toEqual([0, 0]);
    expect(notes(driver)).toEqual([
      { type: "remembered-void", partition: 0, offset: 12, logEnd: 5 },
      { type: "remembered-void", partition: 1, offset: 3, logEnd: 8 },
    ]);
  });
});

test("a position in Kafka wins over a remembered one, higher or lower", () => {
  const driver = new TrackerDriver();
  const committed = { offset: 7, metadata: "" };
  driver.begin({ committed, remembered: 12, logEndOffset: 40 }, { committed, remembered: 2, logEndOffset: 40 });
  expect(starts(driver)).toEqual([7, 7]);
  expect(notes(driver)).toEqual([]);
});

test("a group that is deleted behind our back goes on where it stood", () => {
  const driver = new TrackerDriver();
  driver.begin({ committed: { offset: 0, metadata: "" }, logEndOffset: 3 });
  driver.receive([0, 1, 2]);
  driver.end(driver.runOf(0));
  driver.acknowledgeSends();
  driver.confirmCommits();
  driver.assign({ committed: null, remembered: 1, logEndOffset: 3 });
  expect(starts(driver)).toEqual([0, 1]);
});
