import { noBytes } from "../../../src/base/bytes.ts";
import { describeError } from "../../../src/base/errors.ts";
import type { Random } from "../../../src/base/random.ts";
import { StepLoop } from "../../../src/base/step-loop.ts";
import type { RunRequest } from "../../../src/engine/run-wire.ts";
import type { SessionCommand, SessionEvent } from "../../../src/host/session-events.ts";
import { ConnectionLostError } from "../../../src/mesos/errors.ts";
import type { ExecutorCall, ExecutorEvent } from "../../../src/mesos/executor-api.ts";
import type {
  ExecutorSubscriptionCommand,
  ExecutorSubscriptionEvent,
} from "../../../src/mesos/executor-subscription.ts";
import type { TaskId } from "../../../src/mesos/types.ts";
import type { Fact, TaskKey } from "../facts.ts";
import type { Faults } from "../faults.ts";
import type { Life } from "../life.ts";
import type { Machines } from "../machines.ts";
import { RequestLine, Wire } from "../network.ts";
import type { VirtualTime } from "../time.ts";
import type { Programs } from "./programs.ts";

const SHUTDOWN_GRACE_MS = 15_000;
const RECOVERY_TIMEOUT_MS = 900_000;
const LONGEST_PAUSE_MS = 500;
/** Programs end soon after SIGTERM. */
const KILL_DELAY_MS = 20;
const DRAIN_MS = 1000;

/** The agent's side of an executor's subscription. */
export interface ExecutorStream {
  send(event: ExecutorEvent): void;
}

/** An agent, as far as its executors reach it. */
export interface AgentEndpoint {
  /** @returns whether the agent is there to take it */
  subscribe(call: Extract<ExecutorCall, { type: "SUBSCRIBE" }>, stream: ExecutorStream): boolean;
  update(call: Extract<ExecutorCall, { type: "UPDATE" }>): boolean;
}

export interface ExecutorOptions {
  readonly machines: Machines;
  readonly life: Life;
  readonly time: VirtualTime;
  readonly random: Random;
  readonly faults: Faults;
  readonly programs: Programs;
  readonly agent: AgentEndpoint;
  readonly observe: (fact: Fact) => void;
  readonly taskKey: (taskId: TaskId) => TaskKey;
}

/**
 * An executor's process: the production session and its subscription between a modelled agent and modelled programs. It
 * does what src/host/executor.ts and src/mesos/executor-connection.ts do with sockets and child processes.
 */
export class SimulatedExecutor {
  readonly #options: ExecutorOptions;
  readonly #session: InstanceType<Machines["Session"]>;
  readonly #loop: StepLoop<SessionEvent, SessionCommand>;
  readonly #subscription: StepLoop<ExecutorSubscriptionEvent, ExecutorSubscriptionCommand>;
  readonly #running = new Map<TaskId, { readonly kill: (graceMs: number) => void }>();
  /** Ended, and the agent has not said that it knows. */
  readonly #unacknowledged = new Set<TaskKey>();
  #wires: readonly Wire[] = [];
  #calls: RequestLine | undefined;
  #heldBack: ExecutorCall[] | undefined;

