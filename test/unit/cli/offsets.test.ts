import { expect, test } from "bun:test";
import { offsetsCommand } from "../../../src/cli/offsets.ts";
import { offsetsText } from "../../../src/cli/offsets-text.ts";
import { rejection } from "../../support/rejection.ts";
import { FakeScheduler, offsetsView, partitionOffsetsView } from "../api/fakes.ts";
import { against } from "./against.ts";
import { fakeIo } from "./fake-io.ts";

test("a partition is told from what is committed to what is read next", () => {
  expect(offsetsText(offsetsView())).toBe(`a reads a-in as group BrigadeProc-a-in-a: running

Partition 0: committed 9, end 40, lag 31
  watermark  9, held for 12m3s by a record that is running
  above it   12 settled: 10-19 21 and 1 more runs; 2 wait for a commit
  read to    30
  in flight  2
    OFFSET  STATE    FAILED  FOR    TASK             AGENT    WHY
         9  running       1  12m3s  a_a-in_0_9-3.17  agent-1  after exit code 3
        20  blocked       0  500ms                            behind 9
`);
});

test("what holds it back is told: the processor, the offers, the bounds", () => {
  const text = offsetsText(
    offsetsView({
      phase: "paused",
      reason: "program-not-found: no such program",
      waiting: [{ reason: "no offer has 64 cpus", count: 3 }],
      partitions: [partitionOffsetsView({ notRead: "1000 records are in flight, of 1000; reading goes on below 750" })],
    }),
  );
  for (const line of [
    "a reads a-in as group BrigadeProc-a-in-a: paused, program-not-found: no such program",
    "3 waiting: no offer has 64 cpus",
    "  read to    30; not read on: 1000 records are in flight, of 1000; reading goes on below 750",
  ]) {
    expect(text.split("\n")).toContain(line);
  }
});

test("a record with two tasks has a line for each, and one that is tried again says when", () => {
  const [holder] = partitionOffsetsView().oldest;
  const tasks = [
    { taskId: "t-1", state: "running", agent: "agent-1", forMs: 61_000 },
    { taskId: "t-2", state: "placed", agent: null, forMs: 5 },
  ] as const;
  const oldest = [
    { ...holder!, tasks },
    { ...holder!, offset: 20, state: "waiting", retryInMs: 2500, tasks: [] },
  ];
  const text = offsetsText(offsetsView({ partitions: [partitionOffsetsView({ oldest, inFlight: 14 })] }));
  const [first, second, third, rest] = text.split("\n").slice(-5);
  expect(first).toMatch(/ 9 {2}running +1 {2}12m3s +t-1 +agent-1 +after exit code 3$/);
  expect(second).toMatch(/ 9 {2}placed +1 {2}5ms +t-2 +another task$/);
  expect(third).toMatch(/20 {2}waiting.*again in 2s after exit code 3$/);
  expect(rest).toBe("    and 12 more");
});

test("a record that waits for the end of a task that may be alive names it", () => {
  const [, last] = partitionOffsetsView().oldest;
  const waitsFor = { taskId: "a_a-in_0_9-3.17", agent: "agent-1" };
  const oldest = [{ ...last!, state: "guarded", behind: null, waitsFor }];
  const text = offsetsText(offsetsView({ partitions: [partitionOffsetsView({ oldest, inFlight: 1 })] }));
  expect(text).toMatch(/ 20 {2}guarded .* until a_a-in_0_9-3\.17 on agent-1 is known to be dead$/m);
});

test("nothing read, nothing committed and nothing assigned have their words", () => {
  const idle = { settledAbove: { records: 0, runs: 0, firstRuns: [] }, uncommitted: 0, inFlight: 0, oldest: [] };
  const text = offsetsText(
    offsetsView({ partitions: [partitionOffsetsView({ ...idle, committed: null, lag: null })] }),
  );
  expect(text).toContain("committed nothing yet, end 40, lag unknown");
  expect(text).toContain("watermark  9, not held");
  expect(text).toContain("above it   nothing settled");
  expect(offsetsText(offsetsView({ partitions: [] }))).toEndWith("\nNo partition is assigned to it.\n");
});

test("offsets asks the API for one processor, and --json prints its answer", async () => {
  const scheduler = new FakeScheduler();
  expect((await against(scheduler, offsetsCommand, "a")).out).toStartWith("a reads a-in");
  expect(JSON.parse((await against(scheduler, offsetsCommand, "a", "--json")).out)).toEqual(scheduler.offsetsView);
  expect(String((await against(scheduler, offsetsCommand, "x")).error)).toContain("There is no processor x");
  expect(await rejection(offsetsCommand.run([], fakeIo()))).toMatchObject({ code: "usage" });
});
