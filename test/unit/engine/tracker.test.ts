import { describe, expect, test } from "bun:test";
import { showUtf8, utf8 } from "../../../src/base/bytes.ts";
import { decodeCommitMetadata, encodeCommitMetadata } from "../../../src/engine/commit-metadata.ts";
import type { RunId } from "../../../src/engine/ports.ts";
import { SettledOffsets } from "../../../src/engine/settled-offsets.ts";
import { runResult, TrackerDriver } from "../../support/tracker-driver.ts";

const failed = { type: "exited", code: 3 } as const;

describe("from receipt to settlement", () => {
  test("a record is released only after its output is acknowledged and its offset committed", () => {
    const driver = new TrackerDriver();
    driver.begin();
    driver.confirmCommits();
    driver.receive([0]);
    const run = driver.runOf(0);
    driver.step({ type: "started", runId: run, place: "a1" });
    driver.end(run, undefined, "HELLO");
    expect(driver.released(run)).toBe(false);
    expect(driver.lastCommit()?.offsets[0]?.offset).toBe(0);
    driver.acknowledgeSends();
    expect(driver.released(run)).toBe(false);
    expect(driver.lastCommit()?.offsets).toEqual([{ partition: 0, offset: 1, metadata: "" }]);
    driver.confirmCommits();
    expect(driver.released(run)).toBe(true);
    expect(driver.tracker.view().inFlight).toEqual({ records: 0, bytes: 0, runs: 0 });
  });

  test("the output carries the input's key and headers, and stdout byte for byte", () => {
    const driver = new TrackerDriver();
    driver.begin();
    driver.receive([7], { key: "k" });
    driver.end(driver.runOf(7), undefined, "Grüße\n");
    const [output] = driver.all("send")[0]!.records;
    expect(output?.topic).toBe("out");
    expect(showUtf8(output!.key!)).toBe("k");
    expect(showUtf8(output!.value!)).toBe("Grüße\n");
    expect(output!.headers.map(([name, value]) => [name, showUtf8(value!)])).toEqual([["trace", "t7"]]);
  });

  test("the commit watermark stays below a record whose output is not acknowledged", () => {
    const driver = new TrackerDriver();
    driver.begin();
    driver.confirmCommits();
    driver.receive([0, 1, 2]);
    for (const offset of [1, 2]) driver.end(driver.runOf(offset));
    driver.acknowledgeSends();
    driver.confirmCommits();
    const [commit] = driver.lastCommit()!.offsets;
    expect(commit?.offset).toBe(0);
    const known = decodeCommitMetadata(commit!.metadata, 0);
    expect(known.type === "known" && known.runs).toEqual([[1, 3]]);
    driver.end(driver.runOf(0));
    driver.acknowledgeSends();
    expect(driver.lastCommit()?.offsets[0]).toEqual({ partition: 0, offset: 3, metadata: "" });
  });

  test("offsets that nobody can read do not hold the watermark, so that lag reaches 0", () => {
    const driver = new TrackerDriver();
    driver.begin();
    driver.confirmCommits();
    driver.receive([3, 7], { next: 12 });
    for (const offset of [3, 7]) driver.end(driver.runOf(offset));
    driver.acknowledgeSends();
    driver.confirmCommits();
    expect(driver.lastCommit()?.offsets[0]?.offset).toBe(12);
  });

  test("commits are grouped: one at a time, with everything that became durable meanwhile", () => {
    const driver = new TrackerDriver();
    driver.begin();
    driver.confirmCommits();
    const before = driver.all("commit").length;
    driver.receive([0, 1, 2, 3]);
    for (const offset of [0, 1, 2, 3]) {
      driver.end(driver.runOf(offset));
      driver.acknowledgeSends();
    }
    expect(driver.all("commit").length).toBe(before + 1);
    driver.confirmCommits();
    expect(driver.all("commit").length).toBe(before + 2);
    expect(driver.lastCommit()?.offsets[0]?.offset).toBe(4);
  });

  test("nothing is launched before the runner knows what runs", () => {
    const driver = new TrackerDriver();
    driver.assign();
    driver.receive([0]);
    expect(driver.all("run")).toEqual([]);
    driver.step({ type: "ready" });
    expect(driver.all("run").length).toBe(1);
  });

  test("no more than the concurrency runs at once, in the order of receipt", () => {
    const driver = new TrackerDriver({ concurrency: 2 });
    driver.begin();
    driver.receive([0, 1, 2]);
    expect(driver.all("run").map(({ run }) => run.record.offset)).toEqual([0, 1]);
    driver.end(driver.runOf(1));
    expect(driver.all("run").map(({ run }) => run.record.offset)).toEqual([0, 1, 2]);
  });
});

