import { type FrameworkId, isTerminal, type TaskInfo } from "../../../mesos/types.ts";
import type { AgentReport, ReportedFramework } from "../agent-messages.ts";
import type { Moment } from "../moment.ts";
import { Resources } from "../resources.ts";
import { shownOf } from "../views/shown.ts";
import { setAgentActivity } from "./agent-activity.ts";
import { disconnectAgent, removeAgent } from "./agent-removal.ts";
import type { MasterState } from "./master-state.ts";
import { lastKnown, tellStatus } from "./master-statuses.ts";
import type { Framework, KnownAgent, MasterTask } from "./master-types.ts";
import { addFramework } from "./subscription.ts";

type Registered = Extract<AgentReport, { type: "registered" }>;

/** An agent registers: for the first time, or again, with whatever runs there. */
export function registerAgent(state: MasterState, agentId: KnownAgent["id"], report: Registered, now: Moment): void {
  if (state.gone.has(agentId)) {
    state.note("agent marked gone tries to come back", { agent: agentId });
    state.order(agentId, { type: "shutdown" });
    return;
  }
  const known = state.agents.get(agentId);
  if (known !== undefined) reregister(state, known, report, now);
  else addAgent(state, agentId, report, now);
}

/** One that is new to this master, or that was taken for lost. */
function addAgent(state: MasterState, agentId: KnownAgent["id"], report: Registered, now: Moment): void {
  const { info, endpoint, processName } = report;
  for (const other of state.agents.values()) {
    const { ip, port } = other.endpoint;
    if (ip !== endpoint.ip || port !== endpoint.port || other.processName !== processName) continue;
    removeAgent(state, other, { type: "removed", cause: "a new agent registered at the same address" }, now);
  }
  const wasUnreachable = state.unreachable.delete(agentId);
  const wasRecovering = state.recovering.delete(agentId);
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
    registeredMs: now.wallMs,
    reregisteredMs: wasUnreachable || wasRecovering ? now.wallMs : undefined,
    connected: true,
    disconnections: 0,
    deactivated: false,
    drain: undefined,
    missedPings: 0,
    pinged: false,
    pendingKills: new Map(),
  };
  state.agents.set(agentId, agent);
  state.allocator.addAgent(agentId, total);
  for (const reported of report.frameworks) {
    const framework = adopt(state, agent, reported, now);
    if (framework === undefined || wasRecovering) continue;
    tellReturned(state, framework, agent, wasUnreachable, now);
  }
  tellFrameworks(state, agent, report);
  state.allocationWanted = true;
  state.timers.set(now.monotonicMs + state.settings.agentPingTimeoutMs, { type: "ping", agent });
}

/** One that this master has on its books: both compare what they know. */
function reregister(state: MasterState, agent: KnownAgent, report: Registered, now: Moment): void {
  const reportedTasks = new Set<string>();
  for (const { info, tasks } of report.frameworks) {
    for (const { task } of tasks) reportedTasks.add(keyOf(info.id, task));
  }
  const isReported = (task: MasterTask): boolean => reportedTasks.has(keyOf(task.frameworkId, task));
  // Its former connection may not have been missed yet; what runs there all the same was not lost with it.
  if (agent.connected) disconnectAgent(state, agent, now, isReported);
  agent.info = report.info;
  agent.endpoint = report.endpoint;
  agent.processName = report.processName;
  agent.connected = true;
  agent.reregisteredMs = now.wallMs;
  agent.missedPings = 0;
  setAgentActivity(state, agent);

  const reportedExecutors = new Set<string>();
  for (const { info, executors } of report.frameworks) {
    for (const { executorId } of executors) reportedExecutors.add(`${info.id} ${executorId}`);
  }
  for (const [frameworkId, executors] of agent.executors) {
    for (const executorId of executors.keys()) {
      if (!reportedExecutors.has(`${frameworkId} ${executorId}`)) state.removeExecutor(agent, frameworkId, executorId);
    }
  }
  for (const reported of report.frameworks) adopt(state, agent, reported, now);
  const lost = [...agent.tasks].filter((task) => !isReported(task));
  if (lost.length > 0) {
    const tasks = lost.map(({ frameworkId, taskId, executorId }) => ({ frameworkId, taskId, executorId }));
    state.order(agent.id, { type: "reconcile-tasks", tasks });
  }
  for (const [taskId, frameworkId] of agent.pendingKills) {
    state.order(agent.id, { type: "kill-task", frameworkId, taskId, killPolicy: undefined });
  }
  agent.pendingKills.clear();
  tellFrameworks(state, agent, report);
}

