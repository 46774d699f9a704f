import { describe, expect, test } from "bun:test";
import type { AgentId, ExecutorId, TaskId, TaskInfo, TaskStatus } from "../../../src/mesos/types.ts";
import { answer, executorTemplate, Harness, offer, request, status, uuid } from "./keeper-harness.ts";

const agentId = "a" as AgentId;

describe("acknowledgements", () => {
  test("an update that is not the last is acknowledged at once", () => {
    const harness = new Harness();
    const [info] = harness.launched("1");
    harness.update(status(info!.taskId, "TASK_RUNNING"));
    expect(harness.calls("ACKNOWLEDGE")).toEqual([
      { type: "ACKNOWLEDGE", taskId: info!.taskId, agentId, uuid: uuid(1) },
    ]);
  });

  test("the last update waits for the release, and each one seen is acknowledged once", () => {
    const harness = new Harness();
    const [info] = harness.launched("1");
    const last = status(info!.taskId, "TASK_FINISHED");
    harness.update(last, last, { ...last, uuid: uuid(2) });
    expect(harness.commands("ended")).toHaveLength(1);
    expect(harness.calls("ACKNOWLEDGE")).toEqual([]);
    harness.step({ type: "release", key: "1" });
    expect(harness.calls("ACKNOWLEDGE").map((call) => call.uuid)).toEqual([uuid(1), uuid(2)]);
  });

  test("what is repeated after the release is acknowledged at once", () => {
    const harness = new Harness();
    const [info] = harness.launched("1");
    harness.update(status(info!.taskId, "TASK_FINISHED"));
    harness.step({ type: "release", key: "1" });
    harness.forget();
    harness.update(status(info!.taskId, "TASK_FINISHED"));
    expect(harness.callTypes().filter((type) => type === "ACKNOWLEDGE")).toHaveLength(1);
    expect(harness.commands("ended")).toEqual([]);
  });

  test("go by the uuid, not by the reason", () => {
    const harness = new Harness();
    const [info] = harness.launched("1");
    harness.update(status(info!.taskId, "TASK_RUNNING", { reason: "REASON_RECONCILIATION" }));
    harness.update(answer(info!.taskId, "TASK_RUNNING", { agentId }));
    expect(harness.calls("ACKNOWLEDGE")).toHaveLength(1);
  });

  test("one whose fate is unknown is sent again", () => {
    const harness = new Harness();
    const [info] = harness.launched("1");
    harness.update(status(info!.taskId, "TASK_RUNNING"));
    const [call] = harness.calls("ACKNOWLEDGE");
    harness.forget();
    harness.step({ type: "call-unknown", call: call! });
    expect(harness.calls("ACKNOWLEDGE")).toEqual([call!]);
  });
});

