import { describe, expect, test } from "bun:test";
import { seededRandom } from "../../../src/base/random.ts";
import { BuiltInSession, type SessionCommand } from "../../../src/local/mesos/built-in/session.ts";
import type { AgentId, ContainerId, ExecutorId, TaskId, TaskInfo } from "../../../src/mesos/types.ts";

const task = (taskId: string, more: Partial<TaskInfo> = {}): TaskInfo => ({
  name: taskId,
  taskId: taskId as TaskId,
  agentId: "agent" as AgentId,
  command: { value: "true" },
  ...more,
});

/** A session that has launched its tasks at time 0, with all that it said dropped. */
function launched(kind: "command" | "default", ...tasks: TaskInfo[]): BuiltInSession {
  const settings = { kind, executorId: "executor" as ExecutorId, shutdownGraceMs: 5000, epochMs: 1_000_000 };
  const session = new BuiltInSession(settings, seededRandom(1));
  const subscribed = {
    type: "SUBSCRIBED",
    executorInfo: { executorId: settings.executorId },
    frameworkInfo: { user: "u", name: "f", capabilities: [{ type: "TASK_KILLING_STATE" }] },
    agentInfo: { hostname: "h" },
    containerId: "parent" as ContainerId,
  } as const;
  session.step({ type: "event", event: subscribed }, 0);
  const [first] = tasks;
  const event =
    kind === "command" ? ({ type: "LAUNCH", task: first! } as const) : ({ type: "LAUNCH_GROUP", tasks } as const);
  session.step({ type: "event", event }, 0);
  for (const { taskId } of tasks) session.step({ type: "started", taskId }, 0);
  return session;
}

const kill = (taskId: string, graceMs?: number) => ({
  type: "event" as const,
  event: {
    type: "KILL" as const,
    taskId: taskId as TaskId,
    killPolicy: graceMs === undefined ? undefined : { gracePeriod: { nanoseconds: graceMs * 1e6 } },
  },
});

/** `update one TASK_KILLED`, `signal one SIGTERM`, `start one`, `exit 0`. */
function short(commands: readonly SessionCommand[]): string[] {
  return commands.map((command) => {
    switch (command.type) {
      case "update":
        return `update ${command.status.taskId} ${command.status.state}`;
      case "signal":
        return `signal ${command.taskId} ${command.signal}`;
      case "start":
        return `start ${command.task.taskId}`;
      case "probe":
        return `probe ${command.task.taskId} ${command.due.kind}`;
      case "exit":
        return `exit ${command.code}`;
    }
  });
}

describe("a kill", () => {
  test("leaves 3 s between the signals where nobody says otherwise", () => {
    const session = launched("command", task("one"));
    expect(short(session.step(kill("one"), 100))).toEqual(["update one TASK_KILLING", "signal one SIGTERM"]);
    expect(session.wakeAtMs).toBe(3100);
    expect(short(session.step({ type: "time" }, 3100))).toEqual(["signal one SIGKILL"]);
  });

  test("goes by the call's policy, and by the task's where the call has none", () => {
    const policy = { killPolicy: { gracePeriod: { nanoseconds: 7e9 } } };
    const [byTask, byCall] = [launched("command", task("one", policy)), launched("command", task("one", policy))];
    byTask.step(kill("one"), 0);
    byCall.step(kill("one", 500), 0);
    expect([byTask.wakeAtMs, byCall.wakeAtMs]).toEqual([7000, 500]);
  });

  test("that is repeated counts where it ends the task sooner, and is not told again", () => {
    const session = launched("command", task("one"));
    session.step(kill("one", 2000), 0);
    expect(session.step(kill("one", 5000), 100)).toEqual([]);
    expect(session.wakeAtMs).toBe(2000);
    session.step(kill("one", 200), 300);
    expect(session.wakeAtMs).toBe(500);
  });

  test("by SHUTDOWN keeps 2 s of the executor's own grace period, and the executor leaves with its tasks", () => {
    const session = launched("command", task("one"));
    session.step({ type: "event", event: { type: "SHUTDOWN" } }, 0);
    expect(session.wakeAtMs).toBe(3000);
    const end = { type: "signalled", signal: "SIGKILL" } as const;
    const commands = session.step({ type: "ended", taskId: "one" as TaskId, end }, 3010);
    expect(short(commands)).toEqual(["update one TASK_KILLED", "exit 0"]);
  });
});

test("an executor stays until the agent has acknowledged all, and tells it in SUBSCRIBE what it has not", () => {
  const session = launched("command", task("one"));
  const taskId = "one" as TaskId;
  session.step({ type: "ended", taskId, end: { type: "exited", code: 0 } }, 10);
  const { unacknowledgedTasks, unacknowledgedUpdates } = session.subscribe();
  expect(unacknowledgedTasks.map((each) => each.taskId)).toEqual([taskId]);
  const updates = unacknowledgedUpdates.map(({ state, uuid }) => ({ state, uuid: uuid! }));
  expect(updates.map(({ state }) => state)).toEqual(["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"]);
  const left = updates.map(({ uuid }) =>
    short(session.step({ type: "event", event: { type: "ACKNOWLEDGED", taskId, uuid } }, 20)),
  );
  expect(left).toEqual([[], [], ["exit 0"]]);
  expect(session.subscribe()).toEqual({ type: "SUBSCRIBE", unacknowledgedTasks: [], unacknowledgedUpdates: [] });
});

test("tasks of a group have containers of their own within the executor's", () => {
  const session = launched("default", task("one"), task("two"));
  const ids = session
    .subscribe()
    .unacknowledgedUpdates.map(({ containerStatus }) => containerStatus?.containerId ?? "");
  expect(new Set(ids).size).toBe(2);
  for (const id of ids) expect(id).toMatch(/^parent\.[0-9a-f-]{36}$/);
});

test("a command that never ran fails as one that exits with 1", () => {
  const session = launched("command", task("one"));
  const [command] = session.step({ type: "ended", taskId: "one" as TaskId, end: { type: "exited", code: 1 } }, 0);
  expect(command).toMatchObject({ status: { state: "TASK_FAILED", message: "Command exited with status 1" } });
});