describe("failures", () => {
  test("a failed attempt is acknowledged at once and tried again after a pause", () => {
    const driver = new TrackerDriver();
    driver.begin();
    driver.receive([0]);
    const first = driver.runOf(0);
    driver.end(first, failed);
    expect(driver.released(first)).toBe(true);
    expect(driver.runsOf(0)).toBe(1);
    driver.advance(driver.tracker.wakeMs! - driver.nowMs);
    expect(driver.runsOf(0)).toBe(2);
    expect(driver.all("run").at(-1)?.run.attempt).toBe(2);
  });

  test("the failure that decides is acknowledged only once its error record is committed", () => {
    const driver = new TrackerDriver({ retry: { attempts: 1, initialBackoffMs: 1, maxBackoffMs: 1, maxAgeMs: 1 } });
    driver.begin();
    driver.receive([0]);
    const run = driver.runOf(0);
    driver.end(run, failed);
    driver.acknowledgeSends();
    expect(driver.released(run)).toBe(false);
    driver.confirmCommits();
    expect(driver.released(run)).toBe(true);
  });

  test("a failed attempt is counted in the next commit, though nothing is settled by it", () => {
    const driver = new TrackerDriver();
    driver.begin({ committed: { offset: 0, metadata: "" } });
    driver.receive([0]);
    driver.end(driver.runOf(0), failed);
    const [commit] = driver.lastCommit()!.offsets;
    expect(decodeCommitMetadata(commit!.metadata, 0)).toEqual({ type: "known", runs: [], attempts: new Map([[0, 1]]) });
  });

  test("after the last attempt the error topic gets the reason, the origin and what the program printed", () => {
    const driver = new TrackerDriver();
    driver.begin();
    driver.receive([5]);
    for (let attempt = 1; attempt <= 3; attempt++) {
      driver.end(driver.runOf(5), failed, "partial");
      if (attempt < 3) driver.advance(60_000);
    }
    expect(driver.runsOf(5)).toBe(3);
    const [error] = driver.all("send")[0]!.records;
    const headers = Object.fromEntries(error!.headers.map(([name, value]) => [name, showUtf8(value!)]));
    expect(error?.topic).toBe("errors");
    expect(showUtf8(error!.value!)).toBe("partial");
    expect(headers).toMatchObject({
      trace: "t5",
      "brigade.error.topic": "in",
      "brigade.error.offset": "5",
      "brigade.error.attempts": "3",
      "brigade.error.reason": "exit code 3",
      "brigade.error.exit-code": "3",
    });
  });

  test("exit 65 goes straight to the error topic, exit 75 is no attempt", () => {
    const driver = new TrackerDriver();
    driver.begin();
    driver.receive([0, 1]);
    driver.end(driver.runOf(0), { type: "exited", code: 65 });
    expect(driver.all("send").length).toBe(1);
    for (let i = 0; i < 10; i++) {
      driver.end(driver.runOf(1), { type: "exited", code: 75 });
      driver.advance(60_000);
    }
    expect(driver.all("send").length).toBe(1);
    expect(driver.all("run").at(-1)?.run.attempt).toBe(1);
    driver.advance(86_400_000);
    driver.end(driver.runOf(1), { type: "exited", code: 75 });
    expect(driver.all("send").length).toBe(2);
  });

  test("a processor that cannot run pauses, probes with one record and goes on", () => {
    const driver = new TrackerDriver({ concurrency: 3 });
    driver.begin();
    driver.receive([0, 1, 2, 3]);
    const missing = { type: "not-startable", reason: "program-not-found", message: "no such file" } as const;
    for (const offset of [0, 1, 2]) driver.end(driver.runOf(offset), missing);
    expect(driver.tracker.view().pausedBecause).toContain("program-not-found");
    expect(driver.all("run").length).toBe(3);
    driver.advance(1000);
    expect(driver.all("run").length).toBe(4);
    driver.end(driver.runOf(0), missing);
    driver.advance(driver.tracker.wakeMs! - driver.nowMs);
    expect(driver.all("run").length).toBe(5);
    driver.end(driver.runOf(0));
    expect(driver.tracker.view().pausedBecause).toBeUndefined();
    expect(driver.all("run").length).toBe(8);
    expect(driver.all("send").length).toBe(1);
  });

  test("an executor that ends while it starts pauses the processor; its runs are counted again, and suspect no record", () => {
    const driver = new TrackerDriver({ concurrency: 2 });
    driver.begin();
    driver.receive([0, 1, 2]);
    const message = "Container exited with status 1";
    const lost = { type: "lost", reason: "executor-start-failed", dead: true, message } as const;
    for (const offset of [0, 1]) driver.step({ ...lost, runId: driver.runOf(offset) });
    expect(driver.tracker.view().pausedBecause).toBe("executor-start-failed: Container exited with status 1");
    for (let runs = 3; runs <= 6; runs++) {
      driver.advance(60_000);
      expect(driver.all("run").length).toBe(runs);
      driver.step({ ...lost, runId: driver.all("run").at(-1)!.run.id });
    }
    driver.advance(60_000);
    driver.end(driver.all("run").at(-1)!.run.id);
    expect(driver.tracker.view().pausedBecause).toBeUndefined();
    expect(driver.all("run").every(({ run }) => !run.alone && run.attempt === 1)).toBe(true);
    expect(driver.all("note").some(({ note }) => note.type === "rerun" && note.reason === lost.reason)).toBe(true);
  });

  test("a lost run is no attempt: it runs again elsewhere, and alone after three losses", () => {
    const driver = new TrackerDriver();
    driver.begin();
    driver.receive([0]);
    for (let loss = 1; loss <= 3; loss++) {
      driver.step({ type: "lost", runId: driver.runOf(0), reason: "executor-lost", dead: true, message: "" });
      driver.advance(60_000);
    }
    const last = driver.all("run").at(-1)!.run;
    expect(last.attempt).toBe(1);
    expect(last.alone).toBe(true);
    const reruns = driver.all("note").filter(({ note }) => note.type === "rerun");
    expect(reruns.length).toBe(3);
  });

  test("a last failure that waited for a twin decides when the twin is lost", () => {
    const driver = new TrackerDriver({ retry: { attempts: 1, initialBackoffMs: 1, maxBackoffMs: 1, maxAgeMs: 1 } });
    driver.begin();
    driver.receive([0]);
    const first = driver.runOf(0);
    driver.step({ type: "lost", runId: first, reason: "agent-unreachable", dead: false, message: "gone" });
    driver.advance(60_000);
    driver.end(first, failed);
    driver.step({ type: "lost", runId: driver.runOf(0), reason: "framework-removed", dead: false, message: "gone" });
    expect(driver.all("send")[0]!.records[0]!.headers).toContainEqual(["brigade.error.reason", utf8("exit code 3")]);
  });

  test("a run that is lost through nothing near it makes no suspect of its record", () => {
    const driver = new TrackerDriver();
    driver.begin();
    driver.receive([0]);
    for (const reason of ["framework-removed", "task-unknown", "daemon-lost", "daemon-lost"] as const) {
      driver.step({ type: "lost", runId: driver.runOf(0), reason, dead: true, message: "gone" });
      driver.advance(60_000);
    }
    expect(driver.all("run").map(({ run }) => [run.alone, run.attempt])).toEqual(
      Array.from({ length: 5 }, () => [false, 1]),
    );
  });

  test("a daemon that stays away is asked at growing intervals", () => {
    const driver = new TrackerDriver();
    driver.begin();
    driver.receive([0]);
    for (let loss = 1; loss <= 10; loss++) {
      driver.step({ type: "lost", runId: driver.runOf(0), reason: "daemon-lost", dead: true, message: "gone" });
      driver.advance(60_000);
    }
    const runs = driver.all("run").length;
    driver.step({ type: "lost", runId: driver.runOf(0), reason: "daemon-lost", dead: true, message: "gone" });
    // The longest pause is 30 s, of which half is left to chance.
    driver.advance(14_000);
    expect(driver.all("run").length).toBe(runs);
    driver.advance(16_000);
    expect(driver.all("run").length).toBe(runs + 1);
  });

  test("a run on an unreachable agent that ends after all wins over its successor", () => {
    const driver = new TrackerDriver();
    driver.begin();
    driver.receive([0]);
    const first = driver.runOf(0);
    driver.step({ type: "lost", runId: first, reason: "agent-unreachable", dead: false, message: "" });
    driver.advance(60_000);
    const second = driver.runOf(0);
    expect(second).not.toBe(first);
    driver.end(first, undefined, "from the first");
    expect(driver.all("cancel").map(({ runId }) => runId)).toEqual([second]);
    expect(driver.released(second)).toBe(true);
    driver.end(second, undefined, "too late");
    driver.acknowledgeSends();
    driver.confirmCommits();
    expect(driver.all("send").length).toBe(1);
    expect(driver.released(first)).toBe(true);
  });

  test("a last attempt on an unreachable agent that fails after all leaves nothing for a successor", () => {
    const driver = new TrackerDriver({ retry: { attempts: 1, initialBackoffMs: 1, maxBackoffMs: 1, maxAgeMs: 1 } });
    driver.begin();
    driver.receive([0]);
    const run = driver.runOf(0);
    driver.step({ type: "lost", runId: run, reason: "agent-unreachable", dead: false, message: "gone" });
    driver.end(run, failed);
    expect(driver.all("send").map(({ records }) => records[0]?.topic)).toEqual(["errors"]);
    driver.advance(60_000);
    expect(driver.runsOf(0)).toBe(1);
  });

  test("a last attempt that fails late leaves nothing for a run that only waits for room", () => {
    const driver = new TrackerDriver({ retry: { attempts: 2, initialBackoffMs: 1, maxBackoffMs: 1, maxAgeMs: 1 } });
    driver.begin();
    driver.receive([0]);
    const away = driver.runOf(0);
    driver.step({ type: "lost", runId: away, reason: "agent-unreachable", dead: false, message: "gone" });
    driver.advance(60_000);
    driver.end(driver.runOf(0), failed);
    driver.advance(60_000);
    const waiting = driver.runOf(0);
    driver.end(away, failed);
    expect(driver.all("cancel").map(({ runId }) => runId)).toEqual([waiting]);
    expect(driver.all("send").map(({ records }) => records[0]?.topic)).toEqual(["errors"]);
  });

  test("an output that Kafka refuses becomes an error record", () => {
    const driver = new TrackerDriver();
    driver.begin();
    driver.receive([0]);
    driver.end(driver.runOf(0), undefined, "big");
    const { sendId } = driver.all("send")[0]!;
    driver.step({
      type: "send-failed",
      sendId,
      failure: { type: "record-refused", message: "too large", tooLarge: true },
    });
    expect(driver.all("send")[1]?.records[0]?.topic).toBe("errors");
  });

  test("a missing output topic pauses the processor; the outputs are kept and sent without another run", () => {
    const driver = new TrackerDriver();
    driver.begin();
    driver.receive([0]);
    driver.end(driver.runOf(0), undefined, "kept");
    const { sendId } = driver.all("send")[0]!;
    driver.step({ type: "send-failed", sendId, failure: { type: "topic-refused", message: "no topic out" } });
    expect(driver.tracker.view().pausedBecause).toBe("no topic out");
    driver.advance(60_000);
    expect(driver.all("send").length).toBe(2);
    driver.step({ type: "sent", sendId: driver.all("send")[1]!.sendId });
    expect(driver.tracker.view().pausedBecause).toBeUndefined();
    expect(driver.runsOf(0)).toBe(1);
  });
});