describe("a launch", () => {
  test("whose ACCEPT may not have arrived is asked for, after its offers were declined, before another one is made", () => {
    const harness = new Harness();
    harness.subscribe();
    harness.want("1");
    harness.offers(offer("o1"));
    const [accept] = harness.calls("ACCEPT");
    const [info] = harness.launches();
    harness.forget();
    harness.step({ type: "call-unknown", call: accept! });
    expect(harness.callTypes()).toEqual(["DECLINE", "RECONCILE"]);
    expect(harness.calls("RECONCILE")[0]?.tasks).toEqual([{ taskId: info!.taskId, agentId }]);
    harness.offers(offer("o2"));
    expect(harness.launches()).toEqual([]);
    harness.update(answer(info!.taskId, "TASK_GONE", { agentId }));
    harness.advance(100);
    harness.offers(offer("o3"));
    expect(harness.launches().map(({ taskId }) => taskId as string)).toEqual(["p_t_0_1-1.2"]);
    expect(harness.commands("started")).toEqual([]); // told once
  });

  test("whose ACCEPT did arrive goes on", () => {
    const harness = new Harness();
    harness.subscribe();
    harness.want("1");
    harness.offers(offer("o1"));
    const [info] = harness.launches();
    harness.step({ type: "call-unknown", call: harness.calls("ACCEPT")[0]! });
    harness.update(answer(info!.taskId, "TASK_STAGING", { agentId }));
    expect(harness.phases()).toEqual({ "1": "running" });
    harness.update(status(info!.taskId, "TASK_FINISHED"));
    expect(harness.commands("ended")).toHaveLength(1);
  });

  test("that was dropped is asked for and then made again with another id and another executor", () => {
    const harness = new Harness();
    const [info] = harness.launched("1");
    harness.update(
      status(info!.taskId, "TASK_DROPPED", { source: "SOURCE_AGENT", reason: "REASON_EXECUTOR_TERMINATED" }),
    );
    expect(harness.calls("RECONCILE")[0]?.tasks).toEqual([{ taskId: info!.taskId, agentId }]);
    expect(harness.calls("ACKNOWLEDGE")).toEqual([]);
    harness.update(answer(info!.taskId, "TASK_DROPPED", { agentId }));
    expect(harness.calls("ACKNOWLEDGE")).toHaveLength(1); // nothing depends on the former launch any more
    harness.advance(1000);
    harness.offers(offer("o2", "a", { executorIds: [info!.executor!.executorId] }));
    const [again] = harness.launches();
    expect(again?.taskId as string).toBe("p_t_0_1-1.2");
    expect(info!.executor?.executorId as string).toBe("p-e0-1-1");
    expect(again?.executor?.executorId as string).toBe("p-e0-1-2");
    expect(harness.commands("lost")).toEqual([]);
  });

  test("on an offer that was rescinded meanwhile is made again, and not held against the agent", () => {
    const harness = new Harness();
    const [info] = harness.launched("1");
    const dropped: TaskStatus = {
      taskId: info!.taskId,
      state: "TASK_DROPPED",
      source: "SOURCE_MASTER",
      reason: "REASON_INVALID_OFFERS",
      agentId,
    };
    harness.update(dropped, answer(info!.taskId, "TASK_GONE", { agentId }));
    expect(harness.keeper.waiting(harness.nowMs)).toEqual([
      { count: 1, reason: "the last launch came to nothing, another one follows" },
    ]);
    harness.advance(50);
    harness.offers(offer("o2"));
    expect(harness.launches()).toHaveLength(1);
  });

  test("of which nothing is heard is asked for after a while, and made again when nobody knows it", () => {
    const harness = new Harness();
    const [info] = harness.launched("1");
    harness.advance(29_999);
    expect(harness.calls("RECONCILE")).toEqual([]);
    harness.advance(1);
    expect(harness.calls("RECONCILE")).toHaveLength(1);
    harness.update(answer(info!.taskId, "TASK_GONE", { agentId }));
    harness.advance(100);
    harness.offers(offer("o2"));
    expect(harness.launches()).toHaveLength(1);
  });

  test("whose ExecutorInfo the master does not like gets a new executor, and the shape goes on", () => {
    const harness = new Harness();
    const [info] = harness.launched("1");
    const message = "ExecutorInfo is not compatible with existing ExecutorInfo with same ExecutorID.\n…";
    harness.update({ taskId: info!.taskId, state: "TASK_ERROR", source: "SOURCE_MASTER", message, agentId });
    harness.update(answer(info!.taskId, "TASK_GONE", { agentId }));
    harness.advance(100);
    harness.offers(offer("o2"));
    expect(harness.launches()[0]?.executor?.executorId as string).toBe("p-e0-1-2");
    expect(harness.commands("trouble")).toEqual([]);
  });
});

