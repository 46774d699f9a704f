import { assertNever } from "../../../base/errors.ts";
import { isTerminal } from "../../../mesos/types.ts";
import type { AgentReport, FromAgent } from "../agent-messages.ts";
import type { Moment } from "../moment.ts";
import { withoutData } from "../task-statuses.ts";
import { drainedIfIdle } from "./agent-drain.ts";
import { registerAgent } from "./agent-registration.ts";
import { removeAgent } from "./agent-removal.ts";
import type { CallOf, MasterState } from "./master-state.ts";
import { completeTask, type Framework, type KnownAgent, noteStatus } from "./master-types.ts";

type Report<Type extends AgentReport["type"]> = Extract<AgentReport, { type: Type }>;

/** What an agent reports: it registers, passes updates on, tells of executors that ended, or leaves. */
export function agentReported(state: MasterState, { agentId, report }: FromAgent, now: Moment): void {
  if (report.type === "registered") {
    registerAgent(state, agentId, report, now);
    return;
  }
  const agent = state.connectedAgent(agentId);
  if (agent === undefined) {
    // It was given up, and does not know it.
    if (!state.gone.has(agentId)) state.order(agentId, { type: "reregister" });
    return;
  }
  switch (report.type) {
    case "update":
      return updated(state, report);
    case "executor-exited":
      return executorExited(state, agent, report);
    case "message": {
      const framework = state.frameworks.get(report.frameworkId);
      if (framework === undefined) return;
      return state.tell(framework, { type: "MESSAGE", agentId, executorId: report.executorId, data: report.data });
    }
    case "pong":
      agent.pinged = false;
      agent.missedPings = 0;
      return;
    case "unregistered":
      return removeAgent(state, agent, { type: "removed", cause: "the agent unregistered" }, now);
    default:
      return assertNever(report);
  }
}

/** ACKNOWLEDGE: ends a task whose terminal update it is, and goes on to the agent. */
export function acknowledge(state: MasterState, framework: Framework, call: CallOf<"ACKNOWLEDGE">, now: Moment): void {
  const { agentId, taskId, uuid } = call;
  const agent = state.connectedAgent(agentId);
  if (agent === undefined) return;
  const task = framework.tasks.get(taskId);
  if (task !== undefined) {
    const { forwarded } = task;
    // A new master that has not forwarded anything of the task yet cannot know what is acknowledged.
    if (forwarded === undefined) return;
    if (isTerminal(forwarded.state) && forwarded.uuid !== undefined && Buffer.compare(forwarded.uuid, uuid) === 0) {
      state.removeTask(framework, task);
      completeTask(framework, task);
    }
  }
  state.order(agentId, { type: "acknowledge", frameworkId: framework.id, taskId, uuid });
  drainedIfIdle(state, agent, now);
}

function updated(state: MasterState, { frameworkId, status, latestState }: Report<"update">): void {
  const framework = state.frameworks.get(frameworkId);
  if (framework === undefined) return;
  const task = framework.tasks.get(status.taskId);
  if (task !== undefined) {
    task.forwarded = withoutData(status);
    noteStatus(task, task.forwarded);
    if (!isTerminal(task.state)) {
      task.state = latestState;
      if (isTerminal(latestState)) state.allocator.release(task);
    }
  }
  state.tell(framework, { type: "UPDATE", status });
}

function executorExited(state: MasterState, agent: KnownAgent, report: Report<"executor-exited">): void {
  const { frameworkId, executorId, waitStatus } = report;
  state.removeExecutor(agent, frameworkId, executorId);
  const framework = state.frameworks.get(frameworkId);
  if (framework === undefined) return;
  state.tell(framework, { type: "FAILURE", agentId: agent.id, executorId, status: waitStatus });
}