describe("ownership", () => {
  test("a partition that comes back unchanged keeps its runs", () => {
    const driver = new TrackerDriver();
    driver.begin({ committed: { offset: 4, metadata: "" }, logEndOffset: 9 });
    driver.receive([4, 5]);
    const run = driver.runOf(4);
    const commands = driver.assign({ committed: { offset: 4, metadata: "" }, logEndOffset: 9 });
    expect(commands).toContainEqual({ type: "seek", epoch: 2, partition: 0, offset: 6 });
    expect(driver.all("cancel")).toEqual([]);
    driver.end(run);
    driver.acknowledgeSends();
    expect(driver.lastCommit()?.epoch).toBe(2);
    expect(driver.lastCommit()?.offsets[0]?.offset).toBe(5);
  });

  test("a partition that another owner had is read anew, and its old runs are cancelled", () => {
    const driver = new TrackerDriver();
    driver.begin({ committed: { offset: 4, metadata: "" }, logEndOffset: 9 });
    driver.receive([4, 5]);
    const run = driver.runOf(4);
    const commands = driver.assign({ committed: { offset: 5, metadata: "" }, logEndOffset: 9 });
    expect(commands).toContainEqual({ type: "seek", epoch: 2, partition: 0, offset: 5 });
    expect(driver.released(run)).toBe(true);
    driver.end(run);
    driver.receive([5]);
    expect(driver.runsOf(4)).toBe(1);
    expect(driver.runsOf(5)).toBe(2);
  });

  test("a commit without an answer that was carried out all the same counts as done", () => {
    const driver = new TrackerDriver();
    driver.begin({ committed: { offset: 0, metadata: "" }, logEndOffset: 1 });
    driver.receive([0]);
    const run = driver.runOf(0);
    driver.end(run);
    driver.acknowledgeSends();
    const { commitId } = driver.lastCommit()!;
    driver.assign({ committed: { offset: 1, metadata: "" }, logEndOffset: 1 });
    expect(driver.released(run)).toBe(true);
    driver.step({ type: "commit-failed", commitId, failure: "stale" });
    expect(driver.all("commit").length).toBe(1);
  });

  test("a commit without an answer counts also where others were tried in vain after it", () => {
    const driver = new TrackerDriver({ concurrency: 3 });
    driver.begin({ committed: { offset: 0, metadata: "" }, logEndOffset: 3 });
    driver.receive([0, 1, 2]);
    const runs = [0, 1, 2].map((offset) => driver.runOf(offset));
    driver.end(runs[0]!);
    driver.acknowledgeSends();
    const [carriedOut] = driver.lastCommit()!.offsets;
    driver.failLastCommit("stale");
    driver.end(runs[1]!);
    driver.acknowledgeSends();
    driver.failLastCommit("stale");
    driver.assign({ committed: { offset: 1, metadata: carriedOut!.metadata }, logEndOffset: 3 });
    expect(carriedOut?.offset).toBe(1);
    expect(runs.map((run) => driver.released(run))).toEqual([true, false, false]);
    expect(driver.all("cancel")).toEqual([]);
    driver.step({ type: "committed", commitId: driver.lastCommit()!.commitId });
    expect(runs.map((run) => driver.released(run))).toEqual([true, true, false]);
  });

  test("a commit that went stale is sent again with the next assignment, though it settled no record", () => {
    const driver = new TrackerDriver();
    driver.begin({ logEndOffset: 3 });
    driver.confirmCommits();
    driver.receive([], { next: 3 });
    expect(driver.lastCommit()?.offsets[0]?.offset).toBe(3);
    driver.failLastCommit("stale");
    driver.assign({ committed: { offset: 0, metadata: "" }, logEndOffset: 3 });
    expect(driver.all("commit")).toHaveLength(3);
    expect(driver.lastCommit()).toMatchObject({ epoch: 2, offsets: [{ offset: 3 }] });
  });

  test("records that the last owner had settled above the watermark do not run again", () => {
    const first = new TrackerDriver();
    first.begin();
    first.confirmCommits();
    first.receive([0, 1, 2, 3]);
    for (const offset of [1, 3]) first.end(first.runOf(offset));
    first.end(first.runOf(2), failed);
    first.acknowledgeSends();
    first.confirmCommits();
    const committed = first.lastCommit()!.offsets[0]!;

    const second = new TrackerDriver();
    second.begin({ committed, logEndOffset: 4 });
    second.receive([0, 1, 2, 3]);
    expect(second.all("run").map(({ run }) => [run.record.offset, run.attempt])).toEqual([
      [0, 1],
      [2, 2],
    ]);
  });

  test("`from: latest` holds for a new group only, and its start is committed at once", () => {
    const driver = new TrackerDriver({ from: "latest" });
    driver.begin({ logEndOffset: 40 });
    expect(driver.lastCommit()?.offsets).toEqual([{ partition: 0, offset: 40, metadata: "" }]);
    const later = new TrackerDriver({ from: "latest" });
    later.begin({ committed: { offset: 2, metadata: "" }, logEndOffset: 40 }, { logEndOffset: 9 });
    expect(later.all("seek").map(({ offset }) => offset)).toEqual([2, 0]);
  });

  test("below the start of the log it goes on there and says how many records are gone", () => {
    const driver = new TrackerDriver();
    driver.begin({ committed: { offset: 3, metadata: "" }, logStartOffset: 10, logEndOffset: 20 });
    expect(driver.all("seek")[0]?.offset).toBe(10);
    expect(driver.all("note")).toContainEqual({ type: "note", note: { type: "expired", partition: 0, records: 7 } });
  });

  test("where retention passed what it read, it goes on at the start of the log with its runs as they are", () => {
    const driver = new TrackerDriver();
    driver.begin({ committed: { offset: 0, metadata: "" }, logEndOffset: 2 });
    driver.receive([0, 1]);
    const commands = driver.assign({ committed: { offset: 0, metadata: "" }, logStartOffset: 7, logEndOffset: 9 });
    expect(commands).toContainEqual({ type: "note", note: { type: "expired", partition: 0, records: 5 } });
    expect(commands).toContainEqual({ type: "seek", epoch: 2, partition: 0, offset: 7 });
    expect(driver.all("cancel")).toEqual([]);
    for (const offset of [0, 1]) driver.end(driver.runOf(offset));
    driver.acknowledgeSends();
    driver.confirmCommits();
    expect(driver.lastCommit()?.offsets[0]?.offset).toBe(7);
  });

  test("a log that ends below what was read is read anew from what is committed", () => {
    const driver = new TrackerDriver();
    driver.begin({ committed: { offset: 1, metadata: "" }, logEndOffset: 9 });
    driver.receive([1, 2, 3]);
    const commands = driver.assign({ committed: { offset: 1, metadata: "" }, logEndOffset: 2 });
    expect(commands).toContainEqual({ type: "seek", epoch: 2, partition: 0, offset: 1 });
  });

  test("metadata that the broker finds too long becomes shorter", () => {
    const driver = new TrackerDriver({ concurrency: 200 }, { metadataLimitBytes: 40 });
    driver.begin();
    driver.confirmCommits();
    driver.receive(Array.from({ length: 200 }, (_, offset) => offset));
    for (let offset = 1; offset < 200; offset += 2) driver.end(driver.runOf(offset));
    driver.acknowledgeSends();
    driver.confirmCommits();
    const long = driver.lastCommit()!.offsets[0]!.metadata.length;
    driver.end(driver.runOf(150));
    driver.acknowledgeSends();
    const { commitId } = driver.lastCommit()!;
    driver.step({ type: "commit-failed", commitId, failure: "metadata-too-large" });
    expect(driver.lastCommit()!.offsets[0]!.metadata.length).toBeLessThan(long);
  });

  test("a topic made anew is not read from anywhere: a person is asked", () => {
    const driver = new TrackerDriver();
    driver.begin({ committed: { offset: 30, metadata: "" }, logEndOffset: 20 });
    expect(driver.all("seek")).toEqual([]);
    expect(driver.tracker.view().pausedBecause).toContain("made anew");
  });
});