describe("a task that Mesos refuses", () => {
  const message = "Task uses invalid resources: …";

  function refuse(harness: Harness, taskId: TaskId): void {
    harness.update({
      taskId,
      state: "TASK_ERROR",
      source: "SOURCE_MASTER",
      reason: "REASON_TASK_INVALID",
      message,
      agentId,
    });
    harness.update(answer(taskId, "TASK_GONE", { agentId }));
  }

  test("stops its shape, of which one at a time is tried again; the client hears of it after the third", () => {
    const harness = new Harness();
    const infos = harness.launched("1", "2", "3");
    for (const { taskId } of infos) refuse(harness, taskId);
    expect(harness.commands("trouble").map((command) => command.message)).toEqual([message]);
    expect(harness.commands("lost")).toEqual([]);
    expect(harness.commands("ended")).toEqual([]);
    harness.advance(3999);
    expect(harness.keeper.waiting(harness.nowMs)).toEqual([{ count: 3, reason: `Mesos refuses the task: ${message}` }]);
    harness.forget();
    harness.advance(1);
    harness.offers(offer("o2"));
    expect(harness.launches()).toHaveLength(1);
    const [probe] = harness.launches();
    harness.offers(offer("o3"));
    expect(harness.launches()).toHaveLength(1);

    harness.update(status(probe!.taskId, "TASK_RUNNING"));
    expect(harness.commands("trouble").map((command) => command.message)).toEqual([null]);
    harness.offers(offer("o4"));
    expect(harness.launches()).toHaveLength(3);
  });

  test("does not stop tasks of another shape", () => {
    const harness = new Harness();
    const [info] = harness.launched("1");
    refuse(harness, info!.taskId);
    harness.step({ type: "want", request: request("2", { cpus: 0.5 }) });
    harness.offers(offer("o2"));
    expect(harness.launches().map(({ name }) => name)).toEqual(["task 2"]);
  });

  test("is let go by its release", () => {
    const harness = new Harness();
    const [info] = harness.launched("1");
    refuse(harness, info!.taskId);
    harness.step({ type: "release", key: "1" });
    expect(harness.phases()).toEqual({});
    expect(harness.keeper.waiting(harness.nowMs)).toEqual([]);
  });
});

describe("an executor whose container does not start", () => {
  const message =
    "Failed to launch container: Failed to run 'docker pull brigade:1': exited with status 1; stderr='manifest unknown'";
  const container = { type: "DOCKER", docker: { image: "brigade:1" } } as const;
  const executor = { ...executorTemplate, info: { ...executorTemplate.info, container } };

  function wantInContainers(harness: Harness, ...keys: readonly string[]): void {
    for (const key of keys) harness.step({ type: "want", request: request(key, { executor }) });
  }

  function launchFailed(harness: Harness, { taskId, agentId }: TaskInfo, text = message): TaskStatus {
    const reason = "REASON_CONTAINER_LAUNCH_FAILED";
    const parts = { source: "SOURCE_AGENT", reason, message: text, agentId, uuid: uuid(9) } as const;
    const failed = status(taskId, "TASK_FAILED", parts);
    harness.update(failed);
    harness.update(answer(taskId, "TASK_GONE", { agentId }));
    return failed;
  }

  test("is the client's to judge where none of its kind answers anywhere", () => {
    const harness = new Harness();
    harness.subscribe();
    wantInContainers(harness, "1");
    harness.offers(offer("o1"));
    const [info] = harness.launches();
    // That the master lists it says nothing: it may be pulling the image.
    harness.offers(offer("o2", "a", { executorIds: [info!.executor!.executorId] }));
    const failed = launchFailed(harness, info!);
    expect(harness.commands("ended").map(({ key, status: said }) => [key, said])).toEqual([["1", failed]]);
    expect(harness.commands("lost")).toEqual([]);
    expect(harness.calls("ACKNOWLEDGE")).toEqual([]);
    harness.step({ type: "release", key: "1" });
    expect(harness.calls("ACKNOWLEDGE").map(({ taskId }) => taskId)).toEqual([info!.taskId]);
  });

  test("leaves its agent alone for a while, until another configuration is wanted", () => {
    const harness = new Harness();
    harness.subscribe();
    wantInContainers(harness, "1");
    harness.offers(offer("o1"));
    launchFailed(harness, harness.launches()[0]!);
    harness.step({ type: "release", key: "1" });
    harness.forget();
    wantInContainers(harness, "2");
    harness.offers(offer("o2"));
    expect(harness.launches()).toEqual([]);
    harness.step({ type: "want", request: request("3", { executor: { ...executor, hash: "e1" } }) });
    harness.offers(offer("o3"));
    expect(harness.launches().map(({ name }) => name)).toContain("task 3");
  });

  test("is held against its agent alone where others of its kind answer elsewhere", () => {
    const harness = new Harness();
    harness.subscribe();
    wantInContainers(harness, "1");
    harness.offers(offer("o1", "b"));
    harness.update(status(harness.launches()[0]!.taskId, "TASK_RUNNING", { agentId: "b" as AgentId }));
    harness.forget();
    wantInContainers(harness, "2");
    harness.offers(offer("o2", "a"));
    launchFailed(harness, harness.launches()[0]!);
    harness.advance(50);
    harness.forget();
    harness.offers(offer("o3", "a"));
    expect(harness.launches()).toEqual([]);
    harness.offers(offer("o4", "b"));
    expect(harness.launches().map(({ name }) => name)).toEqual(["task 2"]);
    expect(harness.commands("ended")).toEqual([]);
  });

  test.each(["Container exited with status 127", "Unable to get executor pid after launch"])(
    "may have run its task where it ended while it started: %s",
    (text) => {
      const harness = new Harness();
      harness.subscribe();
      wantInContainers(harness, "1");
      harness.offers(offer("o1"));
      launchFailed(harness, harness.launches()[0]!, `Failed to launch container: ${text}`);
      const lost = harness.commands("lost").map(({ key, reason }) => [key, reason]);
      expect(lost).toEqual([["1", "executor-start-failed"]]);
    },
  );

  test("is launched again where it is a process of the host", () => {
    const harness = new Harness();
    const [info] = harness.launched("1");
    launchFailed(harness, info!);
    harness.advance(1000);
    harness.offers(offer("o2"));
    expect(harness.launches().map(({ name }) => name)).toEqual(["task 1"]);
    expect(harness.commands("lost")).toEqual([]);
    expect(harness.commands("ended")).toEqual([]);
  });
});

