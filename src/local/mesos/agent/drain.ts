import type { KillPolicy, TaskInfo, TaskState, TaskStatus } from "../../../mesos/types.ts";
import type { AgentOrder } from "../agent-messages.ts";
import type { Moment } from "../moment.ts";
import type { AgentState } from "./agent-state.ts";
import type { Verdict } from "./agent-types.ts";
import { shutdownFramework } from "./framework-end.ts";
import { killTask } from "./kills.ts";

type Drain = Extract<AgentOrder, { type: "drain" }>;

const REASON = "REASON_AGENT_DRAINING";

/** Kills all tasks; as long as anything is left here, executors included, no task is taken. */
export function drain(state: AgentState, { maxGracePeriodMs, markGone }: Drain, now: Moment): void {
  if (state.frameworks.size === 0 && !markGone) return;
  state.drain = { markGone };
  for (const [frameworkId, { executors }] of state.frameworks) {
    for (const executor of executors.values()) {
      const live = [...executor.tasks.values()].map(({ info }) => info);
      for (const task of [...live, ...executor.queued.flatMap(({ tasks }) => tasks)]) {
        const killPolicy = policyOf(task, maxGracePeriodMs);
        killTask(state, { frameworkId, taskId: task.taskId, killPolicy }, now);
      }
    }
  }
}

export function drainingProblem({ drain: wanted }: AgentState): Verdict | undefined {
  if (wanted === undefined) return undefined;
  const message = "Task was received while agent was already draining";
  return { state: "TASK_DROPPED", reason: REASON, message };
}

/** What executors say of tasks that end because the agent is drained, with the reason for it. */
export function explainedByDrain(state: AgentState, status: TaskStatus, isPartitionAware: boolean): TaskStatus {
  if (state.drain === undefined || (status.state !== "TASK_KILLING" && status.state !== "TASK_KILLED")) return status;
  const gone: TaskState | undefined =
    state.drain.markGone && status.state === "TASK_KILLED" && isPartitionAware ? "TASK_GONE_BY_OPERATOR" : undefined;
  return { ...status, state: gone ?? status.state, reason: REASON };
}

/** By an operator: nothing is said to the master any more. */
export function endAgent(state: AgentState, now: Moment): void {
  state.phase = "ended";
  state.registered = false;
  state.updates.pause();
  for (const frameworkId of state.frameworks.keys()) shutdownFramework(state, frameworkId, now);
}

/** The shorter of the operator's and the task's own grace period. */
function policyOf({ killPolicy }: TaskInfo, maxGracePeriodMs: number | undefined): KillPolicy | undefined {
  if (maxGracePeriodMs === undefined) return undefined;
  const own = killPolicy?.gracePeriod?.nanoseconds ?? Number.POSITIVE_INFINITY;
  return { gracePeriod: { nanoseconds: Math.min(own, maxGracePeriodMs * 1e6) } };
}
