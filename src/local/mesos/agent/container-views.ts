import { groupUsage, type Usage } from "../containers/processes.ts";
import { double, type View } from "../views/old-json.ts";
import type { AgentState } from "./agent-state.ts";
import type { Executor } from "./agent-types.ts";
import { containerResources } from "./agent-view.ts";

/** `GET /containers`. */
export function containersView(state: Readonly<AgentState>, wallMs: number): View[] {
  return [...state.containers.values()].map((executor) => ({
    container_id: executor.containerId,
    ...ids(executor),
    statistics: statistics(executor, wallMs),
    status: { container_id: { value: executor.containerId }, executor_pid: executor.process?.pid },
  }));
}

/** `GET /monitor/statistics`. */
export function statisticsView(state: Readonly<AgentState>, wallMs: number): View[] {
  return [...state.containers.values()].map((executor) => ({
    ...ids(executor),
    statistics: statistics(executor, wallMs),
  }));
}

function ids({ frameworkId, info }: Executor): View {
  return {
    executor_id: info.executorId,
    executor_name: info.name ?? "",
    framework_id: frameworkId,
    source: info.source ?? "",
  };
}

/** What is said of use is that of the executor's process group, where the system tells it. */
function statistics(executor: Executor, wallMs: number): View {
  const { timestamp, cpusSoftLimit, usage, memBytes } = measure(executor, wallMs);
  return {
    timestamp: double(timestamp),
    cpus_soft_limit: double(cpusSoftLimit),
    cpus_user_time_secs: usage && double(usage.userSeconds),
    cpus_system_time_secs: usage && double(usage.systemSeconds),
    mem_limit_bytes: memBytes,
    mem_soft_limit_bytes: memBytes,
    mem_rss_bytes: usage?.rssBytes,
  };
}

/** `mesos.v1.ResourceStatistics`. */
export function statisticsMessage(executor: Executor, wallMs: number): View {
  const { timestamp, cpusSoftLimit, usage, memBytes } = measure(executor, wallMs);
  return {
    timestamp,
    cpusSoftLimit,
    cpusUserTimeSecs: usage?.userSeconds,
    cpusSystemTimeSecs: usage?.systemSeconds,
    memLimitBytes: memBytes,
    memSoftLimitBytes: memBytes,
    memRssBytes: usage?.rssBytes,
  };
}

function measure(
  executor: Executor,
  wallMs: number,
): { timestamp: number; cpusSoftLimit: number; memBytes: number; usage: Usage | undefined } {
  const allowed = containerResources(executor).resources.scalars();
  return {
    timestamp: wallMs / 1000,
    cpusSoftLimit: (allowed.get("cpus") ?? 0) / 1000,
    memBytes: Math.round(((allowed.get("mem") ?? 0) / 1000) * 1024 * 1024),
    usage: executor.process === undefined ? undefined : groupUsage(executor.process),
  };
}
