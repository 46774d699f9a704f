import type {
  AgentInfo,
  ContainerId,
  ExecutorId,
  ExecutorInfo,
  FrameworkId,
  FrameworkInfo,
  KillPolicy,
  TaskId,
  TaskInfo,
  TaskStatus,
} from "./types.ts";

/** What an agent says to an executor. */
export type ExecutorEvent =
  | {
      readonly type: "SUBSCRIBED";
      readonly executorInfo: ExecutorInfo;
      readonly frameworkInfo: FrameworkInfo;
      readonly agentInfo: AgentInfo;
      readonly containerId: ContainerId | undefined;
    }
  | { readonly type: "LAUNCH"; readonly task: TaskInfo }
  | { readonly type: "LAUNCH_GROUP"; readonly tasks: readonly TaskInfo[] }
  | { readonly type: "KILL"; readonly taskId: TaskId; readonly killPolicy: KillPolicy | undefined }
  | { readonly type: "ACKNOWLEDGED"; readonly taskId: TaskId; readonly uuid: Uint8Array }
  | { readonly type: "MESSAGE"; readonly data: Uint8Array }
  | { readonly type: "SHUTDOWN" }
  | { readonly type: "ERROR"; readonly message: string }
  | { readonly type: "HEARTBEAT" }
  | { readonly type: "UNKNOWN"; readonly value: number | string };

/** What an executor says to its agent. */
export type ExecutorCall =
  | {
      readonly type: "SUBSCRIBE";
      /** Tasks of which no update has been ACKNOWLEDGED yet. */
      readonly unacknowledgedTasks: readonly TaskInfo[];
      /** Updates sent, but not ACKNOWLEDGED. */
      readonly unacknowledgedUpdates: readonly TaskStatus[];
    }
  | { readonly type: "UPDATE"; readonly status: TaskStatus }
  | { readonly type: "MESSAGE"; readonly data: Uint8Array }
  | { readonly type: "HEARTBEAT" };

/** A decoded executor call with the ids that every such call carries. */
export interface AddressedExecutorCall {
  readonly executorId: ExecutorId;
  readonly frameworkId: FrameworkId;
  readonly call: ExecutorCall;
}
