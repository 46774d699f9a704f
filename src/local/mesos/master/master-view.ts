import { isTerminal, type TaskState } from "../../../mesos/types.ts";
import type { Resources } from "../resources.ts";
import { double, seconds, type View } from "../views/old-json.ts";
import { allocatedList, flat, flatAttributes, fullList, quantities, sum, totalList } from "../views/resource-views.ts";
import { executorView, taskView } from "../views/task-views.ts";
import { agentCapabilities, masterCapabilities, mesosVersion, versionView } from "../views/version.ts";
import { masterFlags } from "./master-flags.ts";
import type { MasterState } from "./master-state.ts";
import type { Framework, KnownAgent, KnownExecutor, MasterTask } from "./master-types.ts";

/*
 * What the master's older endpoints show. Names are Mesos' old ones (`slave`), times are seconds.
 */

type State = Readonly<MasterState>;

/** `GET /state`. */
export function stateView(state: State): View {
  const { masterInfo, startedMs } = state.settings;
  const agents = [...state.agents.values()];
  return {
    ...versionView,
    start_time: seconds(startedMs),
    elected_time: seconds(startedMs),
    id: masterInfo.id,
    pid: masterInfo.pid,
    hostname: masterInfo.hostname,
    capabilities: masterCapabilities,
    activated_slaves: double(agents.filter(isActive).length),
    deactivated_slaves: double(agents.filter((agent) => !isActive(agent)).length),
    unreachable_slaves: double(state.unreachable.size),
    leader: masterInfo.pid,
    leader_info: { id: masterInfo.id, pid: masterInfo.pid, port: masterInfo.port, hostname: masterInfo.hostname },
    flags: masterFlags(state.settings),
    slaves: agents.map((agent) => agentView(state, agent)),
    recovered_slaves: [...state.recovering].map((id) => ({ id })),
    frameworks: [...state.frameworks.values()].map((framework) => frameworkView(state, framework)),
    completed_frameworks: [...state.completed.values()].map((framework) => frameworkView(state, framework)),
    orphan_tasks: [],
    unregistered_frameworks: [],
  };
}

/** `GET /state-summary`. */
export function summaryView(state: State): View {
  return {
    hostname: state.settings.masterInfo.hostname,
    slaves: [...state.agents.values()].map((agent) => ({
      ...agentView(state, agent),
      ...taskCounts(state, ({ agentId }) => agentId === agent.id),
      framework_ids: [...new Set([...state.frameworks.values()].filter(onAgent(agent)).map(({ id }) => id))],
    })),
    frameworks: [...state.frameworks.values()].map((framework) => ({
      ...frameworkSummary(state, framework),
      ...taskCounts(state, ({ frameworkId }) => frameworkId === framework.id),
      slave_ids: [...state.agents.values()].filter((agent) => onAgent(agent)(framework)).map(({ id }) => id),
    })),
  };
}

/** `GET /slaves`. @param only the id of one */
export function agentsView(state: State, only: string | null): View {
  const agents = [...state.agents.values()].filter(({ id }) => only === null || id === only);
  return {
    slaves: agents.map((agent) => ({
      ...agentView(state, agent),
      reserved_resources_full: {},
      unreserved_resources_full: fullList(totalList(agent.total)),
      used_resources_full: fullList(allocatedList(usedOn(agent))),
      offered_resources_full: fullList(allocatedList(offeredOn(state, agent))),
    })),
    recovered_slaves: [...state.recovering].map((id) => ({ id })),
  };
}

/** `GET /frameworks`. @param only the id of one */
export function frameworksView(state: State, only: string | null): View {
  const wanted = ({ id }: Framework): boolean => only === null || id === only;
  return {
    frameworks: [...state.frameworks.values()].filter(wanted).map((framework) => frameworkView(state, framework)),
    completed_frameworks: [...state.completed.values()]
      .filter(wanted)
      .map((framework) => frameworkView(state, framework)),
    unregistered_frameworks: [],
  };
}

