import { expect, test } from "bun:test";
import type { TaskView } from "../../../src/api/scheduler-port.ts";
import { tasksCommand } from "../../../src/cli/tasks.ts";
import { FakeScheduler } from "../api/fakes.ts";
import { against } from "./against.ts";

const task: TaskView = {
  processor: "a",
  taskId: "a_a-in_0_9-3.17",
  partition: 0,
  offset: 9,
  attempt: 2,
  state: "running",
  agent: "agent-1",
  forMs: 90_500,
};

test("tasks has a line for each task, of one processor on request", async () => {
  const scheduler = new FakeScheduler();
  scheduler.taskViews = [task, { ...task, processor: "b", taskId: "b_b-in_1_4-3.18", state: "placed", agent: null }];
  expect((await against(scheduler, tasksCommand)).out).toBe(
    `PROCESSOR  PARTITION  OFFSET  ATTEMPT  STATE    FOR    AGENT    TASK
a                  0       9        2  running  1m30s  agent-1  a_a-in_0_9-3.17
b                  0       9        2  placed   1m30s  -        b_b-in_1_4-3.18
`,
  );
  expect((await against(scheduler, tasksCommand, "--processor", "b")).out).not.toContain("a_a-in");
  expect(JSON.parse((await against(scheduler, tasksCommand, "--processor", "a", "--json")).out)).toEqual([task]);
  expect((await against(new FakeScheduler(), tasksCommand)).out).toBe("No tasks.\n");
});
