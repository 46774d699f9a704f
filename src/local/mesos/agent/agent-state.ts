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
import type { Moment } from "../moment.ts";
import { containerResources } from "../resources.ts";
import { Timers } from "../timers.ts";
import type { AgentFact } from "./agent-memory.ts";
import type {
  AgentCommand,
  AgentFramework,
  AgentSettings,
  AgentTimer,
  Executor,
  ExecutorStreamId,
  QueuedLaunch,
  Verdict,
} from "./agent-types.ts";
import { StatusUpdates } from "./status-updates.ts";

/** All that an agent remembers, and the few steps that several of its parts share. */
export class AgentState {
  readonly settings: AgentSettings;
  readonly random: Random;
  readonly frameworks = new Map<FrameworkId, AgentFramework>();
  /** Executors whose process has not ended. */
  readonly containers = new Map<ContainerId, Executor>();
  readonly timers = new Timers<AgentTimer>();
  readonly updates: StatusUpdates;
  #registered = false;
  #commands: AgentCommand[] = [];

  constructor(settings: AgentSettings, random: Random) {
    this.settings = settings;
    this.random = random;
    this.updates = new StatusUpdates((forward) => this.report({ type: "update", ...forward }));
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
    if (report.type === "registered") this.#registered = true;
    if (this.#registered) this.#commands.push({ type: "report", report });
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
      framework = { info, executors: new Map(), owners: new Map(), terminating: false };
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
      executor.tasks.set(task.taskId, { info: withoutData(task), state: "TASK_STAGING" });
      if (!isGroup) this.send(executor, { type: "LAUNCH", task });
    }
    if (isGroup) this.send(executor, { type: "LAUNCH_GROUP", tasks });
  }

  /** Its container is allowed what its executor and its live tasks are. Asked only of one that can be held to it. */
  resize({ info, containerId, phase, tasks, queued }: Executor): void {
    if (info.container === undefined || phase === "terminated") return;
    const live = [...tasks.values()].filter(({ state }) => !isTerminal(state)).map((task) => task.info);
    const all = [...live, ...queued.flatMap((launch) => launch.tasks)];
    this.command({ type: "resize", containerId, resources: containerResources(info, all) });
  }

  /** Ends a task of an executor by the agent's own word. */
  endTask(executor: Executor, task: TaskInfo, verdict: Verdict, now: Moment): void {
    const { taskId } = task;
    executor.tasks.set(taskId, { info: withoutData(task), state: verdict.state });
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

  /** An executor that has ended is forgotten with the acknowledgement of its last update, a framework with the last. */
  forgetIfOver(frameworkId: FrameworkId, executor?: Executor): void {
    const framework = this.frameworks.get(frameworkId);
    if (framework === undefined) return;
    if (executor?.phase === "terminated" && (executor.tasks.size === 0 || framework.terminating)) {
      framework.executors.delete(executor.info.executorId);
    }
    if (framework.executors.size === 0) this.frameworks.delete(frameworkId);
  }
}

function withoutData(task: TaskInfo): TaskInfo {
  const { data, ...rest } = task;
  return data === undefined ? task : rest;
}
