import { beforeEach, describe, expect, test } from "bun:test";
import { noBytes, showUtf8, utf8 } from "../../../src/base/bytes.ts";
import { decodeRunResult } from "../../../src/engine/run-wire.ts";
import {
  Driver,
  endOf,
  idleTimeoutMs,
  shutdownGraceMs,
  subscribed,
  taskId,
  taskInfo,
  update,
  updates,
} from "./fixture.ts";

const succeeded = endOf({ type: "succeeded" }, "out");
let driver: Driver;

beforeEach(() => {
  driver = new Driver();
  driver.agent(subscribed());
});

describe("a task", () => {
  test("starts its program and ends with the program's result", () => {
    expect(driver.launch("a")).toMatchObject([{ type: "start-program", taskId: "a", request: { attempt: 1 } }]);
    driver.nowMs = 500;
    const status = update(driver.end("a", succeeded));
    expect(status).toMatchObject({ taskId: "a", state: "TASK_FINISHED", source: "SOURCE_EXECUTOR", timestamp: 1000.5 });
    expect(status.uuid).toHaveLength(16);
    expect(status.agentId).toBeUndefined();
    const result = decodeRunResult(status.data ?? noBytes);
    expect(showUtf8(result.stdout)).toBe("out");
    expect(result.attempt).toBe(1);
  });

  test.each([
    [{ type: "exited", code: 3 }, "TASK_FAILED", "exit code 3"],
    [{ type: "signaled", signal: "SIGSEGV" }, "TASK_FAILED", "killed by SIGSEGV"],
    [{ type: "timed-out", afterMs: 100 }, "TASK_FAILED", "timed out after 100 ms"],
    [{ type: "killed" }, "TASK_KILLED", "killed"],
  ] as const)("of which the program ended otherwise says how (%#)", (outcome, state, message) => {
    driver.launch("a");
    const status = update(driver.end("a", endOf(outcome)));
    expect(status).toMatchObject({ state, message });
    expect(decodeRunResult(status.data ?? noBytes).outcome).toEqual(outcome);
  });

  test("whose run was lost has no result", () => {
    driver.launch("a");
    const status = update(driver.end("a", { type: "lost", message: "no more processes" }));
    expect(status).toMatchObject({ state: "TASK_FAILED", message: "no more processes" });
    expect(status.data).toBeUndefined();
  });

  test.each([[undefined], [utf8("{}")]])("with data that is no run request is not startable", (data) => {
    const { data: _data, ...task } = taskInfo("a");
    const commands = driver.agent({ type: "LAUNCH", task: data === undefined ? task : { ...task, data } });
    const status = update(commands);
    expect(status).toMatchObject({ state: "TASK_FAILED", message: expect.stringContaining("Cannot read") });
    expect(decodeRunResult(status.data ?? noBytes).outcome).toMatchObject({ type: "not-startable" });
    expect(commands.some(({ type }) => type === "start-program")).toBeFalse();
  });

  test("is started once, however often it is launched", () => {
    driver.launch("a");
    expect(driver.launch("a")).toEqual([]);
    driver.acknowledge(update(driver.end("a", succeeded)));
    expect(driver.launch("a")).toEqual([]);
  });

  test("says TASK_RUNNING only when it lasts", () => {
    driver.launch("short");
    driver.nowMs = 1000;
    driver.launch("long");
    driver.end("short", succeeded);
    expect(driver.session.wakeAtMs).toBe(3000);
    expect(update(driver.wake())).toMatchObject({ taskId: "long", state: "TASK_RUNNING" });
    expect(driver.session.wakeAtMs).toBeUndefined();
  });

  test("the first update of a session tells the version", () => {
    driver.launch("a");
    driver.launch("b");
    const label = { key: "brigade-version", value: "9.9.9" };
    expect(update(driver.end("a", succeeded)).labels).toEqual({ labels: [label] });
    expect(update(driver.end("b", succeeded)).labels).toBeUndefined();
  });
});

