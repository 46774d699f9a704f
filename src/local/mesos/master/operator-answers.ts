import type { View } from "../views/old-json.ts";
import { allocatedList, totalList } from "../views/resource-views.ts";
import { taskMessage } from "../views/task-views.ts";
import { agentCapabilities, mesosVersion, versionMessage } from "../views/version.ts";
import { masterFlags } from "./master-flags.ts";
import { masterMetrics } from "./master-metrics.ts";
import type { MasterState } from "./master-state.ts";
import type { Framework, KnownAgent } from "./master-types.ts";
import { isActive, offeredOn, offersOf, pidOf, rolesOf, usedBy, usedOn } from "./master-view.ts";
import { offerMessage } from "./offers.ts";

/*
 * Answers of the operator's v1 API, as `mesos.v1.master.Response` in this program's names. Lists that Mesos writes even
 * where they are empty are there; others come only with something in them.
 */

type State = Readonly<MasterState>;

const nanoseconds = (ms: number): View => ({ nanoseconds: ms * 1e6 });

/** The answers that only tell something, by the call's type. */
export const masterAnswers: Readonly<Record<string, (state: State, nowMs: number) => View>> = {
  GET_HEALTH: () => ({ getHealth: { healthy: true } }),
  GET_VERSION: () => ({ getVersion: { versionInfo: versionMessage } }),
  GET_FLAGS: ({ settings }) => ({ getFlags: { flags: pairs(masterFlags(settings)) } }),
  GET_METRICS: (state, nowMs) => ({ getMetrics: { metrics: pairs(masterMetrics(state, nowMs)) } }),
  GET_LOGGING_LEVEL: () => ({ getLoggingLevel: { level: 0 } }),
  GET_MASTER: ({ settings: { masterInfo, startedMs } }) => ({
    getMaster: {
      masterInfo,
      startTime: startedMs / 1000,
      electedTime: startedMs / 1000,
    },
  }),
  GET_STATE: (state) => ({
    getState: {
      getTasks: tasks(state),
      getExecutors: executors(state),
      getFrameworks: frameworks(state),
      getAgents: agents(state),
    },
  }),
  GET_AGENTS: (state) => ({ getAgents: agents(state) }),
  GET_FRAMEWORKS: (state) => ({ getFrameworks: frameworks(state) }),
  GET_EXECUTORS: (state) => ({ getExecutors: executors(state) }),
  GET_OPERATIONS: () => ({ getOperations: {} }),
  GET_TASKS: (state) => ({ getTasks: tasks(state) }),
  GET_ROLES: (state) => ({
    getRoles: {
      roles: rolesOf(state).map(({ name, frameworks: its, allocated, offered }) => ({
        name,
        weight: 1,
        frameworks: its.map(({ id }) => id),
        resources: allocated
          .plus(offered)
          .toList({ allocationRole: null, legacyRole: false })
          .filter(({ type }) => type === "SCALAR")
          .sort((a, b) => (a.name < b.name ? -1 : 1)),
      })),
    },
  }),
  GET_WEIGHTS: () => ({}),
  GET_QUOTA: () => ({ getQuota: { status: {} } }),
  GET_MAINTENANCE_STATUS: (state) => ({ getMaintenanceStatus: { status: maintenanceStatus(state) } }),
  GET_MAINTENANCE_SCHEDULE: ({ maintenance: { windows } }) => ({
    getMaintenanceSchedule: { schedule: windows.length === 0 ? {} : { windows } },
  }),
};

function agents(state: State): View {
  return {
    agents: [...state.agents.values()].map((agent) => agentMessage(state, agent)),
    recoveredAgents: [...state.recovering].map((id) => ({ id, hostname: "" })),
  };
}

