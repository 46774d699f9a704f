import type {
  Address,
  AgentId,
  AgentInfo,
  ExecutorId,
  ExecutorInfo,
  FrameworkId,
  FrameworkInfo,
  KillPolicy,
  TaskId,
  TaskInfo,
  TaskState,
  TaskStatus,
} from "../../mesos/types.ts";

/*
 * What master and agent say to one another. In Mesos this is an internal protocol over sockets. Here these values are
 * exchanged in order: as they are where both live in one process, else over a link (link/wire.ts).
 */

/** Master to agent. */
export type AgentOrder =
  | {
      readonly type: "run-tasks";
      readonly framework: FrameworkInfo;
      /** One, or those of a group. */
      readonly tasks: readonly TaskInfo[];
      readonly isGroup: boolean;
      /** undefined: a command task, for which the agent makes one. */
      readonly executor: ExecutorInfo | undefined;
      /** Whether the master believes that the executor has to be started for it. */
      readonly launchExecutor: boolean;
    }
  | {
      readonly type: "kill-task";
      readonly frameworkId: FrameworkId;
      readonly taskId: TaskId;
      readonly killPolicy: KillPolicy | undefined;
    }
  | { readonly type: "shutdown-executor"; readonly frameworkId: FrameworkId; readonly executorId: ExecutorId }
  | { readonly type: "shutdown-framework"; readonly frameworkId: FrameworkId }
  | {
      readonly type: "acknowledge";
      readonly frameworkId: FrameworkId;
      readonly taskId: TaskId;
      readonly uuid: Uint8Array;
    }
  | {
      readonly type: "message";
      readonly frameworkId: FrameworkId;
      readonly executorId: ExecutorId;
      readonly data: Uint8Array;
    }
  /** Tasks that the master knows and the agent has not named: it says that it does not know them. */
  | {
      readonly type: "reconcile-tasks";
      readonly tasks: readonly {
        readonly frameworkId: FrameworkId;
        readonly taskId: TaskId;
        readonly executorId: ExecutorId | undefined;
      }[];
    }
  /** To be answered by `pong`. */
  | { readonly type: "ping" }
  /** The master has given the agent up meanwhile. */
  | { readonly type: "reregister" }
  /** All tasks are to be killed, and no more started, until nothing runs there. */
  | { readonly type: "drain"; readonly maxGracePeriodMs: number | undefined; readonly markGone: boolean }
  /** It is gone for the master, and ends. */
  | { readonly type: "shutdown" }
  /** A framework subscribed anew: the agent notes its info and sends the oldest pending update of every task again. */
  | { readonly type: "update-framework"; readonly framework: FrameworkInfo };

/** A task as an agent reports it when it registers. */
export interface ReportedTask {
  readonly task: TaskInfo;
  /** undefined: a command task. */
  readonly executorId: ExecutorId | undefined;
  readonly state: TaskState;
  /** The last update of each state, without data. */
  readonly statuses: readonly TaskStatus[];
}

export interface ReportedFramework {
  readonly info: FrameworkInfo;
  readonly executors: readonly ExecutorInfo[];
  readonly tasks: readonly ReportedTask[];
}

/** Agent to master. */
export type AgentReport =
  | {
      readonly type: "registered";
      readonly info: AgentInfo;
      readonly endpoint: Address;
      /** `slave(1)`. */
      readonly processName: string;
      readonly frameworks: readonly ReportedFramework[];
    }
  | {
      readonly type: "update";
      readonly frameworkId: FrameworkId;
      readonly status: TaskStatus;
      /** The task's newest state, which this update may lag behind; the master frees resources by it. */
      readonly latestState: TaskState;
    }
  | {
      readonly type: "executor-exited";
      readonly frameworkId: FrameworkId;
      readonly executorId: ExecutorId;
      /** Raw wait status; -1 where it never ran. */
      readonly waitStatus: number;
    }
  | {
      readonly type: "message";
      readonly frameworkId: FrameworkId;
      readonly executorId: ExecutorId;
      readonly data: Uint8Array;
    }
  | { readonly type: "pong" }
  /** The agent leaves for good. */
  | { readonly type: "unregistered" };

export interface FromAgent {
  readonly agentId: AgentId;
  readonly report: AgentReport;
}
