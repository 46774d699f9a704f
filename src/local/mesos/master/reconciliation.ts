import type { AgentId, TaskId } from "../../../mesos/types.ts";
import type { Moment } from "../moment.ts";
import type { CallOf, MasterState } from "./master-state.ts";
import { latestState, lostState, type MasterVerdict, tellStatus } from "./master-statuses.ts";
import type { Framework } from "./master-types.ts";

/** Answers RECONCILE; a call without tasks asks for all. Nothing marks the end of the answers. */
export function reconcile(state: MasterState, framework: Framework, call: CallOf<"RECONCILE">, now: Moment): void {
  if (call.tasks.length === 0) {
    for (const task of framework.tasks.values()) tellStatus(state, framework, latestState(task), now);
    return;
  }
  for (const { taskId, agentId } of call.tasks) reconcileTask(state, framework, taskId, agentId, now);
}

/** Says what the master knows of one task: of a task in its table, and else of the agent where it should be. */
export function reconcileTask(
  state: MasterState,
  framework: Framework,
  taskId: TaskId,
  agentId: AgentId | undefined,
  now: Moment,
): void {
  const task = framework.tasks.get(taskId);
  if (task !== undefined) {
    tellStatus(state, framework, latestState(task), now);
    return;
  }
  // An agent that has yet to register may bring the task along: no answer is better than a wrong one.
  if (agentId === undefined ? state.recovering.size > 0 : state.recovering.has(agentId)) return;
  const verdict = { taskId, agentId, reason: "REASON_RECONCILIATION", ...wordOn(state, agentId) };
  tellStatus(state, framework, { ...verdict, state: lostState(framework, verdict.state) }, now);
}

/** What became of a task that is on no book, by the agent where it should be. */
function wordOn(
  state: MasterState,
  agentId: AgentId | undefined,
): Pick<MasterVerdict, "state" | "message" | "unreachableTime"> {
  if (agentId !== undefined && state.agents.has(agentId)) {
    return { state: "TASK_GONE", message: "Reconciliation: Task is unknown to the agent" };
  }
  const unreachableMs = agentId === undefined ? undefined : state.unreachable.get(agentId);
  if (unreachableMs !== undefined) {
    const unreachableTime = { nanoseconds: unreachableMs * 1e6 };
    return { state: "TASK_UNREACHABLE", message: "Reconciliation: Task is unreachable", unreachableTime };
  }
  if (agentId !== undefined && state.gone.has(agentId)) {
    return { state: "TASK_GONE_BY_OPERATOR", message: "Reconciliation: Task is gone" };
  }
  return { state: "TASK_UNKNOWN", message: "Reconciliation: Task is unknown" };
}

/** Nothing here is ever under way: what a framework asks about is unknown, or as lost as its agent. */
export function reconcileOperations(
  state: MasterState,
  framework: Framework,
  { operations }: CallOf<"RECONCILE_OPERATIONS">,
): void {
  for (const { operationId, agentId } of operations) {
    const status = {
      operationId,
      ...(agentId === undefined ? {} : { agentId }),
      state: operationState(state, agentId),
    };
    state.tell(framework, { type: "UPDATE_OPERATION_STATUS", status });
  }
}

function operationState(state: MasterState, agentId: AgentId | undefined): string {
  if (agentId === undefined) return "OPERATION_UNKNOWN";
  if (state.recovering.has(agentId)) return "OPERATION_RECOVERING";
  if (state.unreachable.has(agentId)) return "OPERATION_UNREACHABLE";
  return state.gone.has(agentId) ? "OPERATION_GONE_BY_OPERATOR" : "OPERATION_UNKNOWN";
}