describe("adoption", () => {
  const old = "upper_in_0_2-1.7" as RunId;

  test("a run of an earlier life is not started again, and its early result waits for its record", () => {
    const driver = new TrackerDriver();
    driver.step({ type: "adopted", runId: old, partition: 0, offset: 2 });
    driver.end(old, undefined, "early");
    driver.begin({ logEndOffset: 3 });
    expect(driver.released(old)).toBe(false);
    driver.receive([0, 1, 2]);
    expect(driver.runsOf(2)).toBe(0);
    expect(showUtf8(driver.all("send")[0]!.records[0]!.value!)).toBe("early");
    driver.acknowledgeSends();
    driver.confirmCommits();
    driver.confirmCommits();
    expect(driver.released(old)).toBe(true);
  });

  test("a run that is lost before its record is read is a second run's cause, and let go only when that is known", () => {
    const driver = new TrackerDriver();
    driver.step({ type: "adopted", runId: old, partition: 0, offset: 2 });
    driver.step({ type: "lost", runId: old, reason: "executor-lost", dead: true, message: "gone" });
    driver.begin({ committed: { offset: 2, metadata: "" }, logEndOffset: 3 });
    expect(driver.released(old)).toBe(false);
    driver.receive([2]);
    expect(driver.released(old)).toBe(true);
    driver.advance(1000);
    expect(driver.runsOf(2)).toBe(1);
    const notes = driver.all("note").map(({ note }) => note);
    expect(notes).toContainEqual({ type: "lost", partition: 0, offset: 2, reason: "executor-lost", message: "gone" });
    expect(notes).toContainEqual({ type: "rerun", reason: "executor-lost" });
  });

  test("of two runs of a record the one that was lost starts none anew while the other is alive, or has succeeded", () => {
    for (const hasEnded of [true, false]) {
      const twin = "upper_in_0_2-2.1" as RunId;
      const driver = new TrackerDriver();
      for (const runId of [old, twin]) driver.step({ type: "adopted", runId, partition: 0, offset: 2 });
      driver.step({ type: "lost", runId: old, reason: "executor-lost", dead: true, message: "gone" });
      if (hasEnded) driver.end(twin, undefined, "twin");
      driver.begin({ committed: { offset: 2, metadata: "" }, logEndOffset: 3 });
      driver.receive([2]);
      if (!hasEnded) driver.end(twin, undefined, "twin");
      driver.advance(1000);
      expect(driver.runsOf(2)).toBe(0);
      driver.acknowledgeSends();
      driver.confirmCommits();
      expect(driver.all("send")).toHaveLength(1);
      expect(driver.all("release").map(({ runId }) => runId)).toEqual([old, twin]);
    }
  });

  test("a run that an executor ended when it was told to leave is a loss, and noted as one", () => {
    const driver = new TrackerDriver();
    driver.begin();
    driver.receive([0]);
    driver.step({ type: "started", runId: driver.runOf(0), place: "a1" });
    driver.end(driver.runOf(0), { type: "killed" });
    const losses = driver.all("note").filter(({ note }) => note.type === "lost");
    expect(losses.map(({ note }) => note)).toMatchObject([{ offset: 0, reason: "executor-lost" }]);
  });

  test("a run that was ended before it was sent anywhere is no loss", () => {
    const driver = new TrackerDriver();
    driver.begin();
    driver.receive([0]);
    driver.end(driver.runOf(0), { type: "killed" });
    expect(driver.all("note").filter(({ note }) => note.type === "lost")).toEqual([]);
    expect(driver.runsOf(0)).toBe(2);
  });

  test("a run that is found late takes the place of one that only waits for room", () => {
    const driver = new TrackerDriver({ concurrency: 1 });
    driver.begin();
    driver.receive([2, 3]);
    const waiting = driver.runOf(2);
    driver.step({ type: "adopted", runId: old, partition: 0, offset: 2 });
    expect(driver.released(waiting)).toBe(true);
    expect(driver.runsOf(3)).toBe(0); // what was found takes the only slot
    driver.end(old);
    expect(driver.runsOf(2)).toBe(1);
    expect(driver.runsOf(3)).toBe(1);
  });

  test("a run that is found late does not end one that has been sent", () => {
    const driver = new TrackerDriver();
    driver.begin();
    driver.receive([2]);
    driver.step({ type: "started", runId: driver.runOf(2), place: "a1" });
    driver.step({ type: "adopted", runId: old, partition: 0, offset: 2 });
    expect(driver.released(driver.runOf(2))).toBe(false);
  });

  test("a run whose record is settled already is cancelled and released", () => {
    const driver = new TrackerDriver();
    driver.begin({ committed: { offset: 9, metadata: "" }, logEndOffset: 9 });
    driver.step({ type: "adopted", runId: old, partition: 0, offset: 2 });
    expect(driver.all("cancel").map(({ runId }) => runId)).toEqual([old]);
    expect(driver.released(old)).toBe(true);
  });

  test("a run that was found before the assignment is let go once its record turns out to be settled", () => {
    const driver = new TrackerDriver();
    driver.step({ type: "adopted", runId: old, partition: 0, offset: 2 });
    driver.end(old, undefined, "early");
    driver.begin({ committed: { offset: 9, metadata: "" }, logEndOffset: 9 });
    expect(driver.released(old)).toBe(true);
  });

  test("the last attempt that failed in an earlier life is not run again, whatever that life had counted", () => {
    for (const counted of ["", encodeCommitMetadata(new SettledOffsets(2), [[2, 3]]).metadata]) {
      const driver = new TrackerDriver();
      driver.step({ type: "adopted", runId: old, partition: 0, offset: 2 });
      driver.step({ type: "ended", runId: old, result: { ...runResult(failed), attempt: 3 } });
      driver.begin({ committed: { offset: 2, metadata: counted }, logEndOffset: 3 });
      driver.receive([2]);
      expect(driver.runsOf(2)).toBe(0);
      const { headers } = driver.all("send")[0]!.records[0]!;
      expect(headers).toContainEqual(["brigade.error.attempts", utf8("3")]);
    }
  });

  test("a run of a partition that another member has is let go after a while", () => {
    const driver = new TrackerDriver({}, { foreignHoldMs: 1000 });
    driver.step({ type: "adopted", runId: old, partition: 5, offset: 2 });
    driver.begin();
    driver.advance(999);
    expect(driver.released(old)).toBe(false);
    expect(driver.tracker.wakeMs).toBe(1000);
    driver.advance(1);
    expect(driver.released(old)).toBe(true);
  });

  test("a run of a partition that comes from a member which had died meanwhile keeps its result", () => {
    const driver = new TrackerDriver({}, { foreignHoldMs: 1000 });
    driver.begin();
    driver.step({ type: "adopted", runId: old, partition: 1, offset: 2 });
    driver.end(old, undefined, "early");
    driver.advance(900);
    driver.assign({}, { logEndOffset: 3 });
    driver.advance(900);
    driver.receive([2], { partition: 1 });
    expect(driver.runsOf(2)).toBe(0);
    expect(showUtf8(driver.all("send")[0]!.records[0]!.value!)).toBe("early");
  });
});

