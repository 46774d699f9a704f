import { describe, expect, test } from "bun:test";
import { decodeCommitMetadata, encodeCommitMetadata } from "../../../src/engine/commit-metadata.ts";
import type { RunId } from "../../../src/engine/ports.ts";
import { SettledOffsets } from "../../../src/engine/settled-offsets.ts";
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

describe("failed attempts that the last owner counted", () => {
  /** Of offsets 3, 4 and 250, none of which is settled. */
  const committed = {
    offset: 3,
    metadata: encodeCommitMetadata(new SettledOffsets(3), [
      [3, 2],
      [4, 1],
      [250, 1],
    ]).metadata,
  };

  /** Of those that the last commit tells to a successor. */
  function told(driver: TrackerDriver): ReadonlyMap<number, number> {
    const { offset, metadata } = driver.lastCommit()!.offsets[0]!;
    const known = decodeCommitMetadata(metadata, offset);
    if (known.type !== "known") throw new Error("its own metadata is foreign");
    return known.attempts;
  }

  test("are forgotten with the records that retention took, and are nobody else's", () => {
    const driver = new TrackerDriver();
    driver.begin({ committed, logStartOffset: 200, logEndOffset: 300 });
    expect(told(driver)).toEqual(new Map([[250, 1]]));
  });

  test("are forgotten with the records that compaction took", () => {
    const driver = new TrackerDriver();
    driver.begin({ committed, logStartOffset: 3, logEndOffset: 300 });
    driver.receive([3, 5]);
    driver.receive([], { next: 300 });
    driver.confirmCommits();
    expect(told(driver)).toEqual(new Map([[3, 2]]));
  });
});
