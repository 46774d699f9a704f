import { invariant } from "../../../base/errors.ts";
import { type Random, uuidBytes } from "../../../base/random.ts";
import type { ExecutorEvent } from "../../../mesos/executor-api.ts";
import {
  type ContainerId,
  type ExecutorId,
  type ExecutorInfo,
  type FrameworkId,
  type FrameworkInfo,
  isTerminal,
  type TaskId,
  type TaskInfo,
  type TaskState,
  type TaskStatus,
} from "../../../mesos/types.ts";
import type { AgentReport } from "../agent-messages.ts";
import { BoundedMap } from "../bounded-map.ts";
import type { Moment } from "../moment.ts";
import { containerLimits, containerResources } from "../resources.ts";
import { withoutData, withStatus } from "../task-statuses.ts";
import { Timers } from "../timers.ts";
import type { AgentFact } from "./agent-memory.ts";
import type {
  AgentCommand,
  AgentFramework,
  AgentSettings,
  AgentTask,
  AgentTimer,
  Executor,
  ExecutorStreamId,
  QueuedLaunch,
  Verdict,
} from "./agent-types.ts";
import { StatusUpdates } from "./status-updates.ts";

/**
 * - recovering: executors of an earlier life have some time to subscribe again; until then the master hears nothing
 * - running: it registers with every master
 * - ended: by an operator, and for good: its executors are shut down
 */
export type AgentPhase = "recovering" | "running" | "ended";

/** As on a real agent: tasks of each executor, executors of each framework, frameworks. */
const KEPT_TASKS = 200;
const KEPT_EXECUTORS = 150;
const KEPT_FRAMEWORKS = 50;

/** All that an agent remembers, and the few steps that several of its parts share. */
export class AgentState {
  readonly settings: AgentSettings;
  readonly random: Random;
  readonly frameworks = new Map<FrameworkId, AgentFramework>();
  /** Those of which nothing is left; only shown any more. */
  readonly completedFrameworks = new BoundedMap<FrameworkId, AgentFramework>(KEPT_FRAMEWORKS);
  /** Executors whose process has not ended. */
  readonly containers = new Map<ContainerId, Executor>();
  readonly timers = new Timers<AgentTimer>();
  readonly updates: StatusUpdates;
  masterHostname: string;
  /** Whether the master can be told anything. */
  registered = false;
  phase: AgentPhase = "running";
  /** Nothing more is to be started, until nothing runs any more. */
  drain: { readonly markGone: boolean } | undefined;
  #commands: AgentCommand[] = [];

  constructor(settings: AgentSettings, random: Random) {
    this.settings = settings;
    this.random = random;
    this.masterHostname = settings.masterHostname;
    this.updates = new StatusUpdates((forward) => {
      const task = this.#taskOf(forward.frameworkId, forward.status.taskId);
      if (task !== undefined) task.forwarded = withoutData(forward.status);
      this.report({ type: "update", ...forward });
    });
  }

  takeCommands(): AgentCommand[] {
    const commands = this.#commands;
    this.#commands = [];
    return commands;
  }

  command(command: AgentCommand): void {
    this.#commands.push(command);
  }

  /** Before the agent has registered there is nobody to report to; what matters is told in registering. */
  report(report: AgentReport): void {
    if (report.type === "registered") this.registered = true;
    if (this.registered) this.#commands.push({ type: "report", report });
  }

  /** Without a subscription the event is lost. */
  send(executor: Executor, event: ExecutorEvent): void {
    if (executor.streamId !== null) this.sendTo(executor.streamId, event);
  }

  sendTo(streamId: ExecutorStreamId, event: ExecutorEvent): void {
    this.#commands.push({ type: "send", streamId, event });
  }

  endStream(streamId: ExecutorStreamId): void {
    this.#commands.push({ type: "end", streamId });
  }

  /** Notes a fact for the next life; of tasks and their updates only where the framework has a checkpoint. */
  remember(frameworkId: FrameworkId, fact: AgentFact): void {
    const everywhere = fact.type !== "task" && fact.type !== "update" && fact.type !== "acknowledged";
    if (everywhere || this.frameworks.get(frameworkId)?.info.checkpoint === true) {
      this.#commands.push({ type: "remember", fact });
    }
  }

  framework(id: FrameworkId): AgentFramework {
    const framework = this.frameworks.get(id);
    invariant(framework !== undefined, `Agent does not know framework ${id}`);
    return framework;
  }

  openFramework(id: FrameworkId, info: FrameworkInfo): AgentFramework {
    let framework = this.frameworks.get(id);
    if (framework === undefined) {
      framework = { info, executors: new Map(), completedExecutors: [], owners: new Map(), terminating: false };
      this.frameworks.set(id, framework);
      this.remember(id, { type: "framework", info });
    }
    return framework;
  }

  findExecutor(frameworkId: FrameworkId, executorId: ExecutorId): Executor | undefined {
    return this.frameworks.get(frameworkId)?.executors.get(executorId);
  }

