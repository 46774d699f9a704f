import { describe, expect, test } from "bun:test";
import type { LogEntry } from "../../../src/base/log.ts";
import { createLogger } from "../../../src/base/log.ts";
import { seededRandom } from "../../../src/base/random.ts";
import { formatTaskId } from "../../../src/framework/task-id.ts";
import { ConnectionLostError, OperatorRefusedError } from "../../../src/mesos/errors.ts";
import type { MasterFramework, MasterTask } from "../../../src/mesos/operator-answers.ts";
import type { FrameworkId, TaskId } from "../../../src/mesos/types.ts";
import { decideLookUp, findFormerFramework } from "../../../src/meta/former-framework.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { rejection } from "../../support/rejection.ts";
import { advance, settle } from "./fakes.ts";

function framework(id: string, more: Partial<MasterFramework> & { deployment?: string; processor?: string } = {}) {
  const { deployment = "blue", processor = "upper", ...rest } = more;
  return {
    id: id as FrameworkId,
    name: "BrigadeProc_upper_0.1.0",
    connected: false,
    labels: [
      { key: "brigade-deployment", value: deployment },
      { key: "brigade-processor", value: processor },
    ],
    ...rest,
  } satisfies MasterFramework;
}

function task(frameworkId: string, epoch: number, more: Partial<MasterTask> = {}): MasterTask {
  const taskId = formatTaskId({ work: "upper_in_0_7", epoch, launch: 1 });
  return { taskId, frameworkId: frameworkId as FrameworkId, live: true, unreachableAgentId: undefined, ...more };
}

const nothing = { frameworks: [], tasks: [], recoveredAgents: 0 };

describe("what the master's answer means", () => {
  test("no framework of ours is none, once all agents are back or have been waited for", () => {
    expect(decideLookUp(nothing, 0)).toEqual({ type: "none" });
    expect(decideLookUp({ ...nothing, recoveredAgents: 2 }, 59_000)).toMatchObject({ type: "wait" });
    expect(decideLookUp({ ...nothing, recoveredAgents: 2 }, 60_000)).toEqual({ type: "none" });
  });

  test("one that is away is adopted with the highest epoch of its tasks, ended ones included", () => {
    const foreign = task("f1", 99, { taskId: "by-hand" as TaskId });
    const tasks = [task("f1", 3), task("f1", 7, { live: false }), foreign, task("f2", 50)];
    expect(decideLookUp({ ...nothing, frameworks: [framework("f1")], tasks }, 0)).toEqual({
      type: "adopt",
      framework: { id: "f1" as FrameworkId, lastEpoch: 7 },
      others: [],
    });
  });

  test("one without tasks is adopted as well", () => {
    const decision = decideLookUp({ ...nothing, frameworks: [framework("f1")] }, 0);
    expect(decision).toMatchObject({ type: "adopt", framework: { id: "f1", lastEpoch: 0 } });
  });

  test("one that is connected is waited for, and then adopted all the same", () => {
    const frameworks = [framework("f1", { connected: true })];
    expect(decideLookUp({ ...nothing, frameworks }, 14_000)).toMatchObject({ type: "wait" });
    expect(decideLookUp({ ...nothing, frameworks }, 15_000)).toMatchObject({ type: "adopt" });
  });

  test("of several the one that runs most is adopted", () => {
    const frameworks = [framework("f1"), framework("f2"), framework("f3")];
    const ended = [1, 2, 3].map((epoch) => task("f1", epoch, { live: false }));
    const decision = decideLookUp({ ...nothing, frameworks, tasks: [...ended, task("f2", 4)] }, 0);
    expect(decision).toMatchObject({ type: "adopt", framework: { id: "f2", lastEpoch: 4 }, others: ["f1", "f3"] });
  });
});

/** A master that answers what the test says. */
class FakeOperator {
  known: readonly MasterFramework[] = [];
  tasksKnown: readonly MasterTask[] = [];
  agents = 0;
  error: Error | undefined;
  asked = 0;

  async frameworks(): Promise<readonly MasterFramework[]> {
    this.asked++;
    if (this.error !== undefined) throw this.error;
    return this.known;
  }
  async tasks(): Promise<readonly MasterTask[]> {
    return this.tasksKnown;
  }
  async recoveredAgents(): Promise<number> {
    return this.agents;
  }
}

function lookUp(operator: FakeOperator) {
  const clock = new ManualClock();
  const entries: LogEntry[] = [];
  const troubles: string[] = [];
  const stop = new AbortController();
  const found = findFormerFramework({
    operator,
    deployment: "blue",
    processor: "upper",
    clock,
    random: seededRandom(1),
    log: createLogger({ level: "info", sink: (entry) => entries.push(entry) }),
    signal: stop.signal,
    onTrouble: (trouble) => troubles.push(trouble),
  });
  return { clock, entries, troubles, stop, found };
}

test("frameworks of other deployments and processors, and those without labels, are not ours", async () => {
  const operator = new FakeOperator();
  operator.known = [
    framework("f1", { deployment: "green" }),
    framework("f2", { processor: "lower" }),
    framework("f3", { labels: [] }),
    framework("f4"),
  ];
  expect(await lookUp(operator).found).toEqual({ id: "f4" as FrameworkId, lastEpoch: 0 });
  operator.known = operator.known.slice(0, 3);
  expect(await lookUp(operator).found).toBeUndefined();
});

test("a master that does not answer is asked again, and a person is told", async () => {
  const operator = new FakeOperator();
  operator.error = new ConnectionLostError("Cannot talk to m:5050: the connection broke");
  const { clock, troubles, found } = lookUp(operator);
  await settle();
  operator.error = undefined;
  operator.known = [framework("f1", { connected: true })];
  await advance(clock, 500);
  operator.known = [framework("f1")];
  await advance(clock, 1000);
  expect(await found).toMatchObject({ id: "f1" });
  expect(troubles).toEqual([
    "no Mesos master answers: Cannot talk to m:5050: the connection broke",
    "framework f1 of this processor is connected: does another scheduler run?",
  ]);
});

test("agents that are still to return are waited for", async () => {
  const operator = new FakeOperator();
  operator.agents = 1;
  const { clock, troubles, found } = lookUp(operator);
  await settle();
  operator.agents = 0;
  operator.known = [framework("f1")];
  await advance(clock, 1000);
  expect(await found).toMatchObject({ id: "f1" });
  expect(troubles[0]).toStartWith("1 agent has not returned to the master yet");
});

test("where the master does not allow the question there is a clear warning, and no framework", async () => {
  const operator = new FakeOperator();
  operator.error = new OperatorRefusedError("GET_FRAMEWORKS", 403, "Forbidden");
  const { entries, found } = lookUp(operator);
  expect(await found).toBeUndefined();
  expect(entries).toHaveLength(1);
  expect(entries[0]).toMatchObject({ level: "warn", message: expect.stringContaining("their records run again") });
  expect(entries[0]?.fields).toEqual({
    reason: "Cannot ask the master GET_FRAMEWORKS: the answer is 403, Forbidden",
  });
});

test("stopping ends the question", async () => {
  const operator = new FakeOperator();
  operator.error = new ConnectionLostError("gone");
  const { stop, found } = lookUp(operator);
  await settle();
  const reason = new Error("stopping");
  stop.abort(reason);
  expect(await rejection(found)).toBe(reason);
});
