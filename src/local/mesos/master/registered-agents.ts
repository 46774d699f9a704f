import { assertNever, invariant } from "../../../base/errors.ts";
import { isTerminal, type TaskStatus } from "../../../mesos/types.ts";
import type { AgentReport, FromAgent } from "../agent-messages.ts";
import type { Moment } from "../moment.ts";
import { Resources } from "../resources.ts";
import type { CallOf, Framework, KnownAgent, MasterState } from "./master-state.ts";
import { masterStatus } from "./master-statuses.ts";
import { addFramework } from "./subscription.ts";

type Report<Type extends AgentReport["type"]> = Extract<AgentReport, { type: Type }>;

/** What an agent reports: it registers, passes updates on, tells of executors that ended, or leaves. */
export function agentReported(state: MasterState, { agentId, report }: FromAgent, now: Moment): void {
  if (report.type === "registered") {
    register(state, { agentId, report }, now);
    return;
  }
  const agent = state.agents.get(agentId);
  invariant(agent !== undefined, `Agent ${agentId} reported ${report.type} before it registered`);
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
    case "unregistered":
      return unregister(state, agent, now);
    default:
      return assertNever(report);
  }
}

/** ACKNOWLEDGE: ends a task whose terminal update it is, and goes on to the agent. */
export function acknowledge(state: MasterState, framework: Framework, call: CallOf<"ACKNOWLEDGE">): void {
  const { agentId, taskId, uuid } = call;
  if (!state.agents.has(agentId)) return;
  const task = framework.tasks.get(taskId);
  if (task !== undefined) {
    const { forwarded } = task;
    // A new master that has not forwarded anything of the task yet cannot know what is acknowledged.
    if (forwarded === undefined) return;
    if (isTerminal(forwarded.state) && forwarded.uuid !== undefined && Buffer.compare(forwarded.uuid, uuid) === 0) {
      state.removeTask(framework, task);
    }
  }
  state.order(agentId, { type: "acknowledge", frameworkId: framework.id, taskId, uuid });
}

function register(
  state: MasterState,
  { agentId, report }: { agentId: KnownAgent["id"]; report: Report<"registered"> },
  now: Moment,
): void {
  invariant(!state.agents.has(agentId), `Agent ${agentId} registered twice`);
  const { info, endpoint, processName } = report;
  const total = Resources.of(info.resources);
  const agent: KnownAgent = {
    id: agentId,
    info,
    endpoint,
    processName,
    total,
    tasks: new Set(),
    executors: new Map(),
    offers: new Set(),
  };
  state.recovering.delete(agentId);
  state.agents.set(agentId, agent);
  state.allocator.addAgent(agentId, total);
  for (const reported of report.frameworks) adopt(state, agent, reported, now);
  state.allocationWanted = true;
}

/** What already runs on an agent that registers with a master that is new to it. */
function adopt(
  state: MasterState,
  agent: KnownAgent,
  { info, executors, tasks }: Report<"registered">["frameworks"][number],
  now: Moment,
): void {
  const frameworkId = info.id;
  if (frameworkId === undefined) return;
  if (state.completed.has(frameworkId)) {
    state.order(agent.id, { type: "shutdown-framework", frameworkId });
    return;
  }
  const framework = state.frameworks.get(frameworkId) ?? addFramework(state, frameworkId, info, now);
  const fallbackRole = framework.roles[0] ?? "*";
  for (const executor of executors) {
    const resources = Resources.of(executor.resources);
    const role = executor.resources?.[0]?.allocationInfo?.role ?? fallbackRole;
    state.addExecutor(agent, frameworkId, { info: executor, role, resources });
    state.allocator.charge({ frameworkId, role, agentId: agent.id, resources });
  }
  for (const { task, executorId, state: taskState } of tasks) {
    const role = task.resources?.[0]?.allocationInfo?.role ?? fallbackRole;
    const known = {
      taskId: task.taskId,
      name: task.name,
      frameworkId,
      agentId: agent.id,
      executorId,
      role,
      resources: Resources.of(task.resources),
      labels: task.labels,
      state: taskState,
      forwarded: undefined,
    };
    if (!isTerminal(taskState)) state.allocator.charge(known);
    state.addTask(framework, known);
  }
}

function updated(state: MasterState, { frameworkId, status, latestState }: Report<"update">): void {
  const framework = state.frameworks.get(frameworkId);
  if (framework === undefined) return;
  const task = framework.tasks.get(status.taskId);
  if (task !== undefined) {
    task.forwarded = withoutData(status);
    if (!isTerminal(task.state)) {
      task.state = latestState;
      if (isTerminal(latestState)) state.allocator.release(task);
    }
  }
  state.tell(framework, { type: "UPDATE", status });
}

/** Results can be large: the master keeps the status without them. */
function withoutData(status: TaskStatus): TaskStatus {
  const { data, ...rest } = status;
  return data === undefined ? status : rest;
}

function executorExited(state: MasterState, agent: KnownAgent, report: Report<"executor-exited">): void {
  const { frameworkId, executorId, waitStatus } = report;
  state.removeExecutor(agent, frameworkId, executorId);
  const framework = state.frameworks.get(frameworkId);
  if (framework === undefined) return;
  state.tell(framework, { type: "FAILURE", agentId: agent.id, executorId, status: waitStatus });
}

function unregister(state: MasterState, agent: KnownAgent, now: Moment): void {
  const message = `Agent ${agent.info.hostname} removed: the agent unregistered`;
  for (const task of agent.tasks) {
    const framework = state.framework(task.frameworkId);
    state.removeTask(framework, task);
    const { taskId, agentId } = task;
    const verdict = { taskId, agentId, state: "TASK_LOST", reason: "REASON_AGENT_REMOVED", message } as const;
    state.tell(framework, { type: "UPDATE", status: masterStatus(verdict, now) });
  }
  for (const [frameworkId, executors] of agent.executors) {
    for (const executorId of executors.keys()) state.removeExecutor(agent, frameworkId, executorId);
  }
  for (const offerId of agent.offers) {
    const offer = state.takeOffer(offerId);
    if (offer === undefined) continue;
    state.allocator.release(offer);
    state.tell(state.framework(offer.frameworkId), { type: "RESCIND", offerId });
  }
  state.allocator.removeAgent(agent.id, agent.total);
  state.agents.delete(agent.id);
  for (const framework of state.frameworks.values()) {
    state.tell(framework, { type: "FAILURE", agentId: agent.id, executorId: undefined, status: undefined });
  }
}
