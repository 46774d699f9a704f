import { brigadeVersion } from "../../../base/version.ts";
import { type Attribute, isTerminal, type Labels } from "../../../mesos/types.ts";
import { Resources } from "../resources.ts";
import type { Framework, KnownAgent, MasterState, MasterTask } from "./master-state.ts";

/** What this master says it is: the version of Mesos whose behaviour it follows. */
export const mesosVersion = "1.12.0";

/** `GET /version`. */
export function versionView(): Readonly<Record<string, unknown>> {
  return { version: mesosVersion, build_user: `brigade ${brigadeVersion}` };
}

/** `GET /master/state`, as far as the embedded master knows it: the names are Mesos' old ones (`slave`). */
export function stateView(state: Readonly<MasterState>): Readonly<Record<string, unknown>> {
  const { masterInfo } = state.settings;
  return {
    ...versionView(),
    id: masterInfo.id,
    pid: masterInfo.pid,
    hostname: masterInfo.hostname,
    activated_slaves: state.agents.size,
    deactivated_slaves: 0,
    unreachable_slaves: 0,
    leader: masterInfo.pid,
    leader_info: { id: masterInfo.id, pid: masterInfo.pid, port: masterInfo.port, hostname: masterInfo.hostname },
    slaves: [...state.agents.values()].map((agent) => agentView(state, agent)),
    recovered_slaves: [...state.recovering].map((id) => ({ id })),
    frameworks: [...state.frameworks.values()].map((framework) => frameworkView(state, framework)),
    completed_frameworks: [],
    orphan_tasks: [],
    unregistered_frameworks: [],
  };
}

function agentView(state: Readonly<MasterState>, agent: KnownAgent): Readonly<Record<string, unknown>> {
  const executors = [...agent.executors.values()].flatMap((known) => [...known.values()]);
  const used = sum([...running(agent.tasks), ...executors].map(({ resources }) => resources));
  const offers = [...agent.offers].map((id) => state.offers.get(id)?.resources ?? Resources.none);
  return {
    id: agent.id,
    hostname: agent.info.hostname,
    port: agent.endpoint.port,
    pid: `${agent.processName}@${agent.endpoint.ip ?? agent.info.hostname}:${agent.endpoint.port}`,
    attributes: Object.fromEntries((agent.info.attributes ?? []).map((each) => [each.name, attributeView(each)])),
    resources: flat(agent.total),
    used_resources: flat(used),
    offered_resources: flat(sum(offers)),
    active: true,
    deactivated: false,
    version: mesosVersion,
  };
}

function frameworkView(state: Readonly<MasterState>, framework: Framework): Readonly<Record<string, unknown>> {
  const { info } = framework;
  const executors = [...state.agents.values()].flatMap((agent) =>
    [...(agent.executors.get(framework.id)?.values() ?? [])].map((executor) => ({ agent, executor })),
  );
  const used = sum(
    [...running(framework.tasks.values()), ...executors.map(({ executor }) => executor)].map(resourcesOf),
  );
  const offers = [...framework.offers].map((id) => state.offers.get(id)).filter((offer) => offer !== undefined);
  return {
    id: framework.id,
    name: info.name,
    user: info.user,
    hostname: info.hostname ?? "",
    webui_url: info.webuiUrl ?? "",
    active: framework.streamId !== null,
    connected: framework.streamId !== null,
    recovered: framework.subscriptions === 0,
    checkpoint: info.checkpoint ?? false,
    failover_timeout: info.failoverTimeout ?? 0,
    registered_time: framework.registeredMs / 1000,
    capabilities: [...framework.capabilities],
    roles: framework.roles,
    used_resources: flat(used),
    offered_resources: flat(sum(offers.map(resourcesOf))),
    tasks: [...framework.tasks.values()].map(taskView),
    unreachable_tasks: [],
    completed_tasks: [],
    offers: offers.map(({ id, agentId, resources }) => ({ id, slave_id: agentId, resources: flat(resources) })),
    executors: executors.map(({ agent, executor }) => ({
      executor_id: executor.info.executorId,
      name: executor.info.name ?? "",
      framework_id: framework.id,
      slave_id: agent.id,
      resources: flat(executor.resources),
    })),
    ...labelsView(info.labels),
  };
}

function taskView(task: MasterTask): Readonly<Record<string, unknown>> {
  return {
    id: task.taskId,
    name: task.name,
    framework_id: task.frameworkId,
    executor_id: task.executorId ?? "",
    slave_id: task.agentId,
    state: task.state,
    role: task.role,
    resources: flat(task.resources),
    ...labelsView(task.labels),
  };
}

function labelsView(labels: Labels | undefined): { readonly labels?: Labels["labels"] } {
  return labels === undefined ? {} : { labels: labels.labels };
}

function attributeView(attribute: Attribute): string | number {
  return attribute.text?.value ?? attribute.scalar?.value ?? JSON.stringify(attribute.ranges ?? attribute.set ?? {});
}

function running(tasks: Iterable<MasterTask>): MasterTask[] {
  return [...tasks].filter(({ state }) => !isTerminal(state));
}

function resourcesOf({ resources }: { readonly resources: Resources }): Resources {
  return resources;
}

function sum(all: readonly Resources[]): Resources {
  return all.reduce((total, each) => total.plus(each), Resources.none);
}

function flat(resources: Resources): Readonly<Record<string, number | string>> {
  const view: Record<string, number | string> = { cpus: 0, gpus: 0, mem: 0, disk: 0 };
  for (const { name, scalar, ranges, set } of resources.toList({ allocationRole: null, legacyRole: false })) {
    if (scalar !== undefined) view[name] = scalar.value;
    if (ranges !== undefined) view[name] = `[${ranges.range.map(({ begin, end }) => `${begin}-${end}`).join(", ")}]`;
    if (set !== undefined) view[name] = `{${set.item.join(", ")}}`;
  }
  return view;
}
