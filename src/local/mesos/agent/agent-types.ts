import type { ExecutorEvent } from "../../../mesos/executor-api.ts";
import type {
  Address,
  AgentId,
  AgentInfo,
  ContainerId,
  ExecutorId,
  ExecutorInfo,
  FrameworkId,
  FrameworkInfo,
  Resource,
  ResourceLimits,
  TaskId,
  TaskInfo,
  TaskState,
  TaskStatus,
} from "../../../mesos/types.ts";
import type { AgentReport } from "../agent-messages.ts";
import type {
  ContainerAdoption,
  ContainerLaunch,
  ContainerProcess,
  ExecutorKind,
} from "../containers/containerizer.ts";
import type { AgentFact } from "./agent-memory.ts";

/** A subscription of an executor, as the shell knows it. */
export type ExecutorStreamId = string;

/** What the shell has to do, in order. */
export type AgentCommand =
  | { readonly type: "report"; readonly report: AgentReport }
  | { readonly type: "send"; readonly streamId: ExecutorStreamId; readonly event: ExecutorEvent }
  /** Ends a stream in order. */
  | { readonly type: "end"; readonly streamId: ExecutorStreamId }
  /** The next four are for the containerizer: see there. */
  | { readonly type: "launch"; readonly container: ContainerLaunch }
  | { readonly type: "adopt"; readonly container: ContainerAdoption }
  | {
      readonly type: "resize";
      readonly containerId: ContainerId;
      readonly resources: readonly Resource[];
      readonly limits: ResourceLimits;
    }
  | { readonly type: "destroy"; readonly containerId: ContainerId }
  /** To be remembered over a restart. */
  | { readonly type: "remember"; readonly fact: AgentFact };

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
  /** The last update of each state, without data. */
  statuses: readonly TaskStatus[];
  /** The last one that went to the master, without data. */
  forwarded: TaskStatus | undefined;
}

/** The agent's own word on a task. */
export interface Verdict {
  readonly state: TaskState;
  readonly reason: string;
  readonly message: string;
}

/** Tasks that go to their executor together, and that are killed together as long as they have not. */
export interface QueuedLaunch {
  readonly tasks: readonly TaskInfo[];
  readonly isGroup: boolean;
}

export interface Executor {
  readonly frameworkId: FrameworkId;
  readonly kind: ExecutorKind;
  readonly info: ExecutorInfo;
  readonly containerId: ContainerId;
  phase: ExecutorPhase;
  streamId: ExecutorStreamId | null;
  process: ContainerProcess | undefined;
  /** Not delivered yet, for want of a subscription; in order. */
  queued: QueuedLaunch[];
  /** Delivered, or ended by the agent, and not forgotten: the terminal update is not acknowledged yet. */
  readonly tasks: Map<TaskId, AgentTask>;
  /** Over and acknowledged; only shown any more. */
  readonly completed: AgentTask[];
  hadTask: boolean;
  /** What becomes of its tasks when it ends, where that is not simply its exit. */
  verdict: Verdict | undefined;
}

export interface AgentFramework {
  info: FrameworkInfo;
  readonly executors: Map<ExecutorId, Executor>;
  /** Over; only shown any more. */
  readonly completedExecutors: Executor[];
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
  /** argv of the program behind the built-in executors; `command` or `default` follows. */
  readonly builtInExecutor: readonly string[];
  readonly executorRegistrationTimeoutMs: number;
  readonly executorReregistrationTimeoutMs: number;
  readonly executorShutdownGraceMs: number;
  /** How long executors may look for a lost agent. */
  readonly recoveryTimeoutMs: number;
  /** As long as no other is known. */
  readonly masterHostname: string;
  /** When this agent began, milliseconds since 1970. */
  readonly startedMs: number;
  /** The folder below which executors have their sandboxes. */
  readonly workDir: string;
  readonly executorVariables?: Readonly<Record<string, string>>;
}
