import type {
  AgentId,
  CommandInfo,
  ExecutorId,
  ExecutorInfo,
  FrameworkId,
  Labels,
  TaskId,
  TaskState,
  TaskStatus,
} from "../../../mesos/types.ts";
import type { Resources } from "../resources.ts";
import { double, type View } from "./old-json.ts";
import { flat } from "./resource-views.ts";

/** Parts of a TaskInfo that are shown as they are. */
export interface TaskShown {
  readonly user?: string;
  readonly container?: unknown;
  readonly killPolicy?: unknown;
  readonly healthCheck?: unknown;
  readonly discovery?: unknown;
  readonly limits?: unknown;
}

/** A task as both master and agent know it. */
export interface ShownTask {
  readonly taskId: TaskId;
  readonly name: string;
  readonly frameworkId: FrameworkId;
  readonly agentId: AgentId;
  readonly executorId: ExecutorId | undefined;
  readonly role: string;
  readonly resources: Resources;
  readonly labels: Labels | undefined;
  readonly shown: TaskShown;
  readonly state: TaskState;
  /** The last update that went to the framework. */
  readonly forwarded: TaskStatus | undefined;
  readonly statuses: readonly TaskStatus[];
}

/** `mesos.v1.Task`. */
export function taskMessage(task: ShownTask): View {
  const { taskId, name, frameworkId, agentId, executorId, role, resources, labels, shown, forwarded } = task;
  return {
    name,
    taskId,
    frameworkId,
    executorId,
    agentId,
    state: task.state,
    resources: resources.toList({ allocationRole: role, legacyRole: false }),
    statuses: task.statuses,
    statusUpdateState: forwarded?.state,
    statusUpdateUuid: forwarded?.uuid,
    labels,
    ...shown,
  };
}

/** A task in `/state`. */
export function taskView(task: ShownTask): View {
  const { shown } = task;
  return {
    id: task.taskId,
    name: task.name,
    framework_id: task.frameworkId,
    executor_id: task.executorId ?? "",
    slave_id: task.agentId,
    state: task.state,
    resources: flat(task.resources),
    limits: shown.limits,
    role: task.role,
    statuses: task.statuses.map(statusView),
    user: shown.user,
    labels: task.labels?.labels,
    discovery: shown.discovery,
    container: shown.container,
    health_check: shown.healthCheck,
  };
}

function statusView({ state, timestamp, labels, containerStatus, healthy }: TaskStatus): View {
  return {
    state,
    timestamp: timestamp === undefined ? undefined : double(timestamp),
    labels: labels?.labels,
    container_status: containerStatus && {
      container_id: containerIdView(containerStatus.containerId),
      network_infos: containerStatus.networkInfos?.map(({ ipAddresses = [] }) => ({
        ip_addresses: ipAddresses.map(({ protocol = "IPv4", ipAddress }) => ({ protocol, ip_address: ipAddress })),
      })),
    },
    healthy,
  };
}

function containerIdView(id: string | undefined): View | undefined {
  if (id === undefined) return undefined;
  const dot = id.lastIndexOf(".");
  return dot < 0 ? { value: id } : { value: id.slice(dot + 1), parent: containerIdView(id.slice(0, dot)) };
}

/** A command in `/state`. */
export function commandView({
  shell = true,
  value,
  arguments: argv = [],
  uris = [],
  user,
  environment,
}: CommandInfo): View {
  const variables = environment?.variables ?? [];
  return {
    shell,
    value,
    argv,
    environment:
      variables.length === 0
        ? undefined
        : { variables: variables.map(({ name, type = "VALUE", value: text }) => ({ name, type, value: text })) },
    uris: uris.map(({ value: uri, executable = false, extract = true, cache = false, outputFile }) => ({
      value: uri,
      executable,
      extract,
      cache,
      output_file: outputFile,
    })),
    user,
  };
}

/** An executor in the master's `/state`. */
export function executorView(
  { executorId, name = "", command, type, labels }: ExecutorInfo,
  more: {
    readonly frameworkId: FrameworkId;
    readonly agentId: AgentId;
    readonly role: string;
    readonly resources: Resources;
  },
): View {
  return {
    executor_id: executorId,
    name,
    framework_id: more.frameworkId,
    command: command === undefined ? { shell: true, argv: [], uris: [] } : commandView(command),
    resources: flat(more.resources),
    role: more.role,
    labels: labels?.labels,
    type,
    slave_id: more.agentId,
  };
}
