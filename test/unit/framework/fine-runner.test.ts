import { describe, expect, test } from "bun:test";
import { utf8 } from "../../../src/base/bytes.ts";
import { silentLogger } from "../../../src/base/log.ts";
import { seededRandom } from "../../../src/base/random.ts";
import { decodeExecutorConfig } from "../../../src/engine/executor-wire.ts";
import type { InputRecord, Run, RunId, RunnerEvent, RunResult } from "../../../src/engine/ports.ts";
import { decodeRunRequest, encodeRunResult } from "../../../src/engine/run-wire.ts";
import { FailedOverError } from "../../../src/framework/errors.ts";
import { FineRunner, type FineRunnerOptions } from "../../../src/framework/fine-runner.ts";
import type { MasterEvent } from "../../../src/framework/keeper-api.ts";
import type { MasterConnection, MasterConnectionHandlers } from "../../../src/framework/master-connection.ts";
import { unreadableRequest } from "../../../src/host/task-status.ts";
import type { SchedulerCall } from "../../../src/mesos/scheduler-api.ts";
import type { AgentId, FrameworkId, TaskId, TaskInfo, TaskStatus } from "../../../src/mesos/types.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { processorSpec } from "../../support/specs.ts";
import { until } from "../../support/until.ts";
import { answer, frameworkId, offer, status } from "./keeper-harness.ts";

const spec = processorSpec({ env: [["TOKEN", "hunter2"]] });

const record: InputRecord = {
  topic: "in",
  partition: 0,
  offset: 5,
  timestampMs: 1,
  key: utf8("k"),
  value: utf8("hello"),
  headers: [],
};

const run: Run = { id: "in/0/5#1" as RunId, spec, record, attempt: 2, alone: false };

const result: RunResult = {
  outcome: { type: "succeeded" },
  stdout: utf8("HELLO"),
  stderrTail: utf8(""),
  durationMs: 12,
  specVersion: "v1",
};

class FakeConnection implements MasterConnection {
  readonly calls: SchedulerCall[] = [];
  readonly handlers: MasterConnectionHandlers;
  started = false;
  closed = false;

  constructor(handlers: MasterConnectionHandlers) {
    this.handlers = handlers;
  }
  start(): void {
    this.started = true;
  }
  call(call: SchedulerCall): void {
    this.calls.push(call);
  }
  async close(): Promise<void> {
    this.closed = true;
  }
}

class Fixture {
  readonly clock = new ManualClock();
  readonly connections: FakeConnection[] = [];
  readonly events: RunnerEvent[] = [];
  readonly saved: (FrameworkId | undefined)[] = [];
  readonly fatal: unknown[] = [];
  readonly runner: FineRunner;

  constructor(options: Partial<FineRunnerOptions> = {}) {
    this.runner = new FineRunner({
      processor: spec,
      deployment: "test",
      identity: { frameworkId, epoch: 3 },
      saveFrameworkId: async (id) => {
        this.saved.push(id);
      },
      executorCommand: "/opt/brigade executor",
      executorEnv: [],
      role: "*",
      user: "nobody",
      principal: null,
      failoverTimeoutMs: 604_800_000,
      unreachableTasks: async () => [],
      connect: (handlers) => {
        const connection = new FakeConnection(handlers);
        this.connections.push(connection);
        return connection;
      },
      clock: this.clock,
      random: seededRandom(1),
      log: silentLogger,
      onFatal: (error) => this.fatal.push(error),
      ...options,
    });
  }

  get connection(): FakeConnection {
    return this.connections.at(-1)!;
  }

  async start(): Promise<void> {
    await this.runner.start((event) => this.events.push(event));
  }

  master(event: MasterEvent): void {
    this.connection.handlers.onEvent(event);
    this.clock.advance(0);
  }

  update(...statuses: readonly TaskStatus[]): void {
    for (const one of statuses) this.master({ type: "event", event: { type: "UPDATE", status: one } });
  }

  subscribe(id = frameworkId): void {
    this.master({ type: "subscribed", frameworkId: id });
    for (let answers = 0; answers < 2; answers++) {
      const asked = this.connection.calls.flatMap((call) => (call.type === "RECONCILE" ? call.tasks : []));
      this.update(answer(asked.findLast(({ taskId }) => taskId.startsWith("brigade-barrier"))!.taskId, "TASK_UNKNOWN"));
    }
  }

