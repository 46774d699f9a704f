import { isTerminal, type TaskState } from "../../../mesos/types.ts";
import type { Moment } from "../moment.ts";
import { setAgentActivity } from "./agent-activity.ts";
import type { MasterState } from "./master-state.ts";
import { lostState, type MasterVerdict, masterStatus, tellStatus } from "./master-statuses.ts";
import { completeTask, type Framework, type KnownAgent, type MasterTask, noteStatus } from "./master-types.ts";

/** Why an agent is taken off the books. */
export type Removal =
  /** It does not answer: it may come back, with its tasks. */
  | { readonly type: "unreachable"; readonly cause: string }
  /** For good. */
  | { readonly type: "removed"; readonly cause: string }
  /** By an operator. */
  | { readonly type: "gone" };

/**
 * An agent's connection has broken: nothing is offered there until it is back.
 *
 * @param goesOn whether a task is known to have outlived it, with whatever checkpoint
 */
export function disconnectAgent(
  state: MasterState,
  agent: KnownAgent,
  now: Moment,
  goesOn: (task: MasterTask) => boolean = () => false,
): void {
  agent.connected = false;
  agent.disconnections++;
  setAgentActivity(state, agent);
  for (const offerId of agent.offers) state.rescind(offerId);
  rescindInverse(state, agent);
  // Without a checkpoint executors end with their agent: no need to wait for its word.
  for (const framework of state.frameworks.values()) {
    if (framework.info.checkpoint === true) continue;
    loseTasks(state, framework, agent, goesOn, now);
    for (const executorId of agent.executors.get(framework.id)?.keys() ?? []) {
      state.removeExecutor(agent, framework.id, executorId);
    }
  }
  const { disconnections } = agent;
  const deadlineMs = now.monotonicMs + state.settings.agentReregisterTimeoutMs;
  state.timers.set(deadlineMs, { type: "reregister", agent, disconnections });
}

/** Tells every framework what that means for its tasks, takes its offers back, and says FAILURE to all. */
export function removeAgent(state: MasterState, agent: KnownAgent, removal: Removal, now: Moment): void {
  if (removal.type === "unreachable") state.unreachable.set(agent.id, now.wallMs);
  if (removal.type === "gone") state.gone.set(agent.id, now.wallMs);
  for (const task of agent.tasks) {
    const framework = state.framework(task.frameworkId);
    state.removeTask(framework, task);
    if (isTerminal(task.state)) {
      completeTask(framework, task);
      continue;
    }
    const verdict = verdictOf(framework, task, agent, removal, now);
    noteStatus(task, masterStatus(verdict, now));
    if (removal.type === "unreachable") framework.unreachableTasks.set(task.taskId, task);
    else {
      task.state = verdict.state;
      completeTask(framework, task);
    }
    tellStatus(state, framework, verdict, now);
  }
  for (const [frameworkId, executors] of agent.executors) {
    for (const executorId of executors.keys()) state.removeExecutor(agent, frameworkId, executorId);
  }
  for (const offerId of agent.offers) state.rescind(offerId);
  rescindInverse(state, agent);
  state.maintenance.forget(agent.id);
  state.allocator.removeAgent(agent.id, agent.total);
  state.agents.delete(agent.id);
  for (const framework of state.frameworks.values()) {
    state.tell(framework, { type: "FAILURE", agentId: agent.id, executorId: undefined, status: undefined });
  }
}

function verdictOf(
  framework: Framework,
  { taskId, agentId, executorId }: MasterTask,
  agent: KnownAgent,
  removal: Removal,
  now: Moment,
): MasterVerdict {
  const ids = { taskId, agentId, executorId };
  switch (removal.type) {
    case "unreachable":
      return {
        ...ids,
        state: lostState(framework, "TASK_UNREACHABLE"),
        reason: "REASON_AGENT_REMOVED",
        message: removal.cause,
        unreachableTime: { nanoseconds: now.wallMs * 1e6 },
      };
    case "removed": {
      const message = `Agent ${agent.info.hostname} removed: ${removal.cause}`;
      // Even to frameworks that know better words.
      return { ...ids, state: "TASK_LOST", reason: "REASON_AGENT_REMOVED", message };
    }
    case "gone": {
      const gone: TaskState = lostState(framework, "TASK_GONE_BY_OPERATOR");
      const reason = gone === "TASK_LOST" ? "REASON_AGENT_REMOVED" : "REASON_AGENT_REMOVED_BY_OPERATOR";
      return { ...ids, state: gone, reason, message: "Agent has been marked gone" };
    }
  }
}

function loseTasks(
  state: MasterState,
  framework: Framework,
  agent: KnownAgent,
  goesOn: (task: MasterTask) => boolean,
  now: Moment,
): void {
  for (const task of agent.tasks) {
    if (task.frameworkId !== framework.id || goesOn(task)) continue;
    state.removeTask(framework, task);
    const over = isTerminal(task.state);
    if (!over) task.state = "TASK_LOST";
    completeTask(framework, task);
    if (over) continue;
    const { taskId, agentId, executorId } = task;
    const message = `Agent ${agent.info.hostname} disconnected`;
    const verdict = { taskId, agentId, executorId, state: "TASK_LOST", reason: "REASON_AGENT_DISCONNECTED" } as const;
    tellStatus(state, framework, { ...verdict, message }, now);
  }
}

function rescindInverse(state: MasterState, agent: KnownAgent): void {
  for (const { id, agentId } of state.inverseOffers.values()) if (agentId === agent.id) state.rescindInverse(id);
}
