import { describe, expect, test } from "bun:test";
import type { AgentId, FrameworkId, TaskId } from "../../../src/mesos/types.ts";
import { answer, frameworkId, Harness, offer, status, uuid } from "./keeper-harness.ts";

const oldTask = "p_t_0_5-1.9" as TaskId;

describe("after a subscription", () => {
  test("an implicit reconciliation is followed by a question about a task that cannot exist", () => {
    const harness = new Harness();
    harness.step({ type: "subscribed", frameworkId });
    const [implicit, question] = harness.calls("RECONCILE");
    expect(implicit?.tasks).toEqual([]);
    expect(question?.tasks).toEqual([{ taskId: "brigade-barrier.1.1" as TaskId }]);
  });

  test("nothing is launched before the question is answered", () => {
    const harness = new Harness();
    harness.step({ type: "subscribed", frameworkId });
    harness.want("1");
    harness.offers(offer("o1"));
    expect(harness.launches()).toEqual([]);
    expect(harness.commands("ready")).toEqual([]);
    expect(harness.keeper.waiting(harness.nowMs)).toEqual([
      { count: 1, reason: "the master has not told yet what still runs from before" },
    ]);
    harness.answerBarrier();
    expect(harness.commands("ready")).toHaveLength(1);
    expect(harness.launches().map(({ taskId }) => taskId as string)).toEqual(["p_t_0_1-1.1"]);
  });

  test("the question is asked again every few seconds, and the wait for its answer is bounded", () => {
    const harness = new Harness();
    harness.step({ type: "subscribed", frameworkId });
    harness.want("1");
    harness.advance(10_000);
    expect(harness.calls("RECONCILE")).toHaveLength(8);
    harness.forget();
    harness.advance(49_999);
    expect(harness.commands("ready")).toEqual([]);
    harness.advance(1);
    expect(harness.commands("ready")).toHaveLength(1);
    harness.offers(offer("o1"));
    expect(harness.launches()).toHaveLength(1);
    harness.forget();
    harness.advance(3000);
    expect(harness.calls("RECONCILE").length).toBeGreaterThan(0); // agents may still return with tasks
  });

  test("an answer to a question of a former subscription opens nothing", () => {
    const harness = new Harness();
    harness.step({ type: "subscribed", frameworkId });
    harness.step({ type: "disconnected", error: new Error("gone") });
    harness.step({ type: "subscribed", frameworkId });
    harness.update(answer("brigade-barrier.1.1" as TaskId, "TASK_UNKNOWN"));
    expect(harness.commands("ready")).toEqual([]);
    harness.answerBarrier();
    expect(harness.commands("ready")).toHaveLength(1);
  });

  test("once all agents are there everything is asked again: one may have returned between the two questions", () => {
    const harness = new Harness({ epoch: 2 });
    harness.step({ type: "subscribed", frameworkId });
    harness.want("1");
    harness.offers(offer("o1"));
    harness.forget();
    harness.update(answer("brigade-barrier.2.1" as TaskId, "TASK_UNKNOWN"));
    expect(harness.calls("RECONCILE").map(({ tasks }) => tasks.length)).toEqual([0, 1]);
    expect(harness.launches()).toEqual([]);
    harness.update(answer("brigade-barrier.2.1" as TaskId, "TASK_UNKNOWN"));
    expect(harness.commands("ready")).toEqual([]);
    harness.update(answer(oldTask, "TASK_RUNNING", { agentId: "a" as AgentId }));
    harness.update(answer("brigade-barrier.2.2" as TaskId, "TASK_UNKNOWN"));
    expect(harness.commands("ready")).toHaveLength(1);
    expect(harness.launches()).toHaveLength(1);
  });

  test("the framework id is stored before the first launch", () => {
    const harness = new Harness({ stored: false });
    harness.subscribe();
    expect(harness.commands("store-framework-id").map((command) => command.frameworkId)).toEqual([frameworkId]);
    harness.want("1");
    harness.offers(offer("o1"));
    expect(harness.launches()).toEqual([]);
    harness.step({ type: "framework-id-stored", frameworkId });
    expect(harness.launches()).toHaveLength(1);
  });

  test("offers of the former one are forgotten", () => {
    const harness = new Harness({ timings: { idleDelayMs: 10_000, holdMs: 10_000 } });
    harness.subscribe();
    harness.offers(offer("old"));
    harness.step({ type: "disconnected", error: new Error("gone") });
    harness.subscribe();
    harness.want("1");
    expect(harness.launches()).toEqual([]);
    harness.offers(offer("new"));
    expect(harness.calls("ACCEPT").map(({ offerIds }) => offerIds as readonly string[])).toEqual([["new"]]);
  });

  test("tasks that were not heard of are asked for with their agent, those that were are not", () => {
    const harness = new Harness();
    const [first, second] = harness.launched("1", "2");
    harness.step({ type: "disconnected", error: new Error("gone") });
    harness.step({ type: "subscribed", frameworkId });
    harness.update(answer(first!.taskId, "TASK_RUNNING", { agentId: first!.agentId }));
    harness.answerBarrier();
    expect(harness.calls("RECONCILE").at(-1)?.tasks).toEqual([{ taskId: second!.taskId, agentId: "a" as AgentId }]);
  });

  test("a question that the master does not answer is asked again at growing intervals", () => {
    const harness = new Harness();
    harness.launched("1");
    harness.step({ type: "disconnected", error: new Error("gone") });
    harness.subscribe();
    harness.forget();
    harness.advance(2000);
    expect(harness.calls("RECONCILE")).toHaveLength(1);
    harness.advance(4000);
    expect(harness.calls("RECONCILE")).toHaveLength(2);
    harness.advance(7999);
    expect(harness.calls("RECONCILE")).toHaveLength(2);
  });
});

