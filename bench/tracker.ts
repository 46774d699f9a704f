/**
 * The tracker alone: how many events it takes a second, and what a record costs that is open.
 *
 * Baseline: the least that any tracker must do, a Map from offset to an object with four fields, set and deleted once.
 */

import { noBytes } from "../src/base/bytes.ts";
import type { InputRecord, RunResult } from "../src/engine/ports.ts";
import { Tracker } from "../src/engine/tracker.ts";
import type { TrackerCommand } from "../src/engine/tracker-events.ts";
import { defaultTrackerOptions } from "../src/engine/tracker-options.ts";
import { processorSpec } from "../test/support/specs.ts";
import { report, rounds, spread } from "./support.ts";

const RECORDS = 200_000;
const OPEN = 1_000_000;
const BATCH = 500;
const CONCURRENCY = 64;

const result: RunResult = {
  outcome: { type: "succeeded" },
  stdout: noBytes,
  stderrTail: noBytes,
  durationMs: 1,
  specVersion: "v1",
};

function recordAt(offset: number): InputRecord {
  return { topic: "in", partition: 0, offset, timestampMs: offset, key: null, value: noBytes, headers: [] };
}

function newTracker(concurrency: number, window: number): Tracker {
  const spec = processorSpec({ concurrency, maxInFlightBytes: Number.MAX_SAFE_INTEGER });
  const tracker = new Tracker(spec, "bench", { ...defaultTrackerOptions, minWindow: window, maxSpan: 10 * OPEN });
  tracker.step({ type: "ready" }, 0);
  const partition = { partition: 0, committed: null, logStartOffset: 0, logEndOffset: 0 };
  tracker.step({ type: "assigned", epoch: 1, partitions: [partition] }, 0);
  return tracker;
}

/** The whole life of every record: received, run, started, ended, sent, committed, released. */
function wholeLives(): { events: number; seconds: number } {
  const tracker = newTracker(CONCURRENCY, 2 * BATCH);
  const queue: TrackerCommand[] = [];
  let events = 0;
  let nowMs = 0;
  const step = (event: Parameters<Tracker["step"]>[0]): void => {
    events++;
    queue.push(...tracker.step(event, nowMs));
  };
  const start = performance.now();
  for (let offset = 0; offset < RECORDS; offset += BATCH) {
    const records = Array.from({ length: BATCH }, (_, index) => recordAt(offset + index));
    const nextOffset = offset + BATCH;
    step({ type: "received", epoch: 1, partition: 0, records, nextOffset, highWatermark: RECORDS });
    for (let at = 0; at < queue.length; at++) {
      const command = queue[at];
      nowMs += 0.05;
      if (command?.type === "run") {
        step({ type: "started", runId: command.run.id, place: "a" });
        step({ type: "ended", runId: command.run.id, result });
      } else if (command?.type === "send") step({ type: "sent", sendId: command.sendId });
      else if (command?.type === "commit") step({ type: "committed", commitId: command.commitId });
    }
    queue.length = 0;
  }
  return { events, seconds: (performance.now() - start) / 1000 };
}

function baseline(): { operations: number; seconds: number } {
  const map = new Map<number, { record: InputRecord; phase: string; attempts: number; at: number }>();
  const start = performance.now();
  for (let offset = 0; offset < RECORDS; offset++) {
    map.set(offset, { record: recordAt(offset), phase: "ready", attempts: 0, at: offset });
    if (offset >= BATCH) map.delete(offset - BATCH);
  }
  return { operations: 2 * RECORDS, seconds: (performance.now() - start) / 1000 };
}

function heapBytes(): number {
  Bun.gc(true);
  return process.memoryUsage().heapUsed;
}

/** One million records, received and not settled. The input's own objects are counted apart. */
function openRecords(): { bytesPerRecord: number; eventsPerSecond: number } {
  const records = Array.from({ length: OPEN }, (_, offset) => recordAt(offset));
  const tracker = newTracker(CONCURRENCY, 2 * OPEN);
  const before = heapBytes();
  for (let offset = 0; offset < OPEN; offset += BATCH) {
    const batch = records.slice(offset, offset + BATCH);
    const nextOffset = offset + BATCH;
    tracker.step({ type: "received", epoch: 1, partition: 0, records: batch, nextOffset, highWatermark: OPEN }, 0);
  }
  const bytesPerRecord = (heapBytes() - before) / OPEN;
  const start = performance.now();
  let events = 0;
  let commands = tracker.step({ type: "tick" }, 0);
  const runs = Array.from(tracker.view().partitions).length;
  if (runs !== 1) throw new Error("the partition is gone");
  // With a million open, each of 100 000 ticks still costs what it does with one.
  for (; events < 100_000; events++) commands = tracker.step({ type: "tick" }, events);
  if (commands.length > 1) throw new Error("nothing was due");
  return { bytesPerRecord, eventsPerSecond: events / ((performance.now() - start) / 1000) };
}

wholeLives();
const rates = rounds(5, () => {
  const { events, seconds } = wholeLives();
  const plain = baseline();
  return { tracker: events / seconds, baseline: plain.operations / plain.seconds };
});
report("tracker, events/s over whole lives", spread(rates.map((rate) => rate.tracker)));
report("baseline: map operations/s", spread(rates.map((rate) => rate.baseline)));
report("ratio of the two", spread(rates.map((rate) => rate.tracker / rate.baseline)));
const open = openRecords();
report("bytes per open record at 1 000 000", [open.bytesPerRecord]);
report("events/s with 1 000 000 open", [open.eventsPerSecond]);
