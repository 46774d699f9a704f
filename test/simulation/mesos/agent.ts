import { type Random, uuidBytes } from "../../../src/base/random.ts";
import type { ExecutorCall } from "../../../src/mesos/executor-api.ts";
import {
  type AgentId,
  type ExecutorId,
  type ExecutorInfo,
  type FrameworkId,
  isTerminal,
  type TaskId,
  type TaskInfo,
  type TaskState,
  type TaskStatus,
} from "../../../src/mesos/types.ts";
import { toThousandths } from "../../../src/placement/quantities.ts";
import type { Fact, TaskKey } from "../facts.ts";
import type { Faults } from "../faults.ts";
import { Life } from "../life.ts";
import type { Machines } from "../machines.ts";
import { Wire } from "../network.ts";
import type { VirtualTime } from "../time.ts";
import type { AgentLink, MessageToAgent, MessageToMaster } from "./cluster-messages.ts";
import { type ExecutorStream, SimulatedExecutor } from "./executor.ts";
import type { Programs } from "./programs.ts";
import { UpdateStream } from "./update-stream.ts";

/** From the launch of an executor to its first instruction. */
const EXECUTOR_START_MS = 100;
/** How soon an agent sees that an executor's process has ended. */
const EXECUTOR_EXIT_SEEN_MS = 100;
/** How long a restarted agent waits for its executors. */
const REREGISTRATION_MS = 2000;
const REGISTER_AGAIN_MS = 500;

interface AgentTask {
  readonly info: TaskInfo;
  readonly executor: AgentExecutor;
  readonly milliCpus: number;
  latest: TaskState;
  /** Sent to the executor. */
  delivered: boolean;
}

interface AgentExecutor {
  readonly frameworkId: FrameworkId;
  readonly info: ExecutorInfo;
  readonly life: Life;
  readonly process: SimulatedExecutor;
  phase: "starting" | "running" | "terminated";
  stream: ExecutorStream | undefined;
  /** Wait for its first subscription, or for the one after an agent's restart. */
  readonly queued: AgentTask[];
}

export interface AgentOptions {
  readonly id: AgentId;
  readonly milliCpus: number;
  readonly time: VirtualTime;
  readonly random: Random;
  readonly faults: Faults;
  readonly machines: Machines;
  readonly programs: Programs;
  readonly observe: (fact: Fact) => void;
  readonly taskKey: (frameworkId: FrameworkId, taskId: TaskId) => TaskKey;
  /** Registers at the leading master; false where there is none. */
  readonly register: (link: AgentLink, message: Extract<MessageToMaster, { type: "register" }>) => boolean;
  readonly toMaster: (agentId: AgentId, message: MessageToMaster) => void;
  /** The master sees that the connection is over. */
  readonly onParted: (agentId: AgentId) => void;
}

/** An agent with its host: executors, their tasks, and the updates that it repeats until they are acknowledged. */
export class Agent {
  readonly id: AgentId;
  readonly #options: AgentOptions;
  readonly #tasks = new Map<string, AgentTask>();
  readonly #executors = new Map<string, AgentExecutor>();
  /** By task; also of tasks that it does not hold. */
  readonly #updates = new Map<string, UpdateStream>();
  #host: "up" | "gone" = "up";
  /** The agent's own process; executors live on while it restarts. */
  #process: "up" | "restarting" = "up";
  #partedUntilMs = 0;
  #link: { readonly toMaster: Wire; readonly toAgent: Wire; usable: boolean } | undefined;
  #lastExecutor = 0;

  constructor(options: AgentOptions) {
    this.id = options.id;
    this.#options = options;
  }

  get gone(): boolean {
    return this.#host === "gone";
  }