describe("tasks of an earlier life", () => {
  test("are adopted while they run, before the keeper is ready", () => {
    const harness = new Harness({ epoch: 2 });
    harness.step({ type: "subscribed", frameworkId });
    harness.update(answer(oldTask, "TASK_RUNNING", { agentId: "a" as AgentId }));
    expect(harness.commands("adopted")).toEqual([{ type: "adopted", key: oldTask, work: "p_t_0_5" }]);
    expect(harness.commands("ready")).toEqual([]);
    harness.answerBarrier();
    expect(harness.commands("ready")).toHaveLength(1);
  });

  test("are adopted once, and their result is acknowledged when it is released", () => {
    const harness = new Harness({ epoch: 2 });
    harness.subscribe();
    harness.update(answer(oldTask, "TASK_RUNNING", { agentId: "a" as AgentId }), status(oldTask, "TASK_FINISHED"));
    expect(harness.commands("adopted")).toHaveLength(1);
    expect(harness.commands("ended").map(({ key }) => key)).toEqual([oldTask]);
    expect(harness.calls("ACKNOWLEDGE")).toEqual([]);
    harness.step({ type: "release", key: oldTask });
    expect(harness.calls("ACKNOWLEDGE")).toHaveLength(1);
  });

  test("whose result comes first are adopted with it", () => {
    const harness = new Harness({ epoch: 2 });
    harness.subscribe();
    harness.update(status(oldTask, "TASK_FINISHED"));
    expect(harness.commands("adopted")).toHaveLength(1);
    expect(harness.commands("ended")).toHaveLength(1);
  });

  test("are not adopted again by a repeated update after their release", () => {
    const harness = new Harness({ epoch: 2 });
    harness.subscribe();
    harness.update(status(oldTask, "TASK_FINISHED"));
    harness.step({ type: "release", key: oldTask });
    harness.forget();
    harness.update(status(oldTask, "TASK_FINISHED"));
    expect(harness.commands("adopted")).toEqual([]);
    expect(harness.callTypes()).toEqual(["ACKNOWLEDGE"]);
  });

  test("that the master knows to have ended wait for the update with the result", () => {
    const harness = new Harness({ epoch: 2 });
    harness.subscribe();
    harness.update(answer(oldTask, "TASK_FINISHED", { agentId: "a" as AgentId }));
    expect(harness.commands("adopted")).toHaveLength(1);
    expect(harness.commands("ended")).toEqual([]);
    harness.update(status(oldTask, "TASK_FINISHED", { uuid: uuid(2) }));
    expect(harness.commands("ended")).toHaveLength(1);
  });

  test("whose executor died are adopted and lost, so that the second run has a cause", () => {
    const harness = new Harness({ epoch: 2 });
    harness.subscribe();
    harness.update(status(oldTask, "TASK_FAILED", { source: "SOURCE_AGENT", reason: "REASON_EXECUTOR_TERMINATED" }));
    expect(harness.commands("adopted")).toHaveLength(1);
    expect(harness.commands("lost").map(({ reason }) => reason)).toEqual(["executor-lost"]);
  });

  test("that never started are only acknowledged", () => {
    const harness = new Harness({ epoch: 2 });
    harness.subscribe();
    harness.forget();
    harness.update(status(oldTask, "TASK_DROPPED", { source: "SOURCE_AGENT" }));
    expect(harness.commands("adopted")).toEqual([]);
    expect(harness.callTypes()).toEqual(["ACKNOWLEDGE"]);
  });

  test("use their executor again for new tasks", () => {
    const harness = new Harness({ epoch: 2 });
    harness.subscribe();
    harness.want("7");
    harness.offers(offer("o1", "a", { executorIds: ["p-e0-1-4", "p-other-1-5", "q-e0-1-6"] }));
    expect(harness.launches().map(({ executor }) => executor?.executorId as string)).toEqual(["p-e0-1-4"]);
  });

  test("with ids of this epoch mean that the stored epoch was lost: their numbers are passed over", () => {
    const harness = new Harness({ epoch: 1 });
    harness.subscribe();
    harness.update(answer(oldTask, "TASK_RUNNING", { agentId: "a" as AgentId }));
    expect(harness.commands("adopted")).toHaveLength(1);
    harness.want("6");
    harness.offers(offer("o1"));
    expect(harness.launches().map(({ taskId }) => taskId as string)).toEqual(["p_t_0_6-1.10"]);
  });
});

