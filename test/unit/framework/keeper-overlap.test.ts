import { describe, expect, test } from "bun:test";
import type { AgentId, TaskId, TaskStatus } from "../../../src/mesos/types.ts";
import { answer, frameworkId, Harness, offer, status, uuid } from "./keeper-harness.ts";

/*
 * What the keeper does for a client that must know for certain when a task does not run any more (`overlap: forbid`).
 */

const agentId = "a" as AgentId;
const old = "p_t_0_7-1.4" as TaskId;
const byMaster = { agentId, source: "SOURCE_MASTER" } as const;

function forbidding(options: { readonly epoch?: number } = {}): Harness {
  return new Harness({ overlap: "forbid", ...options });
}

/** With what may run on unreachable agents told. */
function begun(): Harness {
  const harness = forbidding();
  harness.subscribe();
  harness.step({ type: "unreachable-found", tasks: [] });
  return harness;
}

function launched(harness: Harness, ...keys: readonly string[]): TaskId[] {
  harness.want(...keys);
  harness.offers(offer("o1"));
  const ids = harness.launches().map(({ taskId }) => taskId);
  harness.forget();
  return ids;
}

/** Up to the loss. */
function lostToAnUnreachableAgent(): { readonly harness: Harness; readonly taskId: TaskId } {
  const harness = begun();
  const [taskId] = launched(harness, "1");
  harness.update(status(taskId!, "TASK_RUNNING"));
  harness.update({ taskId: taskId!, state: "TASK_UNREACHABLE", ...byMaster });
  harness.advance(60_000);
  return { harness, taskId: taskId! };
}

/** Questions about this task. */
function questions(harness: Harness, wanted: TaskId): number {
  return harness.calls("RECONCILE").filter(({ tasks }) => tasks.some(({ taskId }) => taskId === wanted)).length;
}

describe("a task on an unreachable agent", () => {
  test("is lost, not dead, and is asked about at growing intervals until it is", () => {
    const { harness, taskId } = lostToAnUnreachableAgent();
    expect(harness.commands("lost")).toMatchObject([{ key: "1", reason: "agent-unreachable", dead: false }]);
    harness.forget();
    harness.advance(5000);
    expect(questions(harness, taskId)).toBe(1);
    harness.update(answer(taskId, "TASK_UNREACHABLE", { agentId }));
    harness.advance(10_000);
    expect(questions(harness, taskId)).toBe(2);
    harness.update(answer(taskId, "TASK_GONE_BY_OPERATOR", { agentId }));
    expect(harness.commands("lost")).toMatchObject([{ key: "1", reason: "agent-lost", dead: true }]);
    harness.forget();
    harness.advance(600_000);
    expect(questions(harness, taskId)).toBe(0);
  });

  test("is killed when it comes back and is not wanted, and its end is told", () => {
    const { harness, taskId } = lostToAnUnreachableAgent();
    harness.step({ type: "kill", key: "1" });
    harness.forget();
    harness.update({ taskId, state: "TASK_RUNNING", reason: "REASON_AGENT_REREGISTERED", ...byMaster });
    expect(harness.calls("KILL")).toHaveLength(1);
    harness.update(status(taskId, "TASK_KILLED", { uuid: uuid(9) }));
    expect(harness.commands("ended").map(({ key }) => key)).toEqual(["1"]);
  });

  test("is not asked about where overlap is allowed, until it is forbidden", () => {
    const harness = new Harness();
    const [info] = harness.launched("1");
    harness.update(status(info!.taskId, "TASK_RUNNING"));
    harness.update({ taskId: info!.taskId, state: "TASK_UNREACHABLE", ...byMaster });
    harness.advance(120_000);
    harness.forget();
    harness.advance(120_000);
    expect(questions(harness, info!.taskId)).toBe(0);
    harness.step({ type: "policy", policy: { overlap: "forbid", unreachableTimeoutMs: 60_000 } });
    harness.advance(5000);
    expect(questions(harness, info!.taskId)).toBe(1);
  });
});