describe("order", () => {
  test("records of one key run one at a time, and the next starts when the output before it is acknowledged", () => {
    const driver = new TrackerDriver({ ordering: "key" });
    driver.begin();
    driver.receive([0, 1], { key: "a" });
    driver.receive([2], { key: "b" });
    expect(driver.all("run").map(({ run }) => run.record.offset)).toEqual([0, 2]);
    driver.end(driver.runOf(0), failed);
    driver.advance(60_000);
    expect(driver.runsOf(1)).toBe(0);
    driver.end(driver.runOf(0));
    expect(driver.runsOf(1)).toBe(0);
    driver.acknowledgeSends();
    expect(driver.runsOf(1)).toBe(1);
  });

  test("records without a key are not ordered by key, but are by partition", () => {
    const byKey = new TrackerDriver({ ordering: "key" });
    byKey.begin();
    byKey.receive([0, 1]);
    expect(byKey.all("run").length).toBe(2);
    const byPartition = new TrackerDriver({ ordering: "partition" });
    byPartition.begin();
    byPartition.receive([0, 1]);
    expect(byPartition.all("run").length).toBe(1);
  });
});

describe("bounds and modes", () => {
  test("reading pauses at the bound and goes on at three quarters of it", () => {
    const driver = new TrackerDriver({ concurrency: 2 }, { minWindow: 4 });
    driver.begin();
    driver.receive([0, 1, 2, 3]);
    expect(driver.all("pause")).toEqual([{ type: "pause", partitions: [0] }]);
    const before = driver.all("resume").length;
    for (const offset of [0, 1]) {
      driver.end(driver.runOf(offset));
      driver.acknowledgeSends();
      driver.confirmCommits();
    }
    expect(driver.all("resume").length).toBe(before + 1);
  });

  test("a rebalance that gives a partition back does not read on at the longest span", () => {
    const driver = new TrackerDriver({}, { maxSpan: 5 });
    driver.begin({ logEndOffset: 9 });
    driver.receive([0, 1, 2, 3, 4]);
    driver.confirmCommits();
    const commands = driver.assign({ committed: { offset: 0, metadata: "" }, logEndOffset: 9 });
    expect(commands.some(({ type }) => type === "resume")).toBe(false);
  });

  test("a record that holds the watermark stops reading at the longest span", () => {
    const driver = new TrackerDriver({}, { maxSpan: 3 });
    driver.begin();
    driver.receive([0, 1, 2]);
    expect(driver.all("pause").length).toBe(1);
    driver.end(driver.runOf(0));
    driver.acknowledgeSends();
    expect(driver.all("resume").length).toBe(2);
  });

  test("settle starts nothing more and is over when what ended is committed", () => {
    const driver = new TrackerDriver({ concurrency: 1 });
    driver.begin();
    driver.confirmCommits();
    driver.receive([0, 1]);
    driver.end(driver.runOf(0));
    const runs = driver.all("run").length;
    driver.step({ type: "mode", mode: "settle" });
    expect(driver.tracker.finished).toBe(false);
    driver.acknowledgeSends();
    driver.confirmCommits();
    expect(driver.tracker.finished).toBe(true);
    expect(driver.all("run").length).toBe(runs);
  });

  test("drain reads no more and finishes all that it holds", () => {
    const driver = new TrackerDriver({ concurrency: 1 });
    driver.begin();
    driver.receive([0, 1]);
    driver.step({ type: "mode", mode: "drain" });
    expect(driver.all("pause").length).toBe(1);
    for (const offset of [0, 1]) {
      expect(driver.tracker.finished).toBe(false);
      driver.end(driver.runOf(offset));
      driver.acknowledgeSends();
    }
    driver.confirmCommits();
    driver.confirmCommits();
    expect(driver.tracker.finished).toBe(true);
  });
});
