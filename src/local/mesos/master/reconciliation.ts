import type { AgentId, TaskId, TaskState } from "../../../mesos/types.ts";
import type { Moment } from "../moment.ts";
import type { CallOf, Framework, MasterState } from "./master-state.ts";
import { latestState, lostState, masterStatus } from "./master-statuses.ts";

/** Answers RECONCILE; a call without tasks asks for all. Nothing marks the end of the answers. */
export function reconcile(state: MasterState, framework: Framework, call: CallOf<"RECONCILE">, now: Moment): void {
  if (call.tasks.length === 0) {
    for (const task of framework.tasks.values()) {
      state.tell(framework, { type: "UPDATE", status: latestState(task, now) });
    }
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
    state.tell(framework, { type: "UPDATE", status: latestState(task, now) });
    return;
  }
  // An agent that has yet to register may bring the task along: no answer is better than a wrong one.
  if (agentId === undefined ? state.recovering.size > 0 : state.recovering.has(agentId)) return;
  const registered = agentId !== undefined && state.agents.has(agentId);
  const verdict: { state: TaskState; message: string } = registered
    ? { state: lostState(framework, "TASK_GONE"), message: "Reconciliation: Task is unknown to the agent" }
    : { state: lostState(framework, "TASK_UNKNOWN"), message: "Reconciliation: Task is unknown" };
  const status = masterStatus({ taskId, agentId, reason: "REASON_RECONCILIATION", ...verdict }, now);
  state.tell(framework, { type: "UPDATE", status });
}
