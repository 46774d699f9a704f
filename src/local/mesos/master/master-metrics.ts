import { isTerminal, type TaskState } from "../../../mesos/types.ts";
import { sum } from "../views/resource-views.ts";
import type { MasterState } from "./master-state.ts";
import { isActive, usedOn } from "./master-view.ts";

/** Those of a real master's metrics that say what is there now, under its names. */
export function masterMetrics(state: Readonly<MasterState>, nowMs: number): Readonly<Record<string, number>> {
  const agents = [...state.agents.values()];
  const frameworks = [...state.frameworks.values()];
  const connected = frameworks.filter(({ streamId }) => streamId !== null).length;
  const tasks = frameworks.flatMap((framework) => [...framework.tasks.values()]);
  const over = frameworks.flatMap((framework) => [...framework.completedTasks.values()]);
  const count = (wanted: TaskState): number =>
    (isTerminal(wanted) ? [...tasks, ...over] : tasks).filter((task) => task.state === wanted).length;
  const total = sum(agents.map((agent) => ({ resources: agent.total }))).scalars();
  const used = sum(agents.flatMap(usedOn)).scalars();
  const metrics: Record<string, number> = {
    "master/elected": 1,
    "master/uptime_secs": (nowMs - state.settings.startedMs) / 1000,
    "master/frameworks_active": connected,
    "master/frameworks_connected": connected,
    "master/frameworks_disconnected": frameworks.length - connected,
    "master/frameworks_inactive": frameworks.length - connected,
    "master/outstanding_offers": state.offers.size,
    "master/slaves_active": agents.filter(isActive).length,
    "master/slaves_connected": agents.filter((agent) => agent.connected).length,
    "master/slaves_disconnected": agents.filter((agent) => !agent.connected).length,
    "master/slaves_inactive": agents.filter((agent) => !isActive(agent)).length,
    "master/slaves_unreachable": state.unreachable.size,
    "master/tasks_unreachable": frameworks.reduce((n, { unreachableTasks }) => n + unreachableTasks.size, 0),
  };
  for (const name of ["cpus", "mem", "disk", "gpus"]) {
    const [has, uses] = [(total.get(name) ?? 0) / 1000, (used.get(name) ?? 0) / 1000];
    metrics[`master/${name}_total`] = has;
    metrics[`master/${name}_used`] = uses;
    metrics[`master/${name}_percent`] = has === 0 ? 0 : uses / has;
  }
  for (const name of ["staging", "starting", "running", "killing", "finished", "failed", "killed", "error", "lost"]) {
    metrics[`master/tasks_${name}`] = count(`TASK_${name.toUpperCase()}` as TaskState);
  }
  for (const name of ["dropped", "gone", "gone_by_operator"]) {
    metrics[`master/tasks_${name}`] = count(`TASK_${name.toUpperCase()}` as TaskState);
  }
  return metrics;
}