/** `GET /tasks`: newest first, a hundred unless it is said otherwise. */
export function tasksView(state: State, query: URLSearchParams): View {
  const [framework, task] = [query.get("framework_id"), query.get("task_id")];
  const found = [...state.frameworks.values(), ...state.completed.values()]
    .filter(({ id }) => framework === null || id === framework)
    .flatMap((each) => [...each.tasks.values(), ...each.unreachableTasks.values(), ...each.completedTasks.values()])
    .filter(({ taskId }) => task === null || taskId === task);
  const begun = ({ statuses }: MasterTask): number => statuses[0]?.timestamp ?? 0;
  const sorted = found.sort((a, b) => (query.get("order") === "asc" ? begun(a) - begun(b) : begun(b) - begun(a)));
  const offset = numberOf(query.get("offset"), 0);
  return { tasks: sorted.slice(offset, offset + numberOf(query.get("limit"), 100)).map(taskView) };
}

/** `GET /roles`. */
export function rolesView(state: State): View {
  return {
    roles: rolesOf(state).map(({ name, frameworks, allocated, offered }) => ({
      name,
      weight: double(1),
      quota: { role: name, guarantee: {}, limit: {}, consumed: quantities(allocated) },
      resources: quantities(allocated.plus(offered)),
      allocated: quantities(allocated),
      offered: quantities(offered),
      reserved: {},
      frameworks: frameworks.map(({ id }) => id),
    })),
  };
}

/** Every role that somebody has subscribed to or that has something, by name. */
export function rolesOf(state: State): readonly {
  readonly name: string;
  readonly frameworks: readonly Framework[];
  readonly allocated: Resources;
  readonly offered: Resources;
}[] {
  const frameworks = [...state.frameworks.values()];
  const agents = [...state.agents.values()];
  const names = new Set([
    ...frameworks.flatMap(({ roles }) => roles),
    ...agents.flatMap((agent) => [...usedOn(agent)].map(({ role }) => role)),
  ]);
  return [...names].sort().map((name) => ({
    name,
    frameworks: frameworks.filter(({ roles }) => roles.includes(name)),
    allocated: sum(agents.flatMap((agent) => [...usedOn(agent)]).filter(({ role }) => role === name)),
    offered: sum([...state.offers.values()].filter(({ role }) => role === name)),
  }));
}

/** What runs on an agent. */
export function usedOn(agent: KnownAgent): (MasterTask | KnownExecutor)[] {
  return [...running(agent.tasks), ...[...agent.executors.values()].flatMap((executors) => [...executors.values()])];
}

export function offeredOn(state: State, agent: KnownAgent): { readonly role: string; readonly resources: Resources }[] {
  return [...agent.offers].flatMap((id) => state.offers.get(id) ?? []);
}

export function usedBy(state: State, framework: Framework): (MasterTask | KnownExecutor)[] {
  const executors = [...state.agents.values()].flatMap((agent) => [
    ...(agent.executors.get(framework.id)?.values() ?? []),
  ]);
  return [...running(framework.tasks.values()), ...executors];
}

export function isActive({ connected, deactivated }: KnownAgent): boolean {
  return connected && !deactivated;
}

function agentView(state: State, agent: KnownAgent): View {
  return {
    id: agent.id,
    hostname: agent.info.hostname,
    port: agent.endpoint.port,
    attributes: flatAttributes(agent.info.attributes),
    pid: pidOf(agent),
    registered_time: seconds(agent.registeredMs),
    reregistered_time: agent.reregisteredMs === undefined ? undefined : seconds(agent.reregisteredMs),
    resources: flat(agent.total),
    used_resources: flat(sum(usedOn(agent))),
    offered_resources: flat(sum(offeredOn(state, agent))),
    reserved_resources: {},
    unreserved_resources: flat(agent.total),
    active: isActive(agent),
    deactivated: agent.deactivated,
    version: mesosVersion,
    capabilities: agentCapabilities,
    drain_info: agent.drain && {
      state: agent.drain.state,
      config: {
        max_grace_period:
          agent.drain.maxGracePeriodMs === undefined ? undefined : { seconds: agent.drain.maxGracePeriodMs / 1000 },
        mark_gone: agent.drain.markGone,
      },
    },
  };
}

export function pidOf({ processName, endpoint, info }: KnownAgent): string {
  return `${processName}@${endpoint.ip ?? info.hostname}:${endpoint.port}`;
}

