import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { systemClock } from "../../../src/base/clock.ts";
import { createLogger, type LogEntry } from "../../../src/base/log.ts";
import { encodeExecutorConfig } from "../../../src/engine/executor-wire.ts";
import { decodeRunResult, encodeRunRequest } from "../../../src/engine/run-wire.ts";
import { type AgentConnection, type AgentConnectionEvent, Executor } from "../../../src/host/executor.ts";
import type { ExecutorCall, ExecutorEvent } from "../../../src/mesos/executor-api.ts";
import type { TaskStatus } from "../../../src/mesos/types.ts";
import { isAlive, ProgramsFixture, requestOf, until } from "../programs/fixture.ts";
import { newSession, subscribed, taskId, taskInfo } from "./fixture.ts";

/** An agent at the other end of a connection that never breaks unless told to. */
class FakeAgent implements AgentConnection {
  readonly statuses: TaskStatus[] = [];
  closed = false;
  readonly #idleTimeoutMs: number;
  #onEvent: (event: AgentConnectionEvent) => void = () => undefined;

  constructor(idleTimeoutMs: number) {
    this.#idleTimeoutMs = idleTimeoutMs;
  }

  connect(onEvent: (event: AgentConnectionEvent) => void): this {
    this.#onEvent = onEvent;
    return this;
  }

  start(): void {
    this.say(subscribed(encodeExecutorConfig({ idleTimeoutMs: this.#idleTimeoutMs })));
  }

  call(call: ExecutorCall): void {
    if (call.type !== "UPDATE") return;
    this.statuses.push(call.status);
    const { taskId, uuid } = call.status;
    if (uuid !== undefined) queueMicrotask(() => this.say({ type: "ACKNOWLEDGED", taskId, uuid }));
  }

  async drain(): Promise<void> {}

  close(): void {
    this.closed = true;
  }

  say(event: ExecutorEvent): void {
    this.#onEvent({ type: "event", event });
  }

  giveUp(): void {
    this.#onEvent({ type: "gave-up", message: "gone" });
  }

  launch(name: string, command: string): void {
    this.say({ type: "LAUNCH", task: { ...taskInfo(name), data: encodeRunRequest(requestOf(command)) } });
  }
}

class ExecutorFixture {
  readonly agent: FakeAgent;
  readonly executor: Executor;
  readonly exit: Promise<number>;
  readonly logged: LogEntry[] = [];
  readonly programs = new ProgramsFixture();

  constructor(idleTimeoutMs = 60_000) {
    const agent = new FakeAgent(idleTimeoutMs);
    this.agent = agent;
    this.executor = new Executor({
      session: newSession(),
      connect: (onEvent) => agent.connect(onEvent),
      programs: this.programs.programs,
      clock: systemClock,
      log: createLogger({ sink: (entry) => this.logged.push(entry) }),
    });
    this.exit = this.executor.run();
  }

  [Symbol.dispose](): void {
    this.programs[Symbol.dispose]();
  }
}

describe("an executor", () => {
  test("runs what it is given and reports each result once", async () => {
    using own = new ExecutorFixture();
    for (let i = 0; i < 20; i++) own.agent.launch(`task-${i}`, i % 2 === 0 ? "cat" : "exit 3");
    await until(() => own.agent.statuses.length === 20);
    const states = own.agent.statuses.map(({ taskId, state }) => `${taskId} ${state}`).sort();
    const expected = Array.from({ length: 20 }, (_, i) => `task-${i} ${i % 2 === 0 ? "TASK_FINISHED" : "TASK_FAILED"}`);
    expect(states).toEqual(expected.sort());
  });

  test("kills a task before its program was started", async () => {
    using own = new ExecutorFixture();
    own.agent.launch("a", "echo started > started");
    own.agent.say({ type: "KILL", taskId: taskId("a"), killPolicy: undefined });
    await until(() => own.agent.statuses.length === 1);
    const [status] = own.agent.statuses;
    expect(status?.state).toBe("TASK_KILLED");
    expect(decodeRunResult(status?.data ?? new Uint8Array()).outcome).toEqual({ type: "killed" });
    expect(await Bun.file(`${own.programs.folder}/started`).exists()).toBeFalse();
  });

  test("kills a task that runs", async () => {
    using own = new ExecutorFixture();
    own.agent.launch("a", "echo up > up; sleep 60");
    await until(() => Bun.file(`${own.programs.folder}/up`).exists());
    own.agent.say({ type: "KILL", taskId: taskId("a"), killPolicy: undefined });
    await until(() => own.agent.statuses.length === 1);
    expect(own.agent.statuses[0]?.state).toBe("TASK_KILLED");
  });

  test("ends what runs and exits 0 when it is asked to terminate", async () => {
    using own = new ExecutorFixture();
    own.agent.launch("a", "sleep 60");
    own.executor.terminate();
    expect(await own.exit).toBe(0);
    expect(own.agent.statuses).toMatchObject([{ state: "TASK_KILLED" }]);
    expect(own.agent.closed).toBeTrue();
  });

  test("leaves no program behind when its agent is gone", async () => {
    using own = new ExecutorFixture();
    own.agent.launch("a", "echo $$ > pid; sleep 60");
    const pid = `${own.programs.folder}/pid`;
    await until(() => existsSync(pid) && readFileSync(pid).byteLength > 1);
    own.agent.giveUp();
    expect(await own.exit).toBe(1);
    await until(() => !isAlive(Number(readFileSync(pid, "utf8"))));
  });

  test("exits 0 after its idle timeout", async () => {
    using own = new ExecutorFixture(20);
    expect(await own.exit).toBe(0);
    expect(own.logged.at(-1)).toMatchObject({ message: "executor exits", fields: { reason: "idle" } });
  });
});