describe("a task is lost", () => {
  test.each<[string, Partial<TaskStatus> & Pick<TaskStatus, "state">, string]>([
    [
      "its executor ended",
      { state: "TASK_FAILED", source: "SOURCE_AGENT", reason: "REASON_EXECUTOR_TERMINATED", uuid: uuid(2) },
      "executor-lost",
    ],
    [
      "its executor did not come back",
      { state: "TASK_GONE", source: "SOURCE_AGENT", reason: "REASON_EXECUTOR_REREGISTRATION_TIMEOUT" },
      "executor-lost",
    ],
    [
      "its agent was removed",
      { state: "TASK_LOST", source: "SOURCE_MASTER", reason: "REASON_AGENT_REMOVED" },
      "agent-lost",
    ],
    ["its agent was marked gone", { state: "TASK_GONE_BY_OPERATOR", source: "SOURCE_MASTER" }, "agent-lost"],
    [
      "the agent does not know it",
      { state: "TASK_GONE", source: "SOURCE_MASTER", reason: "REASON_RECONCILIATION" },
      "task-unknown",
    ],
    [
      "nobody knows it",
      { state: "TASK_UNKNOWN", source: "SOURCE_MASTER", reason: "REASON_RECONCILIATION" },
      "task-unknown",
    ],
  ])("when %s", (_, parts, reason) => {
    const harness = new Harness();
    const [info] = harness.launched("1");
    harness.update(status(info!.taskId, "TASK_RUNNING"), { taskId: info!.taskId, agentId, ...parts });
    expect(harness.commands("lost").map((command) => command.reason as string)).toEqual([reason]);
    harness.step({ type: "release", key: "1" });
    expect(harness.phases()).toEqual({});
  });

  test("when its agent stays unreachable; until then it may come back", () => {
    const harness = new Harness();
    const infos = harness.launched("1", "2");
    for (const { taskId } of infos) {
      harness.update(status(taskId, "TASK_RUNNING"));
      harness.update({
        taskId,
        agentId,
        state: "TASK_UNREACHABLE",
        source: "SOURCE_MASTER",
        reason: "REASON_AGENT_REMOVED",
      });
    }
    harness.advance(59_999);
    expect(harness.commands("lost")).toEqual([]);
    harness.update({ taskId: infos[0]!.taskId, agentId, state: "TASK_RUNNING", reason: "REASON_AGENT_REREGISTERED" });
    harness.advance(1);
    expect(harness.commands("lost").map(({ key, reason }) => [key, reason])).toEqual([["2", "agent-unreachable"]]);
    harness.update(status(infos[1]!.taskId, "TASK_FINISHED"));
    expect(harness.commands("ended").map(({ key }) => key)).toEqual(["2"]);
  });

  test("for good when the unreachable agent turns out to be gone", () => {
    const harness = new Harness();
    const [info] = harness.launched("1");
    harness.update({ taskId: info!.taskId, agentId, state: "TASK_UNREACHABLE", source: "SOURCE_MASTER" });
    harness.advance(60_000);
    harness.update({ taskId: info!.taskId, agentId, state: "TASK_GONE_BY_OPERATOR", source: "SOURCE_MASTER" });
    expect(harness.commands("lost").map(({ reason }) => reason)).toEqual(["agent-unreachable", "agent-lost"]);
  });

  test("and if it was released meanwhile and comes back, it is killed", () => {
    const harness = new Harness();
    const [info] = harness.launched("1");
    harness.update({ taskId: info!.taskId, agentId, state: "TASK_UNREACHABLE", source: "SOURCE_MASTER" });
    harness.advance(60_000);
    harness.step({ type: "release", key: "1" });
    harness.forget();
    harness.update({ taskId: info!.taskId, agentId, state: "TASK_RUNNING", reason: "REASON_AGENT_REREGISTERED" });
    expect(harness.calls("KILL").map(({ taskId }) => taskId)).toEqual([info!.taskId]);
    expect(harness.commands("adopted")).toEqual([]);
  });
});