  offer(id = "o1"): void {
    this.master({ type: "event", event: { type: "OFFERS", offers: [offer(id)] } });
  }

  tasks(): TaskInfo[] {
    return this.connection.calls.flatMap((call) =>
      call.type === "ACCEPT" ? call.operations.flatMap((one) => (one.type === "LAUNCH" ? one.taskInfos : [])) : [],
    );
  }

  /** Started, subscribed, and with one run launched. */
  static async launched(): Promise<{ fixture: Fixture; task: TaskInfo }> {
    const fixture = new Fixture();
    await fixture.start();
    fixture.subscribe();
    fixture.runner.run(run);
    fixture.offer();
    return { fixture, task: fixture.tasks()[0]! };
  }
}

describe("a run", () => {
  test("becomes a task that carries the record and the specification", async () => {
    const { task } = await Fixture.launched();
    expect(task.taskId as string).toBe("upper_in_0_5-3.1");
    const request = decodeRunRequest(task.data!);
    expect(request.record).toEqual(record);
    expect(request.attempt).toBe(2);
    expect(request.spec.env).toEqual([["TOKEN", "hunter2"]]);
    expect(task.resources).toEqual([
      { name: "cpus", type: "SCALAR", scalar: { value: 0.1 } },
      { name: "mem", type: "SCALAR", scalar: { value: 32 } },
    ]);
  });

  test("shows its configuration in a label, without the values of its environment", async () => {
    const { task } = await Fixture.launched();
    const [label] = task.labels?.labels ?? [];
    expect(label?.key).toBe("processor-configuration");
    expect(JSON.parse(label?.value ?? "")).toMatchObject({ name: "upper", cpus: 0.1, env: { TOKEN: "***" } });
    expect(label?.value).not.toContain("hunter2");
  });

  test("starts an executor with the given command and configuration", async () => {
    const { task } = await Fixture.launched();
    expect(task.executor?.command).toEqual({
      shell: true,
      value: "/opt/brigade executor",
      environment: { variables: [{ name: "BRIGADE_DEPLOYMENT", value: "test" }] },
    });
    expect(decodeExecutorConfig(task.executor!.data!)).toEqual({ idleTimeoutMs: 60_000 });
    expect(task.executor?.executorId).toMatch(/^upper-[0-9a-f]{12}-3-1$/);
  });

  test("tells where it started and what it came to; its last update is acknowledged by its release", async () => {
    const { fixture, task } = await Fixture.launched();
    fixture.update(status(task.taskId, "TASK_FINISHED", { data: encodeRunResult(result) }));
    expect(fixture.events).toEqual([
      { type: "ready" },
      { type: "started", runId: run.id, place: "a.example" },
      { type: "ended", runId: run.id, result },
    ]);
    expect(fixture.connection.calls.some(({ type }) => type === "ACKNOWLEDGE")).toBe(false);
    fixture.runner.release(run.id);
    expect(fixture.connection.calls.some(({ type }) => type === "ACKNOWLEDGE")).toBe(true);
  });

  test("that was killed without a result ended as killed", async () => {
    const { fixture, task } = await Fixture.launched();
    fixture.runner.cancel(run.id);
    expect(fixture.connection.calls.at(-1)?.type).toBe("KILL");
    fixture.update(status(task.taskId, "TASK_KILLED"));
    expect(fixture.events.at(-1)).toMatchObject({
      type: "ended",
      result: { outcome: { type: "killed" }, specVersion: "v1" },
    });
  });

  test("whose request the executor could not read is not startable", async () => {
    const { fixture, task } = await Fixture.launched();
    fixture.update(status(task.taskId, "TASK_FAILED", unreadableRequest("Cannot read run request: version 9")));
    expect(fixture.events.at(-1)).toMatchObject({
      type: "ended",
      result: { outcome: { type: "not-startable", message: "Cannot read run request: version 9" }, specVersion: "v1" },
    });
  });

  test("that the executor lost is lost with its daemon", async () => {
    const { fixture, task } = await Fixture.launched();
    fixture.update(status(task.taskId, "TASK_FAILED", { message: "no Docker Engine" }));
    expect(fixture.events.at(-1)).toMatchObject({ type: "lost", reason: "daemon-lost", message: "no Docker Engine" });
  });

  test("that was lost so is told with its host, until a program comes to an end there", async () => {
    const { fixture, task } = await Fixture.launched();
    fixture.update(status(task.taskId, "TASK_FAILED", { message: "no Docker Engine" }));
    fixture.runner.release(run.id);
    expect(fixture.runner.status().hostTrouble).toBe("no program can run on a.example: no Docker Engine");
    const again = { ...run, id: "in/0/5#2" as RunId };
    fixture.runner.run(again);
    fixture.offer("o2");
    const { taskId } = fixture.tasks().at(-1)!;
    fixture.update(status(taskId, "TASK_FINISHED", { data: encodeRunResult(result) }));
    expect(fixture.runner.status().hostTrouble).toBeUndefined();
  });

  test("whose executor's image is missing is not startable, as its agent says", async () => {
    const fixture = new Fixture();
    await fixture.start();
    fixture.subscribe();
    const container = { image: "brigade:1", forcePull: false, volumes: [] };
    fixture.runner.run({ ...run, spec: { ...spec, executor: { ...spec.executor, container } } });
    fixture.offer();
    const message = "Failed to launch container: no such image";
    const parts = { source: "SOURCE_AGENT", reason: "REASON_CONTAINER_LAUNCH_FAILED", message } as const;
    fixture.update(status(fixture.tasks()[0]!.taskId, "TASK_FAILED", parts));
    expect(fixture.events.at(-1)).toMatchObject({
      type: "ended",
      result: {
        outcome: {
          type: "not-startable",
          reason: "executor-missing",
          message: `Mesos cannot start the executor: ${message}`,
        },
        specVersion: "v1",
      },
    });
  });

  test("whose result cannot be read is lost", async () => {
    const { fixture, task } = await Fixture.launched();
    fixture.update(status(task.taskId, "TASK_FINISHED", { data: utf8("nonsense") }));
    expect(fixture.events.at(-1)).toMatchObject({ type: "lost", reason: "executor-lost" });
  });

  test("is shown with its place, and its waiting with a reason", async () => {
    const { fixture, task } = await Fixture.launched();
    expect(fixture.runner.tasks()).toEqual([
      {
        run: run.id,
        id: task.taskId,
        state: "launched",
        agent: "a",
        host: "a.example",
        partition: 0,
        offset: 5,
        attempt: 2,
        orphaned: false,
        sinceMs: fixture.clock.wallMs(),
      },
    ]);
    fixture.runner.run({ ...run, id: "in/0/6#2" as RunId, spec: processorSpec({ cpus: 99 }) });
    fixture.offer("o2");
    expect(fixture.runner.waiting()).toEqual([
      { count: 1, reason: expect.stringContaining("1 host short of cpus (best 8)") },
    ]);
    expect(fixture.runner.counters()).toMatchObject({ launches: 1, offers: 2, declines: 1 });
  });
});

