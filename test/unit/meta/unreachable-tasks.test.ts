import { expect, test } from "bun:test";
import type { MasterFramework, MasterTask } from "../../../src/mesos/operator-answers.ts";
import type { AgentId, FrameworkId, TaskId } from "../../../src/mesos/types.ts";
import { TasksHiddenError, unreachableTasks } from "../../../src/meta/unreachable-tasks.ts";
import { rejection } from "../../support/rejection.ts";

const ours = "f-1" as FrameworkId;
const { signal } = new AbortController();

function task(id: string, frameworkId: string, unreachableAgentId?: string): MasterTask {
  return {
    taskId: id as TaskId,
    frameworkId: frameworkId as FrameworkId,
    live: true,
    unreachableAgentId: unreachableAgentId as AgentId | undefined,
  };
}

function master(frameworks: readonly string[], tasks: readonly MasterTask[]) {
  const shown = frameworks.map(
    (id): MasterFramework => ({ id: id as FrameworkId, name: "n", connected: true, labels: [] }),
  );
  return { frameworks: async () => shown, tasks: async () => tasks };
}

test("our tasks on agents that the master does not reach are told with these agents", async () => {
  const tasks = [task("here", "f-1"), task("away", "f-1", "a7"), task("another's", "f-2", "a7")];
  expect(await unreachableTasks(master(["f-1", "f-2"], tasks), ours, signal)).toEqual([
    { taskId: "away" as TaskId, agentId: "a7" as AgentId },
  ]);
});

test("a master that hides our own framework may hide its tasks: that is no answer", async () => {
  const error = await rejection(unreachableTasks(master(["f-2"], []), ours, signal));
  expect(error).toBeInstanceOf(TasksHiddenError);
  expect(String(error)).toContain("view_tasks");
});