describe("kill", () => {
  test("of a task that waits needs no call, and it is said to be stopped", () => {
    const harness = new Harness();
    harness.subscribe();
    harness.want("1");
    harness.step({ type: "kill", key: "1" });
    harness.offers(offer("o1"));
    expect(harness.launches()).toEqual([]);
    expect(harness.phases()).toEqual({ "1": "stopped" });
    expect(harness.commands("stopped").map(({ key }) => key)).toEqual(["1"]);
    harness.step({ type: "release", key: "1" });
    expect(harness.phases()).toEqual({});
  });

  test("is repeated at growing intervals until the task has ended", () => {
    const harness = new Harness();
    const [info] = harness.launched("1");
    harness.update(status(info!.taskId, "TASK_RUNNING"));
    harness.step({ type: "kill", key: "1" });
    harness.advance(5000);
    expect(harness.calls("KILL")).toHaveLength(2);
    harness.advance(10_000);
    expect(harness.calls("KILL")).toHaveLength(3);
    harness.update(status(info!.taskId, "TASK_KILLED", { uuid: uuid(2) }));
    expect(harness.commands("ended").map((command) => command.status.state)).toEqual(["TASK_KILLED"]);
    harness.advance(120_000);
    expect(harness.calls("KILL")).toHaveLength(3);
  });

  test("and release at once acknowledge the end without telling of it", () => {
    const harness = new Harness();
    const [info] = harness.launched("1");
    harness.step({ type: "kill", key: "1" });
    harness.step({ type: "release", key: "1" });
    expect(harness.calls("KILL")).toHaveLength(1);
    harness.update(status(info!.taskId, "TASK_KILLED"));
    expect(harness.calls("ACKNOWLEDGE")).toHaveLength(1);
    expect(harness.commands("ended")).toEqual([]);
    expect(harness.phases()).toEqual({});
  });

  test("before delivery leaves the task stopped", () => {
    const harness = new Harness();
    const [info] = harness.launched("1");
    harness.step({ type: "kill", key: "1" });
    const reason = "REASON_TASK_KILLED_DURING_LAUNCH";
    harness.update(status(info!.taskId, "TASK_KILLED", { source: "SOURCE_AGENT", reason }));
    harness.update(answer(info!.taskId, "TASK_KILLED", { agentId }), answer(info!.taskId, "TASK_GONE", { agentId }));
    harness.step({ type: "release", key: "1" });
    expect(harness.phases()).toEqual({});
    expect(harness.calls("ACKNOWLEDGE")).toHaveLength(1);
  });

  test("and release of what is not known are ignored", () => {
    const harness = new Harness();
    harness.subscribe();
    harness.forget();
    harness.step({ type: "kill", key: "x" });
    harness.step({ type: "release", key: "x" });
    expect(harness.callTypes()).toEqual([]);
  });
});