function frameworkSummary(state: State, framework: Framework): View {
  const { info } = framework;
  const connected = framework.streamId !== null;
  return {
    id: framework.id,
    name: info.name,
    used_resources: flat(sum(usedBy(state, framework))),
    offered_resources: flat(sum(offersOf(state, framework))),
    capabilities: [...framework.capabilities],
    hostname: info.hostname ?? "",
    webui_url: info.webuiUrl ?? "",
    active: connected,
    connected,
    // Known from the agents that run its tasks; it has not subscribed to this master yet.
    recovered: framework.subscriptions === 0,
  };
}

function frameworkView(state: State, framework: Framework): View {
  const { info, roles } = framework;
  const offers = offersOf(state, framework);
  const executors = [...state.agents.values()].flatMap((agent) =>
    [...(agent.executors.get(framework.id)?.values() ?? [])].map((executor) => ({ agent, executor })),
  );
  const multiRole = framework.capabilities.has("MULTI_ROLE");
  return {
    ...frameworkSummary(state, framework),
    user: info.user,
    failover_timeout: double(info.failoverTimeout ?? 0),
    checkpoint: info.checkpoint ?? false,
    registered_time: seconds(framework.registeredMs),
    unregistered_time: seconds(framework.unregisteredMs ?? 0),
    reregistered_time: framework.subscriptions > 1 ? seconds(framework.reregisteredMs) : undefined,
    principal: info.principal,
    resources: flat(sum([...usedBy(state, framework), ...offers])),
    ...(multiRole ? { roles } : { role: roles[0] }),
    tasks: [...framework.tasks.values()].map(taskView),
    unreachable_tasks: [...framework.unreachableTasks.values()].map(taskView),
    completed_tasks: [...framework.completedTasks.values()].map(taskView),
    offers: offers.map(({ id, agentId, role, resources }) => ({
      id,
      framework_id: framework.id,
      allocation_info: { role },
      slave_id: agentId,
      resources: flat(resources),
    })),
    executors: executors.map(({ agent, executor: { info: executor, role, resources } }) =>
      executorView(executor, { frameworkId: framework.id, agentId: agent.id, role, resources }),
    ),
    offer_constraints: {},
    labels: info.labels?.labels,
  };
}

export function offersOf(
  state: State,
  framework: Framework,
): (typeof state.offers extends Map<unknown, infer Offer> ? Offer : never)[] {
  return [...framework.offers].flatMap((id) => state.offers.get(id) ?? []);
}

const counted: readonly TaskState[] = [
  "TASK_STAGING",
  "TASK_STARTING",
  "TASK_RUNNING",
  "TASK_KILLING",
  "TASK_FINISHED",
  "TASK_KILLED",
  "TASK_FAILED",
  "TASK_LOST",
  "TASK_ERROR",
  "TASK_UNREACHABLE",
];

/** How many tasks are in which state, the completed ones included. */
function taskCounts(state: State, wanted: (task: MasterTask) => boolean): View {
  const counts = new Map<TaskState, number>(counted.map((each) => [each, 0]));
  const add = (at: TaskState): void => void counts.set(at, (counts.get(at) ?? 0) + 1);
  for (const framework of state.frameworks.values()) {
    for (const task of [...framework.tasks.values(), ...framework.completedTasks.values()]) {
      if (wanted(task)) add(task.state);
    }
    for (const task of framework.unreachableTasks.values()) if (wanted(task)) add("TASK_UNREACHABLE");
  }
  return Object.fromEntries([...counts].filter(([name]) => counted.includes(name)));
}

function onAgent(agent: KnownAgent): (framework: Framework) => boolean {
  return ({ id, completedTasks }) =>
    agent.executors.has(id) ||
    [...agent.tasks].some(({ frameworkId }) => frameworkId === id) ||
    [...completedTasks.values()].some(({ agentId }) => agentId === agent.id);
}

function running(tasks: Iterable<MasterTask>): MasterTask[] {
  return [...tasks].filter(({ state }) => !isTerminal(state));
}

function numberOf(text: string | null, fallback: number): number {
  return text !== null && /^\d+$/.test(text) ? Number(text) : fallback;
}