  /** Frameworks of which it has an executor, a task, or an update to tell. */
  get frameworks(): ReadonlySet<FrameworkId> {
    const executors = [...this.#executors.values(), ...[...this.#tasks.values()].map(({ executor }) => executor)];
    // An executor's repeated update may begin a task's stream anew after its end; nothing ends that one.
    const updates = [...this.#updates.values()].filter((stream) => !stream.isEmpty);
    return new Set([...executors, ...updates].map(({ frameworkId }) => frameworkId));
  }

  start(): void {
    this.#register();
  }

  /** Nothing parts it from its master any more. */
  heal(): void {
    this.#partedUntilMs = 0;
    this.#register();
  }

  describe(): string {
    const executors = [...this.#executors.values()].map(({ info, phase }) => `${info.executorId} ${phase}`);
    const tasks = [...this.#tasks.values()].map(({ info, latest }) => `${info.taskId} ${latest}`);
    return `${this.id}: ${[...executors, ...tasks, ...this.#updates.keys()].join(", ")}`;
  }

  // ------------------------------------------------------------------------------------------------------- troubles

  /** Nothing passes between it and its master for a while. Both notice, and it registers anew. */
  part(ms: number): void {
    this.#partedUntilMs = Math.max(this.#partedUntilMs, this.#options.time.nowMs + ms);
    this.loseMaster();
  }

  /** The connection to the master is over. */
  loseMaster(): void {
    if (this.#link === undefined) return;
    this.#unlink();
    const { time, random } = this.#options;
    const pauseMs = Math.max(this.#partedUntilMs - time.nowMs, 0) + REGISTER_AGAIN_MS * (0.5 + random.next());
    time.schedule(pauseMs, () => this.#register());
  }

  /** The agent's process ends and comes back; its checkpoint, and its executors, stay. */
  restart(downMs: number): void {
    if (this.gone || this.#process === "restarting") return;
    const { time } = this.#options;
    this.#process = "restarting";
    this.loseMaster();
    for (const stream of this.#updates.values()) stream.pause();
    for (const executor of this.#executors.values()) {
      executor.stream = undefined;
      executor.process.cut();
    }
    time.schedule(downMs, () => {
      if (this.gone) return;
      this.#process = "up";
      time.schedule(REREGISTRATION_MS, () => this.#recovered());
    });
  }

  /** The host is gone for good, with all that ran on it. */
  lose(): void {
    if (this.gone) return;
    this.#host = "gone";
    for (const stream of this.#updates.values()) stream.pause();
    for (const task of this.#tasks.values()) this.#destroyed(task);
    for (const executor of this.#executors.values()) executor.life.die();
    this.#unlink();
  }

  crashExecutor(pick: <T>(from: readonly T[]) => T | undefined): boolean {
    const executor = pick([...this.#executors.values()].filter(({ life }) => life.alive));
    executor?.life.die();
    return executor !== undefined;
  }

  cutExecutor(pick: <T>(from: readonly T[]) => T | undefined): boolean {
    const executor = pick([...this.#executors.values()].filter(({ stream }) => stream !== undefined));
    executor?.process.cut();
    return executor !== undefined;
  }

  // ----------------------------------------------------------------------------------------------------- the master

  #register(): void {
    const { time, random, register, id, milliCpus } = this.#options;
    if (this.gone || this.#process !== "up" || this.#link !== undefined) return;
    const again = (): void => void time.schedule(REGISTER_AGAIN_MS * (0.5 + random.next()), () => this.#register());
    if (time.nowMs < this.#partedUntilMs) return again();
    const link = { toMaster: new Wire(time, random), toAgent: new Wire(time, random), usable: false };
    this.#link = link;
    const message = {
      type: "register",
      tasks: [...this.#tasks.values()].map(({ info, executor, milliCpus, latest }) => ({
        frameworkId: executor.frameworkId,
        taskId: info.taskId,
        executorId: executor.info.executorId,
        milliCpus,
        state: latest,
      })),
      executors: [...this.#executors.values()]
        .filter(({ phase }) => phase !== "terminated")
        .map(({ frameworkId, info }) => ({ frameworkId, info })),
    } as const;
    const send = (out: MessageToAgent): void =>
      link.toAgent.send(() => {
        if (this.#link === link && !this.gone) this.#fromMaster(out);
      });
    link.toMaster.send(() => {
      if (this.#link !== link) return;
      if (register({ agentId: id, hostname: id, milliCpus, send }, message)) {
        link.usable = true;
        this.#forwardAll();
      } else {
        this.#link = undefined;
        again();
      }
    });
  }

  #tell(message: MessageToMaster): void {
    const link = this.#link;
    if (link === undefined) return;
    link.toMaster.send(() => this.#options.toMaster(this.id, message));
  }

  #fromMaster(message: MessageToAgent): void {
    switch (message.type) {
      case "run":
        // A lost launch means a broken connection, which shows before long.
        if (this.#options.faults.strike("launch-lost")) return this.#breakSoon();
        return this.#run(message.frameworkId, message.task, message.startsExecutor);
      case "kill":
        if (this.#options.faults.strike("kill-lost")) return;
        return this.#kill(message.frameworkId, message.taskId);
      case "acknowledge":
        return this.#acknowledged(message.frameworkId, message.taskId, message.uuid);
      case "framework-subscribed":
        return this.#forwardAll();
      case "reconcile":
        for (const { frameworkId, taskId, executorId } of message.tasks) {
          if (this.#tasks.has(keyOf(frameworkId, taskId))) continue;
          const reason = { reason: "REASON_RECONCILIATION", message: "Reconciliation: task unknown to the agent" };
          this.#tellDropped(frameworkId, taskId, executorId, reason);
        }
        return;
      case "shut-down-framework":
        return this.#shutDown(message.frameworkId);
    }
  }

  #unlink(): void {
    this.#link?.toMaster.cut();
    this.#link?.toAgent.cut();
    this.#link = undefined;
    this.#options.onParted(this.id);
  }

  #breakSoon(): void {
    const link = this.#link;
    this.#options.time.schedule(1000 * this.#options.random.next(), () => {
      if (this.#link === link) this.loseMaster();
    });
  }

  // ---------------------------------------------------------------------------------------------------------- tasks

  #run(frameworkId: FrameworkId, info: TaskInfo, startsExecutor: boolean): void {
    const { executor: executorInfo, taskId } = info;
    if (executorInfo === undefined) throw new Error(`task ${taskId} has no executor`);
    const key = keyOf(frameworkId, executorInfo.executorId);
    const present = this.#executors.get(key);
    const drop = (message: string): void => {
      const reason = { reason: "REASON_EXECUTOR_TERMINATED", message };
      this.#tellDropped(frameworkId, taskId, executorInfo.executorId, reason);
    };
    if (present === undefined && !startsExecutor)
      return drop("No executor is expected to launch and there is none running");
    if (present?.phase === "terminated" || (present !== undefined && startsExecutor)) {
      if (present.phase === "terminated") {
        this.#tell({ type: "executor-exited", frameworkId, executorId: executorInfo.executorId });
      }
      return drop("Master wants to launch executor, but one already exists");
    }
    if (this.#options.faults.strike("launch-dropped")) {
      if (present === undefined)
        this.#tell({ type: "executor-exited", frameworkId, executorId: executorInfo.executorId });
      return drop("Executor terminated");
    }
    const executor = present ?? this.#startExecutor(frameworkId, executorInfo, key);
    const task: AgentTask = {
      info,
      executor,
      milliCpus: cpusOf(info.resources),
      latest: "TASK_STAGING",
      delivered: false,
    };
    this.#tasks.set(keyOf(frameworkId, taskId), task);
    if (executor.stream === undefined) executor.queued.push(task);
    else this.#deliver(task, executor.stream);
  }

  #deliver(task: AgentTask, stream: ExecutorStream): void {
    task.delivered = true;
    stream.send({ type: "LAUNCH", task: task.info });
  }

  #kill(frameworkId: FrameworkId, taskId: TaskId): void {
    const task = this.#tasks.get(keyOf(frameworkId, taskId));
    if (task === undefined || task.executor.phase === "terminated") {
      if (task !== undefined) return;
      const reason = { reason: "REASON_EXECUTOR_TERMINATED", message: "Cannot find executor" };
      return this.#tellDropped(frameworkId, taskId, undefined, reason);
    }
    const { executor } = task;
    const queuedAt = executor.queued.indexOf(task);
    if (queuedAt >= 0) {
      executor.queued.splice(queuedAt, 1);
      const reason = "REASON_TASK_KILLED_DURING_LAUNCH";
      return this.#update(task, { state: "TASK_KILLED", reason, message: "Killed before delivery to the executor" });
    }
    executor.stream?.send({ type: "KILL", taskId, killPolicy: undefined });
  }

  /** An update of the agent's own. */
  #update(task: AgentTask, content: Pick<TaskStatus, "state" | "reason" | "message">): void {
    const { info, executor } = task;
    task.latest = content.state;
    this.#report(executor.frameworkId, this.#own(info.taskId, executor.info.executorId, content));
  }

  /** About a task that it does not hold. */
  #tellDropped(
    frameworkId: FrameworkId,
    taskId: TaskId,
    executorId: ExecutorId | undefined,
    why: { readonly reason: string; readonly message: string },
  ): void {
    this.#report(frameworkId, this.#own(taskId, executorId, { ...why, state: "TASK_DROPPED" }));
  }

  #own(
    taskId: TaskId,
    executorId: ExecutorId | undefined,
    content: Pick<TaskStatus, "state" | "reason" | "message">,
  ): TaskStatus {
    const { random } = this.#options;
    const by = executorId === undefined ? {} : { executorId };
    return { ...content, ...by, taskId, agentId: this.id, source: "SOURCE_AGENT", uuid: uuidBytes(random) };
  }

  /** Tells the scheduler, until it acknowledges. */
  #report(frameworkId: FrameworkId, status: TaskStatus): void {
    const key = keyOf(frameworkId, status.taskId);
    let stream = this.#updates.get(key);
    if (stream === undefined) {
      stream = new UpdateStream(this.#options.time, frameworkId, status.taskId, (one) =>
        this.#forward(frameworkId, one),
      );
      this.#updates.set(key, stream);
    }
    stream.push(status);
  }

  #forwardAll(): void {
    for (const stream of this.#updates.values()) stream.forward();
  }

  #forward(frameworkId: FrameworkId, status: TaskStatus): void {
    const { faults } = this.#options;
    if (this.#process !== "up" || this.#link?.usable !== true || faults.strike("update-lost")) return;
    const latest = this.#tasks.get(keyOf(frameworkId, status.taskId))?.latest ?? status.state;
    this.#tell({ type: "update", frameworkId, status, latest });
    if (faults.strike("update-repeated")) this.#tell({ type: "update", frameworkId, status, latest });
  }

  #acknowledged(frameworkId: FrameworkId, taskId: TaskId, uuid: Uint8Array): void {
    const key = keyOf(frameworkId, taskId);
    if (this.#updates.get(key)?.acknowledged(uuid) !== true) return;
    this.#updates.delete(key);
    const task = this.#tasks.get(key);
    this.#tasks.delete(key);
    if (task !== undefined) this.#forgetIfOver(task.executor);
  }

  // ------------------------------------------------------------------------------------------------------ executors

  #startExecutor(frameworkId: FrameworkId, info: ExecutorInfo, key: string): AgentExecutor {
    const { time, random, faults, machines, programs, observe, taskKey } = this.#options;
    const life = new Life(`${this.id}/${info.executorId}#${++this.#lastExecutor}`, time);
    const executor: AgentExecutor = {
      frameworkId,
      info,
      life,
      phase: "starting",
      stream: undefined,
      queued: [],
      process: new SimulatedExecutor({
        machines,
        life,
        time,
        random,
        faults,
        programs,
        observe,
        taskKey: (taskId) => taskKey(frameworkId, taskId),
        agent: {
          subscribe: (call, stream) => this.#subscribed(executor, call, stream),
          update: ({ status }) => this.#executorUpdate(executor, status),
        },
      }),
    };
    this.#executors.set(key, executor);
    life.onDeath(() => {
      executor.stream = undefined;
      this.#resultsLost(executor);
      time.schedule(EXECUTOR_EXIT_SEEN_MS * (0.3 + random.next()), () => this.#executorEnded(executor));
    });
    life.clock.schedule(EXECUTOR_START_MS * (0.5 + random.next()), () => executor.process.start());
    return executor;
  }

  #subscribed(
    executor: AgentExecutor,
    { unacknowledgedTasks, unacknowledgedUpdates }: Extract<ExecutorCall, { type: "SUBSCRIBE" }>,
    stream: ExecutorStream,
  ): boolean {
    if (this.#process !== "up" || this.gone || executor.phase === "terminated" || !executor.life.alive) return false;
    executor.phase = "running";
    executor.stream = stream;
    for (const status of unacknowledgedUpdates) this.#executorUpdate(executor, status);
    const { info, frameworkId } = executor;
    stream.send({
      type: "SUBSCRIBED",
      executorInfo: info,
      frameworkInfo: { user: "nobody", name: "simulated", id: frameworkId },
      agentInfo: { hostname: this.id, id: this.id },
      containerId: undefined,
    });
    const known = new Set(unacknowledgedTasks.map(({ taskId }) => taskId));
    for (const task of this.#tasks.values()) {
      if (task.executor !== executor || !task.delivered || task.latest !== "TASK_STAGING") continue;
      if (known.has(task.info.taskId)) continue;
      const reason = "REASON_AGENT_RESTARTED";
      this.#update(task, { state: "TASK_DROPPED", reason, message: "Task launched during agent restart" });
    }
    for (const task of executor.queued.splice(0)) this.#deliver(task, stream);
    return true;
  }

  #executorUpdate(executor: AgentExecutor, status: TaskStatus): boolean {
    if (this.#process !== "up" || this.gone || executor.phase === "terminated") return false;
    const { frameworkId } = executor;
    const task = this.#tasks.get(keyOf(frameworkId, status.taskId));
    const { uuid, state, taskId } = status;
    if (uuid === undefined) throw new Error("an executor's update has a uuid");
    if (task !== undefined && !isTerminal(task.latest)) task.latest = state;
    this.#report(frameworkId, { ...status, agentId: this.id });
    // Of a task that it does not hold it tells the scheduler, and nothing the executor.
    if (task !== undefined) executor.stream?.send({ type: "ACKNOWLEDGED", taskId, uuid });
    return true;
  }

  /** What the executor knew and the agent did not hear of yet. */
  #resultsLost(executor: AgentExecutor): void {
    for (const task of this.#tasks.values()) {
      if (task.executor === executor && !isTerminal(task.latest)) this.#destroyed(task);
    }
  }

  #destroyed(task: AgentTask): void {
    const { observe, taskKey } = this.#options;
    observe({ type: "run-destroyed", task: taskKey(task.executor.frameworkId, task.info.taskId) });
  }

  #executorEnded(executor: AgentExecutor): void {
    if (this.gone || executor.phase === "terminated") return;
    // A restarting agent finds out when it waits for its executors.
    if (this.#process !== "up") return;
    this.#terminate(executor, {
      state: "TASK_FAILED",
      reason: "REASON_EXECUTOR_TERMINATED",
      message: "Executor terminated",
    });
  }

  #terminate(executor: AgentExecutor, update: Pick<TaskStatus, "state" | "reason" | "message">): void {
    executor.phase = "terminated";
    executor.queued.length = 0;
    const { frameworkId, info } = executor;
    this.#tell({ type: "executor-exited", frameworkId, executorId: info.executorId });
    for (const task of this.#tasks.values()) {
      if (task.executor !== executor || isTerminal(task.latest)) continue;
      this.#destroyed(task);
      this.#update(task, update);
    }
    this.#forgetIfOver(executor);
  }

  /** A dead executor's record stays while its tasks' updates are unacknowledged. */
  #forgetIfOver(executor: AgentExecutor): void {
    if (executor.phase !== "terminated") return;
    for (const task of this.#tasks.values()) if (task.executor === executor) return;
    this.#executors.delete(keyOf(executor.frameworkId, executor.info.executorId));
  }

  /** After a restart, whoever has not come back is destroyed. */
  #recovered(): void {
    if (this.gone || this.#process !== "up") return;
    for (const executor of [...this.#executors.values()]) {
      if (executor.phase === "terminated" || executor.stream !== undefined) continue;
      const reason = "REASON_EXECUTOR_REREGISTRATION_TIMEOUT";
      executor.life.die();
      this.#terminate(executor, { state: "TASK_GONE", reason, message: "Executor did not reregister within 2secs" });
    }
    this.#register();
  }

  #shutDown(frameworkId: FrameworkId): void {
    for (const [key, task] of [...this.#tasks]) {
      if (task.executor.frameworkId !== frameworkId) continue;
      this.#destroyed(task);
      this.#tasks.delete(key);
    }
    for (const [key, stream] of [...this.#updates]) {
      if (stream.frameworkId !== frameworkId) continue;
      stream.pause();
      this.#updates.delete(key);
    }
    for (const [key, executor] of [...this.#executors]) {
      if (executor.frameworkId !== frameworkId) continue;
      executor.phase = "terminated";
      executor.life.die();
      this.#executors.delete(key);
      this.#tell({ type: "executor-exited", frameworkId, executorId: executor.info.executorId });
    }
  }
}

function keyOf(frameworkId: FrameworkId, id: TaskId | ExecutorId): string {
  return `${frameworkId}/${id}`;
}

export function cpusOf(resources: TaskInfo["resources"] = []): number {
  let sum = 0;
  for (const one of resources) if (one.name === "cpus") sum += toThousandths(one.scalar?.value ?? 0);
  return sum;
}