  constructor(options: ExecutorOptions) {
    this.#options = options;
    const { machines, life, random } = options;
    const { clock } = life;
    const epochMs = clock.wallMs() - clock.monotonicMs();
    this.#session = new machines.Session({ version: "simulated", epochMs, shutdownGraceMs: SHUTDOWN_GRACE_MS }, random);
    this.#loop = new StepLoop(this.#session, { type: "wake" }, clock, (command) => this.#perform(command));
    const subscription = new machines.ExecutorSubscription({ recoveryTimeoutMs: RECOVERY_TIMEOUT_MS });
    this.#subscription = new StepLoop(subscription, { type: "time" }, clock, (command) => this.#connect(command));
    life.onDeath(() => this.#died());
  }

  start(): void {
    this.#subscription.dispatch({ type: "start" });
  }

  /** The connection to the agent breaks; only the executor notices. */
  cut(): void {
    if (this.#wires.length === 0) return;
    this.#subscription.dispatch({ type: "stream-closed", error: new ConnectionLostError("the stream was cut") });
  }

  // ---------------------------------------------------------------------------------------------------- the session

  #perform(command: SessionCommand): void {
    const { observe } = this.#options;
    switch (command.type) {
      case "call":
        if (this.#calls !== undefined) this.#send(this.#calls, command.call);
        else this.#heldBack?.push(command.call);
        return;
      case "start-program":
        this.#options.life.clock.schedule(0, () => this.#start(command.taskId, command.request));
        return;
      case "kill-program":
        // In the turn after the one in which it was to start, at the earliest.
        this.#options.life.clock.schedule(0, () => this.#running.get(command.taskId)?.kill(command.graceMs));
        return;
      case "log":
        return;
      case "exit":
        this.#killAll();
        if (command.code === 0) for (const task of this.#unacknowledged) observe({ type: "result-abandoned", task });
        // Its last calls are waited for.
        this.#options.life.clock.schedule(DRAIN_MS, () => this.#options.life.die());
        return;
    }
  }

  #start(taskId: TaskId, request: RunRequest): void {
    const { programs, time, life, observe, taskKey } = this.#options;
    const plan = programs.plan(request, time.nowMs);
    const task = taskKey(taskId);
    const isMissing = plan.end !== "executor-crash" && plan.end.outcome === "missing";
    if (!isMissing) observe({ type: "program-started", task });
    const cancel = life.clock.schedule(plan.afterMs, () => {
      if (plan.end === "executor-crash") return life.die();
      if (!this.#running.delete(taskId)) return;
      observe({ type: "program-ended", task, outcome: plan.end.outcome });
      this.#unacknowledged.add(task);
      this.#loop.dispatch({ type: "program-ended", taskId, end: plan.end.result });
    });
    this.#running.set(taskId, {
      kill: (graceMs) => {
        cancel();
        life.clock.schedule(Math.min(graceMs, KILL_DELAY_MS), () => {
          if (!this.#running.delete(taskId)) return;
          observe({ type: "program-ended", task, outcome: "killed" });
          const result = {
            outcome: { type: "killed" },
            stdout: noBytes,
            stderrTail: noBytes,
            durationMs: 0,
            specVersion: request.spec.version,
          } as const;
          this.#loop.dispatch({ type: "program-ended", taskId, end: { type: "ended", result } });
        });
      },
    });
  }

  #died(): void {
    this.#loop.stop();
    this.#subscription.stop();
    this.#drop();
    this.#killAll();
  }

  #killAll(): void {
    const { observe, taskKey } = this.#options;
    for (const taskId of this.#running.keys()) observe({ type: "run-destroyed", task: taskKey(taskId) });
    this.#running.clear();
  }

  // ------------------------------------------------------------------------------------------------- the connection

  #connect(command: ExecutorSubscriptionCommand): void {
    const { life, time, random } = this.#options;
    switch (command.type) {
      case "subscribe":
        return this.#subscribe();
      case "open-calls": {
        const calls = new RequestLine(time, random, life);
        this.#calls = calls;
        for (const call of this.#heldBack ?? []) this.#send(calls, call);
        this.#heldBack = undefined;
        return;
      }
      case "drop":
        return this.#drop();
      case "pause": {
        const ms = command.attempt === 1 ? 0 : LONGEST_PAUSE_MS * (0.5 + 0.5 * random.next());
        life.clock.schedule(ms, () => this.#subscription.dispatch({ type: "paused" }));
        return;
      }
      case "emit":
        this.#note(command.event);
        return this.#loop.dispatch(command.event);
    }
  }

  #note(event: SessionEvent): void {
    if (event.type !== "event" || event.event.type !== "ACKNOWLEDGED") return;
    this.#unacknowledged.delete(this.#options.taskKey(event.event.taskId));
  }

  #subscribe(): void {
    const { life, time, random, agent } = this.#options;
    const there = new Wire(time, random);
    const back = new Wire(time, random);
    this.#wires = [there, back];
    this.#heldBack = [];
    const isPresent = (): boolean => this.#wires[0] === there;
    const tell = (event: ExecutorSubscriptionEvent): void =>
      back.send(() => life.deliver(() => void (isPresent() && this.#subscription.dispatch(event))));
    const call = this.#session.subscribe();
    there.send(() => {
      const taken = agent.subscribe(call, { send: (event) => tell({ type: "record", event }) });
      if (!taken) tell({ type: "stream-closed", error: new ConnectionLostError("the agent is not there") });
    });
  }

  #send(calls: RequestLine, call: ExecutorCall): void {
    if (call.type !== "UPDATE") throw new Error(`an executor is not expected to call ${call.type}`);
    const { life, random, faults } = this.#options;
    if (faults.strike("update-cut")) life.clock.schedule(3 * random.next(), () => this.cut());
    calls.request<number>((answer) => answer(this.#options.agent.update(call) ? 202 : 503), {
      answered: (status) => this.#subscription.dispatch({ type: "call-answered", call, status, text: "" }),
      lost: () => {
        const error = new ConnectionLostError(describeError("the calls were cut"));
        this.#subscription.dispatch({ type: "call-lost", error });
      },
    });
  }

  #drop(): void {
    const wires = this.#wires;
    const calls = this.#calls;
    this.#wires = [];
    this.#calls = undefined;
    this.#heldBack = undefined;
    for (const wire of wires) wire.cut();
    calls?.cut();
  }
}
