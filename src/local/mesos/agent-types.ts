import type { ExecutorEvent } from "../../mesos/executor-api.ts";
import type {
  Address,
  AgentId,
  AgentInfo,
  ContainerId,
  ExecutorId,
  ExecutorInfo,
  FrameworkId,
  FrameworkInfo,
  TaskId,
  TaskInfo,
  TaskState,
} from "../../mesos/types.ts";
import type { AgentFact, ContainerProcess } from "./agent-memory.ts";
import type { AgentReport } from "./agent-messages.ts";

/** A subscription of an executor, as the shell knows it. */
export type ExecutorStreamId = string;

/** What the shell has to do, in order. */
export type AgentCommand =
  | { readonly type: "report"; readonly report: AgentReport }
  | { readonly type: "send"; readonly streamId: ExecutorStreamId; readonly event: ExecutorEvent }
  /** Ends a stream in order. */
  | { readonly type: "end"; readonly streamId: ExecutorStreamId }
  /** Starts the executor's command; `started` or `launch-failed` follows, and `exited` in the end. */
  | { readonly type: "launch"; readonly container: ContainerLaunch }
  /** Looks after a container of an earlier life; `exited` follows in the end, at once if it is gone. */
  | { readonly type: "adopt"; readonly containerId: ContainerId; readonly process: ContainerProcess }
  /** Kills whatever is in the container at once; `exited` follows. */
  | { readonly type: "destroy"; readonly containerId: ContainerId }
  /** To be remembered over a restart. */
  | { readonly type: "remember"; readonly fact: AgentFact };

export interface ContainerLaunch {
  readonly containerId: ContainerId;
  readonly framework: FrameworkInfo;
  readonly frameworkId: FrameworkId;
  readonly executor: ExecutorInfo;
  readonly shutdownGraceMs: number;
}

/**
 * - registering: its container was started, or has survived a restart of the agent; it has not subscribed
 * - running: it has subscribed; that its stream has gone since is not noticed
 * - terminating: it was told to shut down, or is being destroyed
 * - terminated: its process has ended; it is kept until the last updates of its tasks are acknowledged
 */
export type ExecutorPhase = "registering" | "running" | "terminating" | "terminated";

export interface AgentTask {
  /** Without `data`, which is not kept once it is delivered. */
  readonly info: TaskInfo;
  state: TaskState;
}

/** The agent's own word on a task. */
export interface Verdict {
  readonly state: TaskState;
  readonly reason: string;
  readonly message: string;
}

export interface Executor {
  readonly frameworkId: FrameworkId;
  readonly info: ExecutorInfo;
  readonly containerId: ContainerId;
  phase: ExecutorPhase;
  streamId: ExecutorStreamId | null;
  process: ContainerProcess | undefined;
  /** Not delivered yet, for want of a subscription. */
  readonly queued: Map<TaskId, TaskInfo>;
  /** Delivered, or ended by the agent, and not forgotten: the terminal update is not acknowledged yet. */
  readonly tasks: Map<TaskId, AgentTask>;
  hadTask: boolean;
  /** What becomes of its tasks when it ends, where that is not simply its exit. */
  verdict: Verdict | undefined;
}

export interface AgentFramework {
  info: FrameworkInfo;
  readonly executors: Map<ExecutorId, Executor>;
  /** Which executor has a task, queued or delivered. */
  readonly owners: Map<TaskId, Executor>;
  terminating: boolean;
}

/** The agent's deadlines; the container and its phase tell whether one still matters. */
export interface ContainerTimer {
  readonly type: "registration" | "grace";
  readonly containerId: ContainerId;
}

export type AgentTimer =
  | ContainerTimer
  /** Executors of an earlier life have had their time to subscribe again. */
  | { readonly type: "recovered" };

export interface AgentSettings {
  readonly id: AgentId;
  readonly info: AgentInfo;
  readonly endpoint: Address;
  /** `slave(1)`. */
  readonly processName: string;
  readonly executorRegistrationTimeoutMs: number;
  readonly executorReregistrationTimeoutMs: number;
  readonly executorShutdownGraceMs: number;
  readonly executorVariables?: Readonly<Record<string, string>>;
}
