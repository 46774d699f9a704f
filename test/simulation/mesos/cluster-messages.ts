import type {
  AgentId,
  ExecutorId,
  ExecutorInfo,
  FrameworkId,
  TaskId,
  TaskInfo,
  TaskState,
  TaskStatus,
} from "../../../src/mesos/types.ts";

/** One task as an agent tells its master about it. */
export interface AgentTaskView {
  readonly frameworkId: FrameworkId;
  readonly taskId: TaskId;
  readonly executorId: ExecutorId;
  readonly milliCpus: number;
  readonly state: TaskState;
}

export interface AgentExecutorView {
  readonly frameworkId: FrameworkId;
  readonly info: ExecutorInfo;
}

/** What agents say to their master. */
export type MessageToMaster =
  | {
      readonly type: "register";
      readonly tasks: readonly AgentTaskView[];
      readonly executors: readonly AgentExecutorView[];
    }
  | {
      readonly type: "update";
      readonly frameworkId: FrameworkId;
      readonly status: TaskStatus;
      /** The task's newest state, which may be ahead of the status. */
      readonly latest: TaskState;
    }
  | { readonly type: "executor-exited"; readonly frameworkId: FrameworkId; readonly executorId: ExecutorId };

/** What a master says to its agents. */
export type MessageToAgent =
  | {
      readonly type: "run";
      readonly frameworkId: FrameworkId;
      readonly task: TaskInfo;
      /** Whether the master believes that the task's executor is still to be started. */
      readonly startsExecutor: boolean;
    }
  | { readonly type: "kill"; readonly frameworkId: FrameworkId; readonly taskId: TaskId }
  | {
      readonly type: "acknowledge";
      readonly frameworkId: FrameworkId;
      readonly taskId: TaskId;
      readonly uuid: Uint8Array;
    }
  /** The framework subscribed: unacknowledged updates are sent again at once. */
  | { readonly type: "framework-subscribed" }
  /** Tasks that the master knew and the agent, when it registered, did not. */
  | {
      readonly type: "reconcile";
      readonly tasks: readonly Pick<AgentTaskView, "frameworkId" | "taskId" | "executorId">[];
    }
  | { readonly type: "shut-down-framework"; readonly frameworkId: FrameworkId };

/** One connection between an agent and its master. */
export interface AgentLink {
  readonly agentId: AgentId;
  readonly hostname: string;
  readonly milliCpus: number;
  send(message: MessageToAgent): void;
}