describe("a run of an earlier life", () => {
  test("is adopted by its record", async () => {
    const fixture = new Fixture();
    await fixture.start();
    fixture.subscribe();
    const taskId = "upper_in_2_77-2.4" as TaskId;
    fixture.update(status(taskId, "TASK_FINISHED", { data: encodeRunResult(result) }));
    expect(fixture.events.slice(1)).toEqual([
      { type: "adopted", runId: taskId as string as RunId, partition: 2, offset: 77 },
      { type: "ended", runId: taskId as string as RunId, result },
    ]);
  });

  test("of another input topic is killed and forgotten", async () => {
    const fixture = new Fixture();
    await fixture.start();
    fixture.subscribe();
    const taskId = "upper_formerly_2_77-2.4" as TaskId;
    fixture.update(status(taskId, "TASK_RUNNING"));
    expect(fixture.events).toEqual([{ type: "ready" }]);
    expect(fixture.connection.calls.filter(({ type }) => type === "KILL")).toHaveLength(1);
  });
});

describe("the framework", () => {
  test("says who it is and what it can", async () => {
    const fixture = new Fixture({ principal: "brigade", role: "workers" });
    await fixture.start();
    expect(fixture.connection.started).toBe(true);
    expect(fixture.connection.handlers.frameworkInfo).toMatchObject({
      id: frameworkId,
      name: expect.stringMatching(/^BrigadeProc_upper_/),
      user: "nobody",
      principal: "brigade",
      roles: ["workers"],
      checkpoint: true,
      failoverTimeout: 604_800,
      capabilities: ["MULTI_ROLE", "PARTITION_AWARE", "TASK_KILLING_STATE", "RESERVATION_REFINEMENT"].map((type) => ({
        type,
      })),
    });
  });

  test("that is new is stored before it launches anything, however often that takes", async () => {
    let failures = 2;
    const saved: (FrameworkId | undefined)[] = [];
    const fixture = new Fixture({
      identity: { frameworkId: undefined, epoch: 1 },
      saveFrameworkId: async (id) => {
        if (failures-- > 0) throw new Error("disk full");
        saved.push(id);
      },
    });
    await fixture.start();
    fixture.subscribe();
    fixture.runner.run(run);
    fixture.offer();
    expect(fixture.tasks()).toEqual([]);
    await until(() => {
      fixture.clock.advance(1000);
      return saved.length > 0;
    }, "the id is stored");
    expect(saved).toEqual([frameworkId]);
    await until(() => {
      fixture.offer(`o${fixture.clock.wallMs()}`);
      fixture.clock.advance(10);
      return fixture.tasks().length > 0;
    }, "the task is launched");
  });

  test("that was removed subscribes anew without the dead id, and its runs are lost", async () => {
    const { fixture } = await Fixture.launched();
    fixture.master({ type: "ended", reason: "removed", message: "Framework has been removed" });
    expect(fixture.events.at(-1)).toMatchObject({ type: "lost", reason: "framework-removed" });
    expect(fixture.connections).toHaveLength(2);
    expect(fixture.connection.handlers.frameworkInfo.id).toBeUndefined();
    await until(() => fixture.saved.length === 1, "the dead id is forgotten");
    expect(fixture.saved).toEqual([undefined]);
    fixture.subscribe("framework-2" as FrameworkId);
    await until(() => fixture.saved.length === 2, "the new id is stored");
    expect(fixture.runner.status()).toEqual({
      connected: true,
      frameworkId: "framework-2" as FrameworkId,
      trouble: undefined,
      hostTrouble: undefined,
    });
  });

  test("that was taken over does not subscribe again", async () => {
    const { fixture } = await Fixture.launched();
    fixture.master({ type: "ended", reason: "failed-over", message: "Framework failed over" });
    fixture.clock.advance(600_000);
    expect(fixture.fatal).toHaveLength(1);
    expect(fixture.fatal[0]).toBeInstanceOf(FailedOverError);
    expect(fixture.connections).toHaveLength(1);
    await fixture.runner.close({ kill: false });
    expect(fixture.connection.closed).toBe(true);
  });

  test("that is refused says why and tries again later", async () => {
    const fixture = new Fixture();
    await fixture.start();
    fixture.master({ type: "ended", reason: "refused", message: "Roles { x } are not present" });
    expect(fixture.runner.status().trouble).toBe("Roles { x } are not present");
    expect(fixture.connections).toHaveLength(1);
    fixture.clock.advance(1000);
    expect(fixture.connections).toHaveLength(2);
  });

  test("is left as it is by a close, and torn down by one that kills", async () => {
    const left = (await Fixture.launched()).fixture;
    await left.runner.close({ kill: false });
    expect(left.connection.calls.some(({ type }) => type === "TEARDOWN")).toBe(false);
    expect(left.connection.closed).toBe(true);

    const { fixture } = await Fixture.launched();
    const closing = fixture.runner.close({ kill: true });
    expect(fixture.connection.calls.at(-1)).toEqual({ type: "TEARDOWN" });
    fixture.master({ type: "disconnected", error: new Error("end of stream") });
    await closing;
    expect(fixture.connections).toHaveLength(1);
    expect(fixture.connection.closed).toBe(true);
    await fixture.runner.close({ kill: true });
    expect(fixture.connection.calls.filter(({ type }) => type === "TEARDOWN")).toHaveLength(1);
  });

  test("is torn down by a master that comes back in time", async () => {
    const { fixture } = await Fixture.launched();
    fixture.master({ type: "disconnected", error: new Error("the master is gone") });
    const closing = fixture.runner.close({ kill: true });
    fixture.clock.advance(14_000);
    expect(fixture.connection.closed).toBe(false);
    fixture.subscribe();
    await until(() => fixture.connection.calls.some(({ type }) => type === "TEARDOWN"), "it is torn down");
    fixture.master({ type: "disconnected", error: new Error("end of stream") });
    await closing;
    expect(fixture.connection.closed).toBe(true);
  });

  test("is left where no master comes back", async () => {
    const { fixture } = await Fixture.launched();
    fixture.master({ type: "disconnected", error: new Error("the master is gone") });
    const closing = fixture.runner.close({ kill: true });
    fixture.clock.advance(15_000);
    await closing;
    expect(fixture.connection.closed).toBe(true);
    expect(fixture.connection.calls.some(({ type }) => type === "TEARDOWN")).toBe(false);
  });

  test("that the master never gave needs no master", async () => {
    const fixture = new Fixture({ identity: { frameworkId: undefined, epoch: 1 } });
    await fixture.start();
    await fixture.runner.close({ kill: true });
    expect(fixture.connection.closed).toBe(true);
  });

  test("is left after a deadline when the master does not answer a TEARDOWN", async () => {
    const { fixture } = await Fixture.launched();
    const closing = fixture.runner.close({ kill: true });
    fixture.clock.advance(5000);
    await closing;
    expect(fixture.connection.closed).toBe(true);
  });
});

