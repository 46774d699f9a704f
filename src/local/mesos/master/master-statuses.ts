import type { AgentId, TaskId, TaskState, TaskStatus } from "../../../mesos/types.ts";
import type { Moment } from "../moment.ts";
import { type Framework, isPartitionAware, type MasterTask } from "./master-state.ts";

/*
 * Status updates that the master makes itself. They have no uuid: they are sent once and not acknowledged.
 */

export interface MasterVerdict {
  readonly taskId: TaskId;
  readonly agentId: AgentId | undefined;
  readonly state: TaskState;
  readonly reason: string;
  readonly message: string;
}

export function masterStatus({ agentId, ...verdict }: MasterVerdict, now: Moment): TaskStatus {
  return {
    ...verdict,
    source: "SOURCE_MASTER",
    timestamp: now.wallMs / 1000,
    ...(agentId === undefined ? {} : { agentId }),
  };
}

/** `state` for frameworks that know it, TASK_LOST for the others. */
export function lostState(framework: Framework, state: TaskState): TaskState {
  return isPartitionAware(framework) ? state : "TASK_LOST";
}

/** What reconciliation says of a task that the master knows. */
export function latestState(task: MasterTask, now: Moment): TaskStatus {
  const { forwarded } = task;
  return {
    taskId: task.taskId,
    state: forwarded?.state ?? task.state,
    message: "Reconciliation: Latest task state",
    source: "SOURCE_MASTER",
    reason: "REASON_RECONCILIATION",
    agentId: task.agentId,
    ...(task.executorId === undefined ? {} : { executorId: task.executorId }),
    timestamp: now.wallMs / 1000,
    ...(forwarded?.healthy === undefined ? {} : { healthy: forwarded.healthy }),
    ...(forwarded?.containerStatus === undefined ? {} : { containerStatus: forwarded.containerStatus }),
  };
}
