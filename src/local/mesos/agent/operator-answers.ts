import { isTerminal } from "../../../mesos/types.ts";
import type { View } from "../views/old-json.ts";
import { taskMessage } from "../views/task-views.ts";
import { versionMessage } from "../views/version.ts";
import { agentFlags } from "./agent-flags.ts";
import type { AgentState } from "./agent-state.ts";
import type { AgentFramework, Executor } from "./agent-types.ts";
import { queuedTask, shownTask } from "./agent-view.ts";
import { statisticsMessage } from "./container-views.ts";

/*
 * Answers of the agent's operator API, as `mesos.v1.agent.Response` in this program's names. Lists that Mesos writes
 * even where they are empty are there.
 */

type State = Readonly<AgentState>;

/** The answers that only tell something, by the call's type. */
export const agentAnswers: Readonly<Record<string, (state: State, wallMs: number) => View>> = {
  GET_HEALTH: () => ({ getHealth: { healthy: true } }),
  GET_VERSION: () => ({ getVersion: { versionInfo: versionMessage } }),
  GET_FLAGS: ({ settings }) => ({
    getFlags: { flags: Object.entries(agentFlags(settings)).map(([name, value]) => ({ name, value })) },
  }),
  GET_METRICS: (state) => ({
    getMetrics: { metrics: Object.entries(agentMetrics(state)).map(([name, value]) => ({ name, value })) },
  }),
  GET_LOGGING_LEVEL: () => ({ getLoggingLevel: { level: 0 } }),
  GET_STATE: (state) => ({
    getState: { getTasks: tasks(state), getExecutors: executors(state), getFrameworks: frameworks(state) },
  }),
  GET_CONTAINERS: (state, wallMs) => ({
    getContainers: {
      containers: [...state.containers.values()].map((executor) => ({
        frameworkId: executor.frameworkId,
        executorId: executor.info.executorId,
        executorName: executor.info.name ?? "",
        containerId: executor.containerId,
        containerStatus: { containerId: executor.containerId, executorPid: executor.process?.pid },
        resourceStatistics: statisticsMessage(executor, wallMs),
      })),
    },
  }),
  GET_FRAMEWORKS: (state) => ({ getFrameworks: frameworks(state) }),
  GET_EXECUTORS: (state) => ({ getExecutors: executors(state) }),
  GET_TASKS: (state) => ({ getTasks: tasks(state) }),
  GET_AGENT: ({ settings }) => ({ getAgent: { agentInfo: settings.info } }),
};

export function agentMetrics(state: State): Readonly<Record<string, number>> {
  const all = [...state.frameworks.values()].flatMap((framework) => [...framework.executors.values()]);
  const count = (phase: Executor["phase"]): number => all.filter((executor) => executor.phase === phase).length;
  return {
    "slave/registered": state.registered ? 1 : 0,
    "slave/frameworks_active": state.frameworks.size,
    "slave/executors_registering": count("registering"),
    "slave/executors_running": count("running"),
    "slave/executors_terminating": count("terminating"),
  };
}

function frameworks(state: State): View {
  const message = ({ info }: AgentFramework): View => ({ frameworkInfo: info });
  return {
    frameworks: [...state.frameworks.values()].map(message),
    completedFrameworks: [...state.completedFrameworks.values()].map(message),
  };
}

function executors(state: State): View {
  const message = ({ info }: Executor): View => ({ executorInfo: info });
  return {
    executors: live(state).map(message),
    completedExecutors: over(state).map(message),
  };
}

function tasks(state: State): View {
  const delivered = live(state).flatMap((executor) =>
    [...executor.tasks.values()].map((task) => shownTask(executor, task)),
  );
  const queued = live(state).flatMap((executor) =>
    executor.queued.flatMap((launch) => launch.tasks).map((task) => queuedTask(executor, task)),
  );
  const completed = [...live(state), ...over(state)].flatMap((executor) =>
    [...executor.completed].map((task) => shownTask(executor, task)),
  );
  return {
    pendingTasks: [],
    queuedTasks: queued.map(taskMessage),
    launchedTasks: delivered.filter((task) => !isTerminal(task.state)).map(taskMessage),
    terminatedTasks: delivered.filter((task) => isTerminal(task.state)).map(taskMessage),
    completedTasks: completed.map(taskMessage),
  };
}

function live(state: State): Executor[] {
  return [...state.frameworks.values()].flatMap((framework) => [...framework.executors.values()]);
}

function over(state: State): Executor[] {
  return [...state.frameworks.values(), ...state.completedFrameworks.values()].flatMap(
    (framework) => framework.completedExecutors,
  );
}
