import { isTerminal, type TaskInfo } from "../../../mesos/types.ts";
import { sandboxPath } from "../containers/sandbox.ts";
import { Resources } from "../resources.ts";
import { seconds, type View } from "../views/old-json.ts";
import { flat, flatAttributes, fullList, sum, totalList } from "../views/resource-views.ts";
import { shownOf } from "../views/shown.ts";
import { type ShownTask, taskView } from "../views/task-views.ts";
import { agentCapabilities, versionView } from "../views/version.ts";
import { agentFlags } from "./agent-flags.ts";
import type { AgentState } from "./agent-state.ts";
import type { AgentFramework, AgentTask, Executor } from "./agent-types.ts";

/*
 * What an agent's older endpoints show. Names are Mesos' old ones (`slave`), times are seconds.
 */

type State = Readonly<AgentState>;

/** `GET /state`. */
export function stateView(state: State): View {
  const { settings, frameworks, completedFrameworks } = state;
  const { id, info, endpoint, processName, startedMs } = settings;
  const total = Resources.of(info.resources);
  return {
    ...versionView,
    start_time: seconds(startedMs),
    id,
    pid: `${processName}@${endpoint.ip ?? info.hostname}:${endpoint.port}`,
    hostname: info.hostname,
    capabilities: agentCapabilities,
    resources: flat(total),
    reserved_resources: {},
    unreserved_resources: flat(total),
    reserved_resources_full: {},
    unreserved_resources_full: fullList(totalList(total)),
    reserved_resources_allocated: {},
    unreserved_resources_allocated: flat(sum([...state.containers.values()].map(containerResources))),
    resource_providers: [],
    attributes: flatAttributes(info.attributes),
    master_hostname: state.masterHostname,
    flags: agentFlags(settings),
    frameworks: [...frameworks.values()].map((framework) => frameworkView(state, framework)),
    completed_frameworks: [...completedFrameworks.values()].map((framework) => frameworkView(state, framework)),
  };
}

function frameworkView(state: State, { info, executors, completedExecutors }: AgentFramework): View {
  const multiRole = (info.capabilities ?? []).some(({ type }) => type === "MULTI_ROLE");
  return {
    id: info.id,
    name: info.name,
    user: info.user,
    failover_timeout: seconds((info.failoverTimeout ?? 0) * 1000),
    checkpoint: info.checkpoint ?? false,
    hostname: info.hostname ?? "",
    principal: info.principal,
    ...(multiRole ? { roles: info.roles ?? [] } : { role: info.role ?? "*" }),
    executors: [...executors.values()].map((executor) => executorView(state, executor)),
    completed_executors: completedExecutors.map((executor) => executorView(state, executor)),
  };
}

function executorView(state: State, executor: Executor): View {
  const { info, containerId, tasks, queued, completed } = executor;
  return {
    id: info.executorId,
    name: info.name ?? "",
    source: info.source ?? "",
    container: containerId,
    directory: directoryOf(state, executor),
    resources: flat(containerResources(executor).resources),
    role: roleOf(info.resources) ?? roleOf([...tasks.values()][0]?.info.resources),
    labels: info.labels?.labels,
    type: info.type,
    tasks: [...tasks.values()].map((task) => taskView(shownTask(executor, task))),
    queued_tasks: queued.flatMap((launch) => launch.tasks).map((task) => taskView(queuedTask(executor, task))),
    completed_tasks: completed.map((task) => taskView(shownTask(executor, task))),
  };
}

export function directoryOf({ settings }: State, { frameworkId, info, containerId }: Executor): string {
  return sandboxPath(settings.workDir, settings.id, { frameworkId, executorId: info.executorId }, containerId);
}

/** What an executor and its live tasks are allowed. */
export function containerResources({ info, tasks }: Executor): { readonly resources: Resources } {
  const live = [...tasks.values()].filter(({ state }) => !isTerminal(state)).map((task) => task.info);
  return { resources: Resources.of([info, ...live].flatMap(({ resources = [] }) => resources)) };
}

export function shownTask(executor: Executor, { info, state, statuses, forwarded }: AgentTask): ShownTask {
  return {
    taskId: info.taskId,
    name: info.name,
    frameworkId: executor.frameworkId,
    agentId: info.agentId,
    executorId: executor.kind === "command" ? undefined : executor.info.executorId,
    role: roleOf(info.resources) ?? "*",
    resources: Resources.of(info.resources),
    labels: info.labels,
    shown: shownOf(info),
    state,
    forwarded,
    statuses,
  };
}

export function queuedTask(executor: Executor, info: TaskInfo): ShownTask {
  return shownTask(executor, { info, state: "TASK_STAGING", statuses: [], forwarded: undefined });
}

function roleOf(resources: TaskInfo["resources"]): string | undefined {
  return resources?.find(({ allocationInfo }) => allocationInfo?.role !== undefined)?.allocationInfo?.role;
}