describe("executors", () => {
  test("one serves all tasks of an agent and is paid for once", () => {
    const harness = new Harness();
    const infos = harness.launched("1", "2");
    expect(infos.map(({ executor }) => executor?.executorId as string)).toEqual(["p-e0-1-1", "p-e0-1-1"]);
    expect(infos[0]?.executor).toEqual(infos[1]?.executor);
    harness.want("3");
    harness.offers(offer("o2", "a", { executorIds: ["p-e0-1-1"] }), offer("o3", "b"));
    const [third] = harness.launches();
    expect(third?.executor).toEqual(infos[0]?.executor);
  });

  test("a task that runs alone gets one of its own", () => {
    const harness = new Harness();
    harness.launched("1");
    harness.step({ type: "want", request: request("2", { alone: true }) });
    harness.want("3");
    harness.offers(offer("o2", "a", { executorIds: ["p-e0-1-1"] }));
    const ids = Object.fromEntries(
      harness.launches().map(({ name, executor }) => [name, executor?.executorId as string]),
    );
    expect(ids).toEqual({ "task 2": "p-e0.alone-1-2", "task 3": "p-e0-1-1" });
  });

  test("an executor that had its tasks is replaced", () => {
    const harness = new Harness();
    harness.subscribe();
    const executor = { ...executorTemplate, maxTasks: 2 };
    for (const key of ["1", "2"]) harness.step({ type: "want", request: request(key, { executor }) });
    harness.offers(offer("o1"));
    for (const key of ["3", "4"]) harness.step({ type: "want", request: request(key, { executor }) });
    harness.offers(offer("o2", "a", { executorIds: ["p-e0-1-1"] }));
    expect(harness.launches().map((info) => info.executor?.executorId as string)).toEqual([
      "p-e0-1-1",
      "p-e0-1-1",
      "p-e0-1-2",
      "p-e0-1-2",
    ]);
  });

  test("an executor gets no more tasks than it takes at once, those of an earlier life included", () => {
    const executor = { ...executorTemplate, slots: 2 };
    const harness = new Harness({ epoch: 2 });
    harness.subscribe();
    harness.update(status("p_t_0_9-1.7" as TaskId, "TASK_RUNNING", { executorId: "p-e0-1-1" as ExecutorId }));
    for (const key of ["1", "2", "3"]) harness.step({ type: "want", request: request(key, { executor }) });
    harness.offers(offer("o1", "a", { executorIds: ["p-e0-1-1"] }));
    const placed = (): string[] =>
      harness.launches().map(({ name, executor }) => `${name} ${executor?.executorId as string}`);
    expect(placed()).toEqual(["task 1 p-e0-1-1"]);
    harness.update(status(harness.launches()[0]!.taskId, "TASK_FINISHED"));
    harness.offers(offer("o2", "a", { executorIds: ["p-e0-1-1"] }));
    expect(placed()).toEqual(["task 1 p-e0-1-1", "task 2 p-e0-1-1"]);
  });

  test("one that ended is not used again, and its agent is left alone for a while when it took tasks along", () => {
    const harness = new Harness();
    const [info] = harness.launched("1");
    harness.event({ type: "FAILURE", agentId, executorId: info!.executor!.executorId, status: 9 });
    harness.update(status(info!.taskId, "TASK_FAILED", { source: "SOURCE_AGENT", message: "Executor terminated" }));
    harness.want("2");
    harness.offers(offer("o2"));
    expect(harness.launches()).toEqual([]);
    expect(harness.calls("DECLINE").map(({ filters }) => filters?.refuseSeconds)).toEqual([1]);
    expect(harness.keeper.waiting(harness.nowMs)[0]?.reason).toContain("1 host paused for 500ms (Executor terminated)");
    harness.advance(500);
    harness.offers(offer("o3"));
    expect(harness.launches()[0]?.executor?.executorId as string).toBe("p-e0-1-2");
  });

  test("one that an offer no longer lists is started anew", () => {
    const harness = new Harness();
    const [info] = harness.launched("1");
    harness.update(status(info!.taskId, "TASK_FINISHED"));
    harness.step({ type: "release", key: "1" });
    harness.want("2");
    harness.offers(offer("o2"));
    const [again] = harness.launches();
    expect(again?.executor?.executorId as string).toBe("p-e0-1-2");
  });

  test("a command task has none", () => {
    const harness = new Harness();
    harness.subscribe();
    harness.step({ type: "want", request: request("1", { executor: null }) });
    harness.offers(offer("o1"));
    expect(harness.launches()[0]?.executor).toBeUndefined();
  });
});

test("every quarter of an hour all that runs is reconciled", () => {
  const harness = new Harness();
  const [info] = harness.launched("1");
  harness.update(status(info!.taskId, "TASK_RUNNING"));
  harness.forget();
  harness.advance(15 * 60_000);
  expect(harness.calls("RECONCILE").map(({ tasks }) => tasks)).toEqual([[{ taskId: info!.taskId, agentId }], []]);
});
