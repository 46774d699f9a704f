import { expect, test } from "bun:test";
import { meaningOf, type StatusMeaning } from "../../../src/framework/status-meaning.ts";
import type { TaskId, TaskStatus } from "../../../src/mesos/types.ts";
import { uuid } from "./keeper-harness.ts";

type Parts = Omit<TaskStatus, "taskId">;

const executor = { source: "SOURCE_EXECUTOR", uuid: uuid(1) } as const;
const agent = { source: "SOURCE_AGENT", uuid: uuid(1) } as const;
const reconciled = { source: "SOURCE_MASTER", reason: "REASON_RECONCILIATION" } as const;
const master = { source: "SOURCE_MASTER" } as const;

test.each<[string, Parts, StatusMeaning]>([
  ["the executor says that it runs", { state: "TASK_RUNNING", ...executor }, { type: "alive" }],
  ["the master knows it", { state: "TASK_STAGING", ...reconciled }, { type: "alive" }],
  ["the executor says that it ended well", { state: "TASK_FINISHED", ...executor }, { type: "result" }],
  ["the executor says that it failed", { state: "TASK_FAILED", ...executor }, { type: "result" }],
  ["the executor killed it", { state: "TASK_KILLED", ...executor }, { type: "result" }],
  ["the master remembers its end", { state: "TASK_FINISHED", ...reconciled }, { type: "result-to-come" }],
  ["its executor ended", { state: "TASK_FAILED", ...agent }, { type: "lost", reason: "executor-lost" }],
  [
    "its executor never registered",
    { state: "TASK_FAILED", ...agent, reason: "REASON_EXECUTOR_REGISTRATION_TIMEOUT" },
    { type: "not-started" },
  ],
  [
    "its executor's image is missing",
    {
      state: "TASK_FAILED",
      ...agent,
      reason: "REASON_CONTAINER_LAUNCH_FAILED",
      message: "Failed to launch container: Failed to run 'docker pull a:1': exited with status 1; stderr='…'",
    },
    { type: "executor-failed", mayHaveRun: false },
  ],
  [
    "its executor's container ended in its first second",
    {
      state: "TASK_FAILED",
      ...agent,
      reason: "REASON_CONTAINER_LAUNCH_FAILED",
      message: "Failed to launch container: Container exited with status 127",
    },
    { type: "executor-failed", mayHaveRun: true },
  ],
  ["it was killed before delivery", { state: "TASK_KILLED", ...agent }, { type: "not-started" }],
  ["it was dropped by the master", { state: "TASK_DROPPED", ...master }, { type: "not-started" }],
  ["it was dropped by its agent", { state: "TASK_DROPPED", ...agent }, { type: "not-started" }],
  ["the master refuses it", { state: "TASK_ERROR", ...master, message: "Task uses no resources" }, { type: "refused" }],
  [
    "there was less room than offered",
    {
      state: "TASK_ERROR",
      ...master,
      message: "Total resources cpus:2 required by task and its executor is more than available cpus:1",
    },
    { type: "not-started" },
  ],
  ["its agent is cut off", { state: "TASK_UNREACHABLE", ...master }, { type: "unreachable" }],
  ["the agent does not know it", { state: "TASK_GONE", ...reconciled }, { type: "absent", dead: true }],
  ["nobody knows it", { state: "TASK_UNKNOWN", ...reconciled }, { type: "absent", dead: false }],
  ["its executor is gone", { state: "TASK_GONE", ...agent }, { type: "lost", reason: "executor-lost" }],
  ["its agent is gone", { state: "TASK_GONE_BY_OPERATOR", ...master }, { type: "lost", reason: "agent-lost" }],
  ["its agent was removed", { state: "TASK_LOST", ...master }, { type: "lost", reason: "agent-lost" }],
])("a status tells when %s", (_, parts, meaning) => {
  expect(meaningOf({ taskId: "t" as TaskId, ...parts })).toEqual(meaning);
});