describe("a connection that breaks", () => {
  test("holds updates until the next subscription, which carries them", () => {
    driver.launch("a");
    driver.launch("b");
    driver.step({ type: "disconnected" });
    expect(driver.end("a", succeeded)).toEqual([]);
    const { unacknowledgedTasks, unacknowledgedUpdates } = driver.session.subscribe();
    expect(unacknowledgedTasks.map(({ taskId }) => taskId)).toEqual([taskId("a"), taskId("b")]);
    expect(unacknowledgedTasks.every(({ data }) => data === undefined)).toBeTrue();
    expect(unacknowledgedUpdates).toMatchObject([{ taskId: "a", state: "TASK_FINISHED" }]);
    expect(driver.agent(subscribed())).toEqual([]);
  });

  test("updates made while subscribing follow SUBSCRIBED", () => {
    driver.launch("a");
    driver.step({ type: "disconnected" });
    driver.session.subscribe();
    driver.end("a", succeeded);
    expect(update(driver.agent(subscribed()))).toMatchObject({ taskId: "a", state: "TASK_FINISHED" });
  });

  test("an update goes again under its first uuid until it is acknowledged, and then no more", () => {
    driver.launch("a");
    const status = update(driver.end("a", succeeded));
    driver.step({ type: "disconnected" });
    expect(driver.session.subscribe().unacknowledgedUpdates).toEqual([status]);
    driver.agent(subscribed());
    driver.acknowledge(status);
    driver.acknowledge(status);
    expect(driver.session.subscribe()).toEqual({
      type: "SUBSCRIBE",
      unacknowledgedTasks: [],
      unacknowledgedUpdates: [],
    });
  });

  test("a task of which an update was acknowledged is no longer unacknowledged, but its later updates are", () => {
    driver.launch("a");
    driver.acknowledge(update(driver.wake()));
    expect(driver.session.subscribe().unacknowledgedTasks).toEqual([]);
    driver.step({ type: "disconnected" });
    driver.end("a", succeeded);
    expect(driver.session.subscribe()).toMatchObject({
      unacknowledgedTasks: [],
      unacknowledgedUpdates: [{ state: "TASK_FINISHED" }],
    });
  });

  test("that does not come back ends the executor", () => {
    driver.launch("a");
    driver.step({ type: "disconnected" });
    expect(driver.step({ type: "gave-up", message: "gone" })).toMatchObject([{ type: "exit", code: 1 }]);
    expect(driver.launch("b")).toEqual([]);
    expect(driver.session.wakeAtMs).toBeUndefined();
  });
});

test("a result that the agent refuses ends the executor, so that its task does not seem to run for ever", () => {
  driver.launch("a");
  const status = update(driver.end("a", succeeded));
  const error = new Error("Cannot call UPDATE: 400");
  expect(driver.step({ type: "call-rejected", call: { type: "HEARTBEAT" }, error })).toEqual([]);
  expect(driver.step({ type: "call-rejected", call: { type: "UPDATE", status }, error })).toMatchObject([
    { type: "exit", code: 1, reason: error.message },
  ]);
});

describe("a KILL", () => {
  test("ends the program with the grace of the KILL, of the task, or three seconds", () => {
    driver.launch("a");
    expect(driver.kill("a")).toEqual([{ type: "kill-program", taskId: taskId("a"), graceMs: 3000 }]);
    expect(driver.kill("a", 100)).toEqual([{ type: "kill-program", taskId: taskId("a"), graceMs: 100 }]);
    const task = { ...taskInfo("b"), killPolicy: { gracePeriod: { nanoseconds: 7e9 } } };
    driver.agent({ type: "LAUNCH", task });
    expect(driver.kill("b")).toEqual([{ type: "kill-program", taskId: taskId("b"), graceMs: 7000 }]);
  });

  test("leaves it to the program what the task came to", () => {
    driver.launch("a");
    driver.kill("a");
    expect(update(driver.end("a", succeeded)).state).toBe("TASK_FINISHED");
  });

  test("of a task that has ended changes nothing", () => {
    driver.launch("a");
    const status = update(driver.end("a", succeeded));
    expect(driver.kill("a")).toEqual([]);
    driver.acknowledge(status);
    expect(driver.kill("a")).toEqual([]);
  });

  test("of a task whose LAUNCH was lost is answered at once", () => {
    expect(update(driver.kill("never-seen"))).toMatchObject({ taskId: "never-seen", state: "TASK_KILLED" });
    expect(driver.session.subscribe().unacknowledgedUpdates).toEqual([]);
    expect(driver.launch("never-seen")).toEqual([]);
  });
});