  container(id: ContainerId): Executor {
    const executor = this.containers.get(id);
    invariant(executor !== undefined, `Agent does not know container ${id}`);
    return executor;
  }

  /** Puts tasks into an executor's hands; from here on it is the executor that reports on them. */
  deliver(executor: Executor, { tasks, isGroup }: QueuedLaunch): void {
    executor.hadTask = true;
    for (const task of tasks) {
      executor.tasks.set(task.taskId, newTask(task, "TASK_STAGING"));
      if (!isGroup) this.send(executor, { type: "LAUNCH", task });
    }
    if (isGroup) this.send(executor, { type: "LAUNCH_GROUP", tasks });
  }

  /** Its container is allowed what its executor and its live tasks are. Asked only of one that can be held to it. */
  resize({ info, containerId, phase, tasks, queued }: Executor): void {
    if (info.container === undefined || phase === "terminated") return;
    const live = [...tasks.values()].filter(({ state }) => !isTerminal(state)).map((task) => task.info);
    const all = [...live, ...queued.flatMap((launch) => launch.tasks)];
    const [resources, limits] = [containerResources(info, all), containerLimits(info, all)];
    this.command({ type: "resize", containerId, resources, limits });
  }

  /** Ends a task of an executor by the agent's own word. */
  endTask(executor: Executor, task: TaskInfo, verdict: Verdict, now: Moment): void {
    const { taskId } = task;
    const known = executor.tasks.get(taskId);
    if (known === undefined) executor.tasks.set(taskId, newTask(task, verdict.state));
    else known.state = verdict.state;
    this.say(executor.frameworkId, { taskId, executorId: executor.info.executorId, ...verdict }, now);
  }

  /** A status update that the agent makes itself; delivered like any other. */
  say(frameworkId: FrameworkId, status: { taskId: TaskId; executorId?: ExecutorId } & Verdict, now: Moment): void {
    const complete: TaskStatus = {
      ...status,
      source: "SOURCE_AGENT",
      agentId: this.settings.id,
      timestamp: now.wallMs / 1000,
      uuid: uuidBytes(this.random),
    };
    this.addUpdate(frameworkId, complete, now);
  }

  addUpdate(frameworkId: FrameworkId, status: TaskStatus, now: Moment): void {
    const task = this.#taskOf(frameworkId, status.taskId);
    if (task !== undefined) {
      task.statuses = withStatus(task.statuses, status);
    }
    this.remember(frameworkId, { type: "update", frameworkId, status });
    this.updates.add(frameworkId, status, now.monotonicMs);
  }

  /** `state` for frameworks that know it, TASK_LOST for the others. */
  lostState(frameworkId: FrameworkId, state: TaskState): TaskState {
    const capabilities = this.frameworks.get(frameworkId)?.info.capabilities ?? [];
    return capabilities.some(({ type }) => type === "PARTITION_AWARE") ? state : "TASK_LOST";
  }

  shutdownGraceMs({ shutdownGracePeriod }: ExecutorInfo): number {
    const nanoseconds = shutdownGracePeriod?.nanoseconds;
    return nanoseconds === undefined ? this.settings.executorShutdownGraceMs : nanoseconds / 1e6;
  }

  /** A task whose last update is acknowledged is only shown any more. */
  completeTask(executor: Executor, taskId: TaskId): void {
    const task = executor.tasks.get(taskId);
    executor.tasks.delete(taskId);
    if (task !== undefined) keep(executor.completed, task, KEPT_TASKS);
  }

  #taskOf(frameworkId: FrameworkId, taskId: TaskId): AgentTask | undefined {
    return this.frameworks.get(frameworkId)?.owners.get(taskId)?.tasks.get(taskId);
  }

  /** An executor that has ended is forgotten with the acknowledgement of its last update, a framework with the last. */
  forgetIfOver(frameworkId: FrameworkId, executor?: Executor): void {
    const framework = this.frameworks.get(frameworkId);
    if (framework === undefined) return;
    if (executor?.phase === "terminated" && (executor.tasks.size === 0 || framework.terminating)) {
      framework.executors.delete(executor.info.executorId);
      keep(framework.completedExecutors, executor, KEPT_EXECUTORS);
    }
    if (framework.executors.size === 0) {
      this.frameworks.delete(frameworkId);
      if (framework.completedExecutors.length > 0) this.completedFrameworks.set(frameworkId, framework);
    }
    if (this.frameworks.size === 0 && this.drain?.markGone === false) this.drain = undefined;
  }
}

export function newTask(info: TaskInfo, state: TaskState, statuses: readonly TaskStatus[] = []): AgentTask {
  return { info: withoutData(info), state, statuses, forwarded: undefined };
}

/** Adds to a list that forgets its oldest members. */
function keep<T>(list: T[], item: T, limit: number): void {
  list.push(item);
  if (list.length > limit) list.shift();
}
