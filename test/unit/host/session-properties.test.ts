import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { noBytes } from "../../../src/base/bytes.ts";
import type { SessionCommand, SessionEvent } from "../../../src/host/session-events.ts";
import type { ExecutorCall, ExecutorEvent } from "../../../src/mesos/executor-api.ts";
import { isTerminal, type TaskId, type TaskStatus } from "../../../src/mesos/types.ts";
import { endOf, newSession, subscribed, taskId, taskInfo } from "./fixture.ts";

/** One thing that may happen; numbers choose among what there is. */
type Step =
  | { readonly do: "launch" | "disconnect" | "begin subscribe" | "finish subscribe" | "wait" }
  | { readonly do: "kill" | "end" | "agent reads" | "executor reads"; readonly pick: number };

const pick = fc.nat(9);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ do: "launch" } as const) },
  { weight: 1, arbitrary: fc.constant({ do: "disconnect" } as const) },
  { weight: 2, arbitrary: fc.constant({ do: "begin subscribe" } as const) },
  { weight: 2, arbitrary: fc.constant({ do: "finish subscribe" } as const) },
  { weight: 1, arbitrary: fc.constant({ do: "wait" } as const) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("kill" as const), pick }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("end" as const), pick }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("agent reads" as const), pick }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("executor reads" as const), pick }) },
);

/**
 * A session between an agent and programs that are obviously right. Both directions of the connection are queues, and
 * what is in them when it breaks is lost.
 */
class World {
  readonly session = newSession();
  nowMs = 0;
  /** Every update that the agent has, in the order of its arrival, repetitions of a uuid left out. */
  readonly received = new Map<TaskId, TaskStatus[]>();
  readonly started = new Map<TaskId, "running" | "ended">();
  readonly dropped = new Set<TaskId>();
  #launched = 0;
  #connected = false;
  #toAgent: ExecutorCall[] = [];
  #toExecutor: ExecutorEvent[] = [];
  #subscribe: Extract<ExecutorCall, { type: "SUBSCRIBE" }> | undefined;

  apply(step: Step): void {
    switch (step.do) {
      case "launch":
        return this.launch();
      case "disconnect":
        return this.disconnect();
      case "begin subscribe":
        if (!this.#connected) this.#subscribe = this.session.subscribe();
        return;
      case "finish subscribe":
        return this.finishSubscribe();
      case "wait":
        // Short of the idle timeout, which would end the session.
        this.nowMs += 2500;
        return this.step({ type: "wake" });
      case "kill": {
        const task = [...this.received.keys()].at(-1 - step.pick);
        if (task !== undefined) this.say({ type: "KILL", taskId: task, killPolicy: undefined });
        return;
      }
      case "end":
        return this.end(step.pick);
      case "agent reads":
        for (const call of this.#toAgent.splice(0, 1 + step.pick)) this.hear(call);
        return;
      case "executor reads":
        for (const event of this.#toExecutor.splice(0, 1 + step.pick)) this.step({ type: "event", event });
        return;
    }
  }

  /** Connects for good, lets every program end, and carries everything over. */
  heal(): void {
    this.finishSubscribe();
    this.apply({ do: "begin subscribe" });
    this.finishSubscribe();
    for (let round = 0; round < 1000 && this.#busy; round++) {
      this.apply({ do: "executor reads", pick: 100 });
      this.end(0);
      this.apply({ do: "agent reads", pick: 100 });
    }
    expect(this.#busy).toBeFalse();
  }

  get #busy(): boolean {
    const running = [...this.started.values()].includes("running");
    return running || this.#toAgent.length > 0 || this.#toExecutor.length > 0;
  }

  launch(): void {
    const id = taskId(this.#launched++);
    this.received.set(id, []);
    this.say({ type: "LAUNCH", task: taskInfo(id) });
  }

  disconnect(): void {
    if (!this.#connected) return;
    this.#connected = false;
    this.#toAgent = [];
    this.#toExecutor = [];
    this.step({ type: "disconnected" });
  }

  finishSubscribe(): void {
    const call = this.#subscribe;
    if (this.#connected || call === undefined) return;
    this.#subscribe = undefined;
    this.#connected = true;
    const known = new Set(call.unacknowledgedTasks.map(({ taskId }) => taskId));
    for (const status of call.unacknowledgedUpdates) this.hear({ type: "UPDATE", status });
    // As a real agent: what was launched, is not known to the executor and never said a word, is dropped.
    for (const [id, statuses] of this.received) {
      if (statuses.length === 0 && !known.has(id)) this.dropped.add(id);
    }
    this.#toExecutor.unshift(subscribed());
  }

  end(nth: number): void {
    const running = [...this.started].filter(([, state]) => state === "running");
    const id = running[nth % Math.max(1, running.length)]?.[0];
    if (id === undefined) return;
    this.started.set(id, "ended");
    this.step({ type: "program-ended", taskId: id, end: endOf({ type: "succeeded" }) });
  }

  /** What is said without a connection is lost; an agent believes otherwise. */
  say(event: ExecutorEvent): void {
    if (this.#connected) this.#toExecutor.push(event);
  }

  hear(call: ExecutorCall): void {
    if (call.type !== "UPDATE") throw new Error(`unexpected ${call.type}`);
    const { taskId: id, uuid = noBytes } = call.status;
    const statuses = this.received.get(id) ?? [];
    if (!statuses.some((status) => Buffer.compare(status.uuid ?? noBytes, uuid) === 0)) statuses.push(call.status);
    this.received.set(id, statuses);
    this.say({ type: "ACKNOWLEDGED", taskId: id, uuid });
  }

  step(event: SessionEvent): void {
    for (const command of this.session.step(event, this.nowMs)) this.perform(command);
  }

  perform(command: SessionCommand): void {
    if (command.type === "call") this.#toAgent.push(command.call);
    else if (command.type === "start-program") {
      expect(this.started.has(command.taskId)).toBeFalse();
      this.started.set(command.taskId, "running");
    } else if (command.type === "exit") throw new Error(`exit: ${command.reason}`);
  }
}

test("each task that was started gets exactly one terminal update, whenever the connection breaks", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120, size: "max" }), fc.boolean(), (steps, keepConnection) => {
      const world = new World();
      for (const each of steps) world.apply(each);
      if (!keepConnection) world.disconnect();
      world.heal();

      for (const [id, statuses] of world.received) {
        const terminal = statuses.filter(({ state }) => isTerminal(state));
        if (world.started.has(id)) {
          expect(world.dropped.has(id)).toBeFalse();
          expect(terminal).toHaveLength(1);
          expect(statuses.at(-1)).toBe(terminal[0]);
        } else if (!world.dropped.has(id)) {
          // Lost on its way, and answered by a KILL.
          expect(terminal).toHaveLength(1);
        }
      }
      expect(world.session.subscribe()).toMatchObject({ unacknowledgedTasks: [], unacknowledgedUpdates: [] });
    }),
    { numRuns: 500 },
  );
});
