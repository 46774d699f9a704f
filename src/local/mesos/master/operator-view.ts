import { decodeUtf8 } from "../../../base/bytes.ts";
import { encodeFrameworkInfo } from "../../../mesos/codec.ts";
import type { Framework, KnownAgent, MasterState, MasterTask } from "./master-state.ts";
import { mesosVersion } from "./master-view.ts";

/*
 * Answers of the operator's v1 API, in JSON under its own names, as far as clients of a framework ask for them: who is
 * there, and in which state. Resources, offers and past statuses are left out: GET /state tells the first two.
 */

type View = Readonly<Record<string, unknown>>;

/** Of GET_FRAMEWORKS. */
export function frameworksView({ frameworks }: Readonly<MasterState>): View {
  return { frameworks: [...frameworks.values()].map(frameworkView), completed_frameworks: [] };
}

/** Of GET_TASKS. */
export function tasksView({ frameworks }: Readonly<MasterState>): View {
  const tasks = [...frameworks.values()].flatMap((framework) => [...framework.tasks.values()]);
  return {
    pending_tasks: [],
    tasks: tasks.map(taskView),
    unreachable_tasks: [],
    completed_tasks: [],
    orphan_tasks: [],
  };
}

/** Of GET_AGENTS. */
export function agentsView({ agents, recovering }: Readonly<MasterState>): View {
  return {
    agents: [...agents.values()].map(agentView),
    recovered_agents: [...recovering].map((id) => ({ id: { value: id } })),
  };
}

function frameworkView({ id, info, streamId, subscriptions, registeredMs }: Framework): View {
  const text = decodeUtf8(encodeFrameworkInfo({ ...info, id }, "application/json")) ?? "";
  return {
    framework_info: JSON.parse(text) as View,
    active: streamId !== null,
    connected: streamId !== null,
    // Known from the agents that run its tasks; it has not subscribed to this master yet.
    recovered: subscriptions === 0,
    registered_time: { nanoseconds: Math.round(registeredMs * 1_000_000) },
  };
}

function taskView({ taskId, name, frameworkId, agentId, executorId, state, labels }: MasterTask): View {
  return {
    name,
    task_id: { value: taskId },
    framework_id: { value: frameworkId },
    ...(executorId === undefined ? {} : { executor_id: { value: executorId } }),
    agent_id: { value: agentId },
    state,
    ...(labels === undefined ? {} : { labels: { labels: labels.labels } }),
  };
}

function agentView({ id, info, endpoint, processName }: KnownAgent): View {
  return {
    agent_info: { id: { value: id }, hostname: info.hostname, port: endpoint.port },
    active: true,
    deactivated: false,
    version: mesosVersion,
    pid: `${processName}@${endpoint.ip ?? info.hostname}:${endpoint.port}`,
  };
}