describe("a task that nobody knows", () => {
  test("is killed until it has ended, and then acknowledged at once", () => {
    const harness = new Harness();
    harness.subscribe();
    harness.forget();
    const foreign = "somebody" as TaskId;
    harness.update(status(foreign, "TASK_RUNNING"));
    expect(harness.callTypes()).toEqual(["KILL", "ACKNOWLEDGE"]);
    harness.advance(5000);
    expect(harness.calls("KILL")).toHaveLength(2);
    harness.update(status(foreign, "TASK_KILLED", { uuid: uuid(2) }));
    expect(harness.calls("ACKNOWLEDGE")).toHaveLength(2);
    expect(harness.phases()).toEqual({});
  });
});

describe("a framework that the master removed", () => {
  test("loses all its tasks, and waiting ones start under the new id", () => {
    const harness = new Harness();
    const [info] = harness.launched("1", "2");
    harness.update(status(info!.taskId, "TASK_FINISHED"));
    harness.want("3");
    harness.forget();
    harness.step({ type: "ended", reason: "removed", message: "Framework has been removed" });
    expect(harness.commands("lost").map(({ key, reason }) => [key, reason])).toEqual([["2", "framework-removed"]]);
    expect(harness.commands("store-framework-id").map((command) => command.frameworkId)).toEqual([undefined]);
    expect(harness.keeper.frameworkId).toBeUndefined();

    const next = "framework-2" as FrameworkId;
    harness.step({ type: "subscribed", frameworkId: next });
    harness.step({ type: "framework-id-stored", frameworkId: next });
    harness.answerBarrier();
    harness.forget();
    harness.offers(offer("o9"));
    expect(harness.launches().map(({ taskId }) => taskId as string)).toEqual(["p_t_0_3-1.3"]);
    harness.step({ type: "release", key: "1" }); // its agent has forgotten it with the framework
    expect(harness.calls("ACKNOWLEDGE")).toEqual([]);
  });
});

test("without a subscription no call is made", () => {
  const harness = new Harness();
  harness.launched("1", "2");
  harness.step({ type: "disconnected", error: new Error("gone") });
  harness.forget();
  harness.want("3");
  harness.step({ type: "kill", key: "1" });
  harness.step({ type: "release", key: "2" });
  harness.advance(10 * 60_000);
  expect(harness.callTypes()).toEqual([]);
  harness.subscribe();
  expect(harness.calls("KILL").map(({ taskId }) => taskId as string)).toEqual(["p_t_0_1-1.1", "p_t_0_2-1.2"]);
});
