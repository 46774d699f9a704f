import type { AgentOrder } from "../agent-messages.ts";
import type { Moment } from "../moment.ts";
import type { AgentState } from "./agent-state.ts";

type Kill = Extract<AgentOrder, { type: "kill-task" }>;

/** KILL goes to the executor; a task that it has not got yet is ended here, and so are those of its group. */
export function killTask(
  state: AgentState,
  { frameworkId, taskId, killPolicy }: Pick<Kill, "frameworkId" | "taskId" | "killPolicy">,
  now: Moment,
): void {
  const executor = state.frameworks.get(frameworkId)?.owners.get(taskId);
  if (executor === undefined) {
    // The launch was lost: the master expects a last word on the task, unless one is on its way.
    if (state.updates.hasTask(frameworkId, taskId)) return;
    const dropped = state.lostState(frameworkId, "TASK_DROPPED");
    const verdict = { state: dropped, reason: "REASON_EXECUTOR_TERMINATED", message: "Cannot find executor" };
    state.say(frameworkId, { taskId, ...verdict }, now);
    return;
  }
  const queued = executor.queued.find(({ tasks }) => tasks.some((task) => task.taskId === taskId));
  if (queued === undefined) {
    if (executor.phase === "running") state.send(executor, { type: "KILL", taskId, killPolicy });
    return;
  }
  executor.queued = executor.queued.filter((each) => each !== queued);
  const verdict = {
    state: "TASK_KILLED",
    reason: "REASON_TASK_KILLED_DURING_LAUNCH",
    message: queued.isGroup
      ? "A task within the task group was killed before delivery to the executor"
      : "Killed before delivery to the executor",
  } as const;
  for (const task of queued.tasks) state.endTask(executor, task, verdict, now);
}