describe("a SHUTDOWN", () => {
  test("ends all programs, tells the agent, and exits when it has heard", () => {
    driver.launch("a");
    driver.launch("b");
    const kills = driver.agent({ type: "SHUTDOWN" }).filter(({ type }) => type === "kill-program");
    expect(kills).toMatchObject([
      { taskId: "a", graceMs: 3000 },
      { taskId: "b", graceMs: 3000 },
    ]);
    const first = update(driver.end("a", endOf({ type: "killed" })));
    const second = update(driver.end("b", endOf({ type: "killed" })));
    expect(driver.acknowledge(first)).toEqual([]);
    expect(driver.acknowledge(second)).toMatchObject([{ type: "exit", code: 0 }]);
  });

  test("exits at once where nothing runs", () => {
    expect(driver.agent({ type: "SHUTDOWN" }).at(-1)).toMatchObject({ type: "exit", code: 0 });
  });

  test("does not wait for an agent that has left", () => {
    driver.launch("a");
    driver.agent({ type: "SHUTDOWN" });
    driver.step({ type: "disconnected" });
    expect(driver.end("a", endOf({ type: "killed" }))).toMatchObject([{ type: "exit", code: 0 }]);
  });

  test("exits within its grace period, whatever is still open", () => {
    driver.launch("a");
    driver.agent({ type: "SHUTDOWN" });
    driver.wake();
    expect(driver.wake().at(-1)).toMatchObject({ type: "exit", code: 1 });
    expect(driver.nowMs).toBeLessThan(shutdownGraceMs);
  });

  test("takes no more tasks, and gives a KILL no more time than is left", () => {
    driver.launch("a");
    driver.step({ type: "terminate" });
    expect(update(driver.launch("late"))).toMatchObject({ taskId: "late", state: "TASK_KILLED" });
    driver.nowMs = 2000;
    expect(driver.kill("a", 60_000)).toContainEqual({ type: "kill-program", taskId: taskId("a"), graceMs: 1000 });
  });
});

describe("an idle executor", () => {
  test("exits once it had no task for its idle timeout", () => {
    driver.launch("a");
    driver.nowMs = 1000;
    driver.acknowledge(update(driver.end("a", succeeded)));
    expect(driver.session.wakeAtMs).toBe(1000 + idleTimeoutMs);
    expect(driver.wake()).toMatchObject([{ type: "exit", code: 0, reason: "idle" }]);
  });

  test("stays while a program runs or an update may still be wanted", () => {
    driver.launch("a");
    driver.wake();
    expect(driver.session.wakeAtMs).toBeUndefined();
    driver.end("a", succeeded);
    driver.step({ type: "disconnected" });
    driver.nowMs += 1000 * idleTimeoutMs;
    expect(driver.step({ type: "wake" })).toEqual([]);
  });

  test("does not wait for ever for an agent that has forgotten its task", () => {
    driver.launch("a");
    driver.end("a", succeeded);
    const endedAtMs = driver.nowMs;
    expect(driver.wake()).toMatchObject([{ type: "exit", code: 0 }]);
    expect(driver.nowMs - endedAtMs).toBeGreaterThan(idleTimeoutMs);
  });

  test("keeps to a default where its configuration cannot be read, and says so", () => {
    const other = new Driver();
    expect(other.agent(subscribed(utf8("?")))).toMatchObject([{ type: "log", level: "warn" }]);
    expect(other.session.wakeAtMs).toBeGreaterThan(0);
  });
});

test("an ERROR of the agent ends the executor, an unknown event does not", () => {
  expect(driver.agent({ type: "UNKNOWN", value: 99 })).toMatchObject([{ type: "log", level: "warn" }]);
  expect(updates(driver.agent({ type: "HEARTBEAT" }))).toEqual([]);
  expect(driver.agent({ type: "ERROR", message: "no" })).toMatchObject([{ type: "exit", code: 1 }]);
});