describe("where overlap is forbidden", () => {
  const processor = { ...spec, overlap: "forbid" } as const;
  const away = { taskId: "upper_in_2_77-2.4" as TaskId, agentId: "a7" as AgentId };

  test("tasks on unreachable agents are asked for until there is an answer, and adopted", async () => {
    let failures = 2;
    const asked: FrameworkId[] = [];
    const fixture = new Fixture({
      processor,
      unreachableTasks: async (framework) => {
        asked.push(framework);
        if (failures-- > 0) throw new Error("no master answers");
        return [away];
      },
    });
    await fixture.start();
    fixture.subscribe();
    await until(() => fixture.runner.status().trouble !== undefined, "it is in trouble");
    expect(fixture.runner.status().trouble).toBe(
      "the master does not tell what may run on agents that it does not reach: no master answers",
    );
    expect(fixture.events).toEqual([]);
    await until(() => {
      fixture.clock.advance(1000);
      return fixture.events.length > 1;
    }, "there is an answer");
    expect(asked).toEqual([frameworkId, frameworkId, frameworkId]);
    const runId = away.taskId as string as RunId;
    expect(fixture.events).toEqual([{ type: "adopted", runId, partition: 2, offset: 77 }, { type: "ready" }]);
    expect(fixture.runner.status().trouble).toBeUndefined();
  });

  test("it is asked as soon as that is what the specification says", async () => {
    let asked = 0;
    const unreachableTasks = async (): Promise<[]> => {
      asked++;
      return [];
    };
    const fixture = new Fixture({ unreachableTasks });
    await fixture.start();
    fixture.subscribe();
    expect(asked).toBe(0);
    fixture.runner.update(processor);
    expect(asked).toBe(1);
  });
});

test("a run that is cancelled before it was sent anywhere has been killed", async () => {
  const fixture = new Fixture();
  await fixture.start();
  fixture.subscribe();
  fixture.runner.run(run);
  fixture.runner.cancel(run.id);
  expect(fixture.events.at(-1)).toMatchObject({
    type: "ended",
    runId: run.id,
    result: { outcome: { type: "killed" } },
  });
  fixture.offer();
  expect(fixture.tasks()).toEqual([]);
});

test("killAll ends what runs, and the runner goes on", async () => {
  const { fixture, task } = await Fixture.launched();
  fixture.runner.killAll();
  fixture.update(status(task.taskId, "TASK_KILLED"));
  expect(fixture.events.at(-1)).toMatchObject({ type: "ended", result: { outcome: { type: "killed" } } });
});