test.each<readonly [what: string, status: Partial<TaskStatus>, dead: boolean]>([
  ["its executor is gone", { state: "TASK_FAILED", source: "SOURCE_AGENT", uuid: uuid(3) }, true],
  ["its agent does not know it", { state: "TASK_GONE", reason: "REASON_RECONCILIATION", ...byMaster }, true],
  ["an operator says that its agent is gone", { state: "TASK_GONE_BY_OPERATOR", ...byMaster }, true],
  ["its agent was removed", { state: "TASK_LOST", ...byMaster }, true],
  ["only the master does not know it", { state: "TASK_UNKNOWN", reason: "REASON_RECONCILIATION", ...byMaster }, false],
])("it is certain, or not, that a task does not run when %s", (_, parts, dead) => {
  const harness = begun();
  const [taskId] = launched(harness, "1");
  harness.update(status(taskId!, "TASK_RUNNING"));
  harness.update({ taskId: taskId!, agentId, state: "TASK_RUNNING", ...parts });
  expect(harness.commands("lost").map((command) => command.dead)).toEqual([dead]);
});

test("tasks of a framework that was removed are not dead for certain, and nobody can be asked about them", () => {
  const harness = begun();
  const [taskId] = launched(harness, "1");
  harness.update(status(taskId!, "TASK_RUNNING"));
  harness.step({ type: "ended", reason: "removed", message: "Framework has been removed" });
  expect(harness.commands("lost")).toMatchObject([{ reason: "framework-removed", dead: false }]);
  harness.subscribe();
  harness.forget();
  harness.advance(600_000);
  expect(questions(harness, taskId!)).toBe(0);
});

describe("at the start", () => {
  test("nothing is launched before it is known what may run on unreachable agents", () => {
    const harness = forbidding();
    harness.subscribe();
    expect(harness.commands("find-unreachable")).toHaveLength(1);
    harness.want("1");
    harness.offers(offer("o1"));
    expect(harness.launches()).toEqual([]);
    expect(harness.commands("ready")).toEqual([]);
    expect(harness.keeper.waiting(harness.nowMs)[0]?.reason).toContain("agents that it does not reach");
    harness.step({ type: "unreachable-found", tasks: [] });
    expect(harness.commands("ready")).toHaveLength(1);
    expect(harness.launches()).toHaveLength(1);
  });

  test("tasks on unreachable agents are adopted, and lost in time", () => {
    const harness = forbidding({ epoch: 2 });
    harness.subscribe();
    harness.step({ type: "unreachable-found", tasks: [{ taskId: old, agentId }] });
    expect(harness.commands("adopted")).toMatchObject([{ key: old, work: "p_t_0_7" }]);
    expect(harness.phases()).toEqual({ [old]: "unreachable" });
    harness.advance(60_000);
    expect(harness.commands("lost")).toMatchObject([{ key: old, reason: "agent-unreachable", dead: false }]);
    harness.update(answer(old, "TASK_GONE", { agentId }));
    expect(harness.commands("lost").at(-1)).toMatchObject({ key: old, dead: true });
  });

  test("one that is known already is not adopted a second time", () => {
    const harness = forbidding({ epoch: 2 });
    harness.step({ type: "subscribed", frameworkId });
    harness.update(status(old, "TASK_RUNNING"));
    harness.step({ type: "unreachable-found", tasks: [{ taskId: old, agentId }] });
    expect(harness.commands("adopted")).toHaveLength(1);
    expect(harness.phases()).toEqual({ [old]: "running" });
  });

  test("agents that are still to return are waited for without an end", () => {
    const harness = forbidding();
    harness.step({ type: "subscribed", frameworkId });
    harness.step({ type: "unreachable-found", tasks: [] });
    harness.want("1");
    harness.offers(offer("o1"));
    harness.advance(600_000);
    expect(harness.launches()).toEqual([]);
    expect(harness.commands("report").map(({ message }) => message)).toContain(
      "waiting on for the master to tell all that runs, since overlap is forbidden",
    );
    harness.answerBarrier();
    harness.advance(0);
    expect(harness.commands("ready")).toHaveLength(1);
  });

  test("nothing is asked where overlap is allowed", () => {
    const harness = new Harness();
    harness.subscribe();
    expect(harness.commands("find-unreachable")).toEqual([]);
    harness.step({ type: "policy", policy: { overlap: "forbid", unreachableTimeoutMs: 60_000 } });
    expect(harness.commands("find-unreachable")).toHaveLength(1);
  });
});

test("a task that was killed and is said never to have started is asked about before it counts as stopped", () => {
  const harness = begun();
  const [taskId] = launched(harness, "1");
  harness.step({ type: "kill", key: "1" });
  harness.update(status(taskId!, "TASK_DROPPED", { source: "SOURCE_AGENT" }));
  expect(harness.commands("stopped")).toEqual([]);
  harness.update(answer(taskId!, "TASK_GONE", { agentId }));
  expect(harness.commands("stopped").map(({ key }) => key)).toEqual(["1"]);
});
