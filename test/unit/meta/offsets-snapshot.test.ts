import { expect, test } from "bun:test";
import type { OffsetsView } from "../../../src/engine/offsets-view.ts";
import type { RunId } from "../../../src/engine/ports.ts";
import type { TaskView } from "../../../src/framework/fine-runner.ts";
import { partitionOffsets } from "../../../src/meta/offsets-snapshot.ts";

const now = { monotonicMs: 10_000, wallMs: 1_700_000_010_000 };

const partition: OffsetsView = {
  partition: 1,
  committed: 5,
  watermark: 5,
  position: 20,
  highWatermark: 30,
  above: { records: 3, runs: 2, firstRuns: [[7, 9]] },
  uncommitted: 0,
  inFlight: 2,
  oldest: [
    {
      offset: 5,
      phase: "running",
      attempts: 0,
      sinceMs: 4000,
      dueMs: undefined,
      behind: undefined,
      guardedBy: undefined,
      lastTrouble: undefined,
    },
    {
      offset: 6,
      phase: "waiting",
      attempts: 1,
      sinceMs: 9000,
      dueMs: 12_500,
      behind: undefined,
      guardedBy: undefined,
      lastTrouble: "exit code 1",
    },
  ],
  notRead: undefined,
};

function taskOf(offset: number, more: Partial<TaskView> = {}): TaskView {
  const place = { agent: "S0", host: "agent-1", partition: 1, offset, attempt: 1, orphaned: false };
  const run = `run-${offset}` as RunId;
  return { run, id: `t${offset}`, state: "running", ...place, sinceMs: now.wallMs - 3000, ...more };
}

test("records get their tasks, by partition and offset", () => {
  const tasks = [taskOf(5), taskOf(5, { id: "twin", state: "launched" }), taskOf(5, { partition: 0 }), taskOf(9)];
  const [offsets] = partitionOffsets([partition], tasks, now);
  expect(offsets?.oldest[0]?.tasks).toEqual([
    { taskId: "t5", state: "running", agent: "agent-1", forMs: 3000 },
    { taskId: "twin", state: "placed", agent: "agent-1", forMs: 3000 },
  ]);
  expect(offsets?.oldest[1]?.tasks).toEqual([]);
});

test("a record that waits for the end of another's task names it, and its host as far as it is known", () => {
  const guardedBy = "run-5" as RunId;
  const view = { ...partition, oldest: [{ ...partition.oldest[1]!, phase: "guarded", guardedBy }] } as const;
  const waitsFor = (tasks: readonly TaskView[]): unknown =>
    partitionOffsets([view], tasks, now)[0]?.oldest[0]?.waitsFor;
  expect(waitsFor([taskOf(5, { state: "lost" })])).toEqual({ taskId: "t5", agent: "agent-1" });
  expect(waitsFor([taskOf(5, { host: null })])).toEqual({ taskId: "t5", agent: "S0" });
  expect(waitsFor([])).toBeNull();
});

test("times become durations, and ends of runs are inclusive", () => {
  const [offsets] = partitionOffsets([partition], [], now);
  expect(offsets).toMatchObject({ lag: 25, end: 30, notRead: null });
  expect(offsets?.settledAbove).toEqual({ records: 3, runs: 2, firstRuns: [{ first: 7, last: 8 }] });
  expect(offsets?.oldest.map(({ forMs, retryInMs }) => [forMs, retryInMs])).toEqual([
    [6000, null],
    [1000, 2500],
  ]);
});
