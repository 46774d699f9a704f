import type { AgentId, ExecutorId, TaskId, TaskState, TaskStatus } from "../../../mesos/types.ts";
import type { Moment } from "../moment.ts";
import type { MasterState } from "./master-state.ts";
import { type Framework, isPartitionAware, type MasterTask } from "./master-types.ts";

/*
 * Status updates that the master makes itself. They have no uuid: they are sent once and not acknowledged.
 */

export interface MasterVerdict extends Pick<TaskStatus, "unreachableTime" | "containerStatus" | "healthy"> {
  readonly taskId: TaskId;
  readonly agentId: AgentId | undefined;
  readonly executorId?: ExecutorId | undefined;
  readonly state: TaskState;
  readonly reason: string;
  readonly message: string;
}

export function masterStatus({ agentId, executorId, ...verdict }: MasterVerdict, now: Moment): TaskStatus {
  return {
    ...verdict,
    source: "SOURCE_MASTER",
    timestamp: now.wallMs / 1000,
    ...(agentId === undefined ? {} : { agentId }),
    ...(executorId === undefined ? {} : { executorId }),
  };
}

export function tellStatus(state: MasterState, framework: Framework, verdict: MasterVerdict, now: Moment): void {
  state.tell(framework, { type: "UPDATE", status: masterStatus(verdict, now) });
}

/** `state` for frameworks that know it, TASK_LOST for the others. */
export function lostState(framework: Framework, state: TaskState): TaskState {
  return isPartitionAware(framework) ? state : "TASK_LOST";
}

/** What the master knows of a task from its updates, for a word of its own on it. */
export function lastKnown({ statuses }: MasterTask): Pick<MasterVerdict, "healthy" | "containerStatus"> {
  const healthy = statuses.at(-1)?.healthy;
  const containerStatus = statuses.findLast((status) => status.containerStatus !== undefined)?.containerStatus;
  return {
    ...(healthy === undefined ? {} : { healthy }),
    ...(containerStatus === undefined ? {} : { containerStatus }),
  };
}

/** What reconciliation says of a task that the master knows. */
export function latestState(task: MasterTask): MasterVerdict {
  const { taskId, agentId, executorId, forwarded } = task;
  const message = "Reconciliation: Latest task state";
  const state = forwarded?.state ?? task.state;
  return { taskId, agentId, executorId, state, reason: "REASON_RECONCILIATION", message, ...lastKnown(task) };
}