/** What this master knows of the frameworks there; the agent sends what waits for them once more. */
function tellFrameworks(state: MasterState, agent: KnownAgent, report: Registered): void {
  for (const { info } of report.frameworks) {
    const framework = info.id === undefined ? undefined : state.frameworks.get(info.id);
    if (framework !== undefined) state.order(agent.id, { type: "update-framework", framework: framework.info });
  }
}

/** Takes up what runs on an agent and is not on the books. @returns undefined where it is to end */
function adopt(
  state: MasterState,
  agent: KnownAgent,
  { info, executors, tasks }: ReportedFramework,
  now: Moment,
): Framework | undefined {
  const frameworkId = info.id;
  if (frameworkId === undefined) return undefined;
  if (state.completed.has(frameworkId)) {
    state.order(agent.id, { type: "shutdown-framework", frameworkId });
    return undefined;
  }
  const framework = state.frameworks.get(frameworkId) ?? addFramework(state, frameworkId, info, now);
  const fallbackRole = framework.roles[0] ?? "*";
  for (const executor of executors) {
    if (state.executor(agent.id, frameworkId, executor.executorId) !== undefined) continue;
    const resources = Resources.of(executor.resources);
    const role = executor.resources?.[0]?.allocationInfo?.role ?? fallbackRole;
    state.addExecutor(agent, frameworkId, { info: executor, role, resources });
    state.allocator.charge({ frameworkId, role, agentId: agent.id, resources });
  }
  for (const { task, executorId, state: taskState, statuses } of tasks) {
    if (framework.tasks.get(task.taskId)?.agentId === agent.id) continue;
    const former = framework.unreachableTasks.get(task.taskId);
    framework.unreachableTasks.delete(task.taskId);
    const known: MasterTask = {
      taskId: task.taskId,
      name: task.name,
      frameworkId,
      agentId: agent.id,
      executorId,
      role: task.resources?.[0]?.allocationInfo?.role ?? fallbackRole,
      resources: Resources.of(task.resources),
      labels: task.labels,
      shown: shownOf(task),
      state: taskState,
      forwarded: former?.forwarded,
      statuses,
    };
    if (!isTerminal(taskState)) state.allocator.charge(known);
    state.addTask(framework, known);
  }
  return framework;
}

/** Tasks that nobody expected any more, or that had been called unreachable or lost: they go on. */
function tellReturned(
  state: MasterState,
  framework: Framework,
  agent: KnownAgent,
  wasUnreachable: boolean,
  now: Moment,
): void {
  const reason = "REASON_AGENT_REREGISTERED";
  const message = wasUnreachable ? "Unreachable agent re-reregistered" : "Unknown agent reregistered";
  for (const task of agent.tasks) {
    if (task.frameworkId !== framework.id) continue;
    const { taskId, agentId, executorId } = task;
    const verdict = { taskId, agentId, executorId, state: task.state, reason, message, ...lastKnown(task) };
    tellStatus(state, framework, verdict, now);
  }
}

function keyOf(frameworkId: FrameworkId | undefined, { taskId }: { readonly taskId: TaskInfo["taskId"] }): string {
  return `${frameworkId} ${taskId}`;
}
