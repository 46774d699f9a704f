import type { AgentId, FrameworkId, TaskId, TaskInfo } from "../../../src/mesos/types.ts";
import { toThousandths } from "../../../src/placement/quantities.ts";
import { AgentExecutors } from "./agent-executors.ts";
import { AgentRegistration } from "./agent-registration.ts";
import { type AgentOptions, AgentState, type AgentTask, keyOf } from "./agent-state.ts";
import type { MessageToAgent } from "./cluster-messages.ts";

/** How long a restarted agent waits for its executors. */
const REREGISTRATION_MS = 2000;

/** An agent with its host: what happens to it, and what its master tells it to do. */
export class Agent {
  readonly id: AgentId;
  readonly #state: AgentState;
  readonly #registration: AgentRegistration;
  readonly #executors: AgentExecutors;

  constructor(options: AgentOptions) {
    this.id = options.id;
    this.#state = new AgentState(options);
    this.#registration = new AgentRegistration(this.#state, (message) => this.#fromMaster(message));
    this.#executors = new AgentExecutors(this.#state);
  }

  get gone(): boolean {
    return this.#state.host === "gone";
  }

  /** Frameworks of which it has an executor, a task, or an update to tell. */
  get frameworks(): ReadonlySet<FrameworkId> {
    const { executors, tasks, updates } = this.#state;
    const all = [...executors.values(), ...[...tasks.values()].map(({ executor }) => executor)];
    // An executor's repeated update may begin a task's stream anew after its end; nothing ends that one.
    const told = [...updates.values()].filter((stream) => !stream.isEmpty);
    return new Set([...all, ...told].map(({ frameworkId }) => frameworkId));
  }

  start(): void {
    this.#registration.register();
  }

  describe(): string {
    const { executors, tasks, updates } = this.#state;
    const running = [...executors.values()].map(({ info, phase }) => `${info.executorId} ${phase}`);
    const held = [...tasks.values()].map(({ info, latest }) => `${info.taskId} ${latest}`);
    return `${this.id}: ${[...running, ...held, ...updates.keys()].join(", ")}`;
  }

  // ------------------------------------------------------------------------------------------------------- troubles

  /** Nothing parts it from its master any more. */
  heal(): void {
    this.#registration.heal();
  }

  /** Nothing passes between it and its master for a while. Both notice, and it registers anew. */
  part(ms: number): void {
    this.#registration.part(ms);
  }

  /** The connection to the master is over. */
  loseMaster(): void {
    this.#registration.loseMaster();
  }