function agentMessage(state: State, agent: KnownAgent): View {
  const { info, drain } = agent;
  return {
    agentInfo: { ...info, checkpoint: true },
    active: isActive(agent),
    deactivated: agent.deactivated,
    version: mesosVersion,
    pid: pidOf(agent),
    registeredTime: nanoseconds(agent.registeredMs),
    reregisteredTime: agent.reregisteredMs === undefined ? undefined : nanoseconds(agent.reregisteredMs),
    totalResources: totalList(agent.total),
    allocatedResources: unlessEmpty(allocatedList(usedOn(agent))),
    offeredResources: unlessEmpty(allocatedList(offeredOn(state, agent))),
    capabilities: agentCapabilities.map((type) => ({ type })),
    drainInfo: drain && {
      state: drain.state,
      config: {
        maxGracePeriod: drain.maxGracePeriodMs === undefined ? undefined : nanoseconds(drain.maxGracePeriodMs),
        markGone: drain.markGone,
      },
    },
    estimatedDrainStartTime: drain && nanoseconds(Math.floor(drain.startedMs / 1000) * 1000),
  };
}

function frameworks(state: State): View {
  return {
    frameworks: [...state.frameworks.values()].map((framework) => frameworkMessage(state, framework)),
    completedFrameworks: [...state.completed.values()].map((framework) => frameworkMessage(state, framework)),
  };
}

function frameworkMessage(state: State, framework: Framework): View {
  const connected = framework.streamId !== null;
  const { unregisteredMs } = framework;
  const inverse = [...state.inverseOffers.values()]
    .filter(({ frameworkId }) => frameworkId === framework.id)
    .flatMap((offer) => {
      const agent = state.agents.get(offer.agentId);
      const unavailability = agent && state.maintenance.unavailability(agent);
      return unavailability === undefined ? [] : [{ ...offer, unavailability }];
    });
  return {
    frameworkInfo: framework.info,
    active: connected,
    connected,
    // Known from the agents that run its tasks; it has not subscribed to this master yet.
    recovered: framework.subscriptions === 0 && unregisteredMs === undefined,
    registeredTime: nanoseconds(framework.registeredMs),
    reregisteredTime: nanoseconds(framework.reregisteredMs),
    unregisteredTime: unregisteredMs === undefined ? undefined : nanoseconds(unregisteredMs),
    offers: unlessEmpty(offersOf(state, framework).map((offer) => offerMessage(state, framework, offer, false))),
    inverseOffers: unlessEmpty(inverse),
    allocatedResources: unlessEmpty(allocatedList(usedBy(state, framework))),
    offeredResources: unlessEmpty(allocatedList(offersOf(state, framework))),
    offerConstraints: {},
  };
}

function executors(state: State): View {
  return {
    executors: [...state.agents.values()].flatMap((agent) =>
      [...agent.executors.values()].flatMap((known) =>
        [...known.values()].map(({ info }) => ({ executorInfo: info, agentId: agent.id })),
      ),
    ),
  };
}

function tasks(state: State): View {
  const all = [...state.frameworks.values()];
  return {
    tasks: all.flatMap((framework) => [...framework.tasks.values()]).map(taskMessage),
    unreachableTasks: all.flatMap((framework) => [...framework.unreachableTasks.values()]).map(taskMessage),
    completedTasks: [...state.completed.values(), ...all]
      .flatMap((framework) => [...framework.completedTasks.values()])
      .map(taskMessage),
  };
}

function maintenanceStatus(state: State): View {
  const machines = state.maintenance.windows.flatMap(({ machineIds = [] }) => machineIds);
  if (machines.length === 0) return {};
  return {
    drainingMachines: machines.map((id) => ({ id, statuses: answersOf(state, id) })),
  };
}

function answersOf(state: State, machine: Parameters<typeof state.maintenance.answersOn>[1]): View[] {
  return state.maintenance.answersOn(state.agents.values(), machine).map(({ frameworkId, status, atMs }) => ({
    status,
    frameworkId,
    timestamp: nanoseconds(atMs),
  }));
}

/** Lists that Mesos leaves out where they are empty. */
function unlessEmpty<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}

function pairs(all: Readonly<Record<string, string | number>>): View[] {
  return Object.entries(all).map(([name, value]) => ({ name, value }));
}