  /** The agent's process ends and comes back; its checkpoint, and its executors, stay. */
  restart(downMs: number): void {
    if (!this.#state.acts) return;
    const { time } = this.#state.options;
    this.#state.process = "restarting";
    this.loseMaster();
    for (const stream of this.#state.updates.values()) stream.pause();
    for (const executor of this.#state.executors.values()) {
      executor.stream = undefined;
      executor.process.cut();
    }
    time.schedule(downMs, () => {
      if (this.gone) return;
      this.#state.process = "up";
      time.schedule(REREGISTRATION_MS, () => this.#recovered());
    });
  }

  /** The host is gone for good, with all that ran on it. */
  lose(): void {
    if (this.gone) return;
    this.#state.host = "gone";
    for (const stream of this.#state.updates.values()) stream.pause();
    for (const task of this.#state.tasks.values()) this.#state.destroyed(task);
    for (const executor of this.#state.executors.values()) executor.life.die();
    this.#registration.unlink();
  }

  crashExecutor(pick: <T>(from: readonly T[]) => T | undefined): boolean {
    const executor = pick([...this.#state.executors.values()].filter(({ life }) => life.alive));
    executor?.life.die();
    return executor !== undefined;
  }

  cutExecutor(pick: <T>(from: readonly T[]) => T | undefined): boolean {
    const executor = pick([...this.#state.executors.values()].filter(({ stream }) => stream !== undefined));
    executor?.process.cut();
    return executor !== undefined;
  }

  /** After a restart, whoever has not come back is destroyed. */
  #recovered(): void {
    if (!this.#state.acts) return;
    for (const executor of [...this.#state.executors.values()]) {
      if (executor.phase === "terminated" || executor.stream !== undefined) continue;
      const reason = "REASON_EXECUTOR_REREGISTRATION_TIMEOUT";
      executor.life.die();
      const message = "Executor did not reregister within 2secs";
      this.#executors.terminate(executor, { state: "TASK_GONE", reason, message });
    }
    this.#registration.register();
  }

  // ----------------------------------------------------------------------------------------------------- the master

  #fromMaster(message: MessageToAgent): void {
    const { faults } = this.#state.options;
    switch (message.type) {
      case "run":
        if (faults.strike("launch-lost")) return this.#registration.breakSoon();
        return this.#run(message.frameworkId, message.task, message.startsExecutor);
      case "kill":
        if (faults.strike("kill-lost")) return;
        return this.#kill(message.frameworkId, message.taskId);
      case "acknowledge":
        return this.#acknowledged(message.frameworkId, message.taskId, message.uuid);
      case "framework-subscribed":
        return this.#state.forwardAll();
      case "reconcile":
        for (const { frameworkId, taskId, executorId } of message.tasks) {
          if (this.#state.tasks.has(keyOf(frameworkId, taskId))) continue;
          const reason = { reason: "REASON_RECONCILIATION", message: "Reconciliation: task unknown to the agent" };
          this.#state.tellDropped(frameworkId, taskId, executorId, reason);
        }
        return;
      case "shut-down-framework":
        return this.#shutDown(message.frameworkId);
    }
  }

  #run(frameworkId: FrameworkId, info: TaskInfo, startsExecutor: boolean): void {
    const { executor: executorInfo, taskId } = info;
    if (executorInfo === undefined) throw new Error(`task ${taskId} has no executor`);
    const { executorId } = executorInfo;
    const key = keyOf(frameworkId, executorId);
    const present = this.#state.executors.get(key);
    const drop = (message: string): void => {
      this.#state.tellDropped(frameworkId, taskId, executorId, { reason: "REASON_EXECUTOR_TERMINATED", message });
    };
    if (present === undefined && !startsExecutor)
      return drop("No executor is expected to launch and there is none running");
    if (present?.phase === "terminated" || (present !== undefined && startsExecutor)) {
      if (present.phase === "terminated") this.#state.tell({ type: "executor-exited", frameworkId, executorId });
      return drop("Master wants to launch executor, but one already exists");
    }
    if (this.#state.options.faults.strike("launch-dropped")) {
      if (present === undefined) this.#state.tell({ type: "executor-exited", frameworkId, executorId });
      return drop("Executor terminated");
    }
    const executor = present ?? this.#executors.start(frameworkId, executorInfo, key);
    const task: AgentTask = {
      info,
      executor,
      milliCpus: cpusOf(info.resources),
      latest: "TASK_STAGING",
      delivered: false,
    };
    this.#state.tasks.set(keyOf(frameworkId, taskId), task);
    if (executor.stream === undefined) executor.queued.push(task);
    else this.#executors.deliver(task, executor.stream);
  }

  #kill(frameworkId: FrameworkId, taskId: TaskId): void {
    const task = this.#state.tasks.get(keyOf(frameworkId, taskId));
    if (task === undefined || task.executor.phase === "terminated") {
      if (task !== undefined) return;
      const reason = { reason: "REASON_EXECUTOR_TERMINATED", message: "Cannot find executor" };
      return this.#state.tellDropped(frameworkId, taskId, undefined, reason);
    }
    const { executor } = task;
    const queuedAt = executor.queued.indexOf(task);
    if (queuedAt >= 0) {
      executor.queued.splice(queuedAt, 1);
      const reason = "REASON_TASK_KILLED_DURING_LAUNCH";
      const message = "Killed before delivery to the executor";
      return this.#state.update(task, { state: "TASK_KILLED", reason, message });
    }
    executor.stream?.send({ type: "KILL", taskId, killPolicy: undefined });
  }

  #acknowledged(frameworkId: FrameworkId, taskId: TaskId, uuid: Uint8Array): void {
    const key = keyOf(frameworkId, taskId);
    if (this.#state.updates.get(key)?.acknowledged(uuid) !== true) return;
    this.#state.updates.delete(key);
    const task = this.#state.tasks.get(key);
    this.#state.tasks.delete(key);
    if (task !== undefined) this.#executors.forgetIfOver(task.executor);
  }

  #shutDown(frameworkId: FrameworkId): void {
    const { tasks, updates, executors } = this.#state;
    for (const [key, task] of [...tasks]) {
      if (task.executor.frameworkId !== frameworkId) continue;
      this.#state.destroyed(task);
      tasks.delete(key);
    }
    for (const [key, stream] of [...updates]) {
      if (stream.frameworkId !== frameworkId) continue;
      stream.pause();
      updates.delete(key);
    }
    for (const [key, executor] of [...executors]) {
      if (executor.frameworkId !== frameworkId) continue;
      executor.phase = "terminated";
      executor.life.die();
      executors.delete(key);
      this.#state.tell({ type: "executor-exited", frameworkId, executorId: executor.info.executorId });
    }
  }
}

export function cpusOf(resources: TaskInfo["resources"] = []): number {
  let sum = 0;
  for (const one of resources) if (one.name === "cpus") sum += toThousandths(one.scalar?.value ?? 0);
  return sum;
}
