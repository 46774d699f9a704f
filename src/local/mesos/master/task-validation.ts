import { repeatedIn } from "../../../base/repeated.ts";
import type { AgentId, CommandInfo, ContainerInfo, ExecutorInfo, Resource, TaskInfo } from "../../../mesos/types.ts";
import { idProblem } from "../ids.ts";
import { Resources, resourceProblem } from "../resources.ts";
import { checkProblem } from "./check-validation.ts";
import { executorConflict } from "./executor-compatibility.ts";
import type { Framework, KnownExecutor } from "./master-types.ts";

/** What a task is checked against. */
export interface LaunchContext {
  readonly framework: Framework;
  readonly agentId: AgentId;
  readonly role: string;
  /** What is left of the offers. */
  readonly available: Resources;
  /** The executor of the task's executor id, where the master knows one there. */
  readonly existing: KnownExecutor | undefined;
}

/** What is checked of a container and not used. */
interface ShownContainer {
  readonly container?: ContainerInfo & {
    readonly linuxInfo?: { readonly shareCgroups?: boolean };
    readonly volumes?: readonly { readonly hostPath?: string; readonly image?: object; readonly source?: object }[];
    readonly networkInfos?: readonly object[];
  };
}

/** A resource that is malformed in any task fails all tasks of the operation. */
export function malformedResource(tasks: readonly TaskInfo[], shared?: ExecutorInfo): string | undefined {
  for (const task of tasks) {
    for (const resource of [...(task.resources ?? []), ...((shared ?? task.executor)?.resources ?? [])]) {
      const problem = resourceProblem(resource);
      if (problem !== undefined) return problem;
    }
  }
  return undefined;
}

/** Why a master answers a task of LAUNCH with TASK_ERROR, in its words and in the order of its checks. */
export function taskProblem(task: TaskInfo, context: LaunchContext): string | undefined {
  return taskInfoProblem(task, context) ?? executorProblem(task, context) ?? ownCgroupsProblem(task);
}

function ownCgroupsProblem({ container }: TaskInfo & ShownContainer): string | undefined {
  if (container?.linuxInfo?.shareCgroups !== false) return undefined;
  return "Only tasks in a task group may have 'share_cgroups' set to 'false'";
}

/** What is wrong with a task whoever runs it. */
export function taskInfoProblem(
  task: TaskInfo,
  context: Pick<LaunchContext, "framework" | "agentId">,
): string | undefined {
  return (
    idProblem(task.taskId) ??
    (context.framework.tasks.has(task.taskId) ? `Task has duplicate ID: ${task.taskId}` : undefined) ??
    (context.framework.unreachableTasks.has(task.taskId)
      ? `Task reuses the ID of an unreachable task: ${task.taskId}`
      : undefined) ??
    agentProblem(task, context.agentId) ??
    ((task.killPolicy?.gracePeriod?.nanoseconds ?? 0) < 0
      ? "Task's 'kill_policy.grace_period' must be non-negative"
      : undefined) ??
    ((task.maxCompletionTime?.nanoseconds ?? 0) < 0
      ? "Task's `max_completion_time` must be non-negative"
      : undefined) ??
    checkProblem(task, (owner, command) => commandProblem(owner, command)) ??
    (task.resources === undefined || task.resources.length === 0 ? "Task uses no resources" : undefined) ??
    resourcesProblem("Task", task.resources ?? []) ??
    commandProblem("Task", task.command) ??
    containerProblem("Task", task.container) ??
    limitsProblem(task)
  );
}

function agentProblem({ agentId }: TaskInfo, expected: AgentId): string | undefined {
  return agentId === expected ? undefined : `Task uses invalid agent ${agentId} while agent ${expected} is expected`;
}

function resourcesProblem(owner: "Task" | "Executor", list: readonly Resource[]): string | undefined {
  const gpus = list.find(({ name, scalar }) => name === "gpus" && !Number.isInteger(scalar?.value ?? 0));
  if (gpus !== undefined) {
    return `${owner} uses invalid resources: Invalid 'gpus' resource: The 'gpus' resource must be an unsigned integer`;
  }
  const ids = list.flatMap(({ disk }) => (disk as DiskInfo | undefined)?.persistence?.id ?? []);
  const [repeated] = repeatedIn(ids);
  if (repeated !== undefined)
    return `${owner} uses duplicate persistence ID: Persistence ID '${repeated}' is not unique`;
  const [one, other] = new Set(list.flatMap(({ allocationInfo }) => allocationInfo?.role ?? []));
  if (other !== undefined) {
    const both = `multiple allocation roles ('${one}' and '${other}') but only one allocation role is allowed`;
    return `Invalid ${owner.toLowerCase()} resources: The resources have ${both}`;
  }
  const revocable = new Set(list.filter((each) => each.revocable !== undefined).map(({ name }) => name));
  const mixed = list.find((each) => each.revocable === undefined && revocable.has(each.name));
  if (mixed === undefined) return undefined;
  const both = `Cannot use both revocable and non-revocable '${mixed.name}' at the same time`;
  return `${owner} mixes revocable and non-revocable resources: ${both}`;
}

interface DiskInfo {
  readonly persistence?: { readonly id?: string };
}

function limitsProblem({ limits = {}, resources }: TaskInfo): string | undefined {
  if (Object.keys(limits).some((name) => name !== "cpus" && name !== "mem")) {
    return "Only cpus and mem may be included in a task's resource limits";
  }
  const requests = Resources.of(resources).scalars();
  for (const [name, short, long] of [
    ["cpus", "cpu", "CPU"],
    ["mem", "memory", "memory"],
  ] as const) {
    const limit = limits[name]?.value;
    if (limit === undefined) continue;
    const request = requests.get(name);
    if (request === undefined) return `When a ${long} limit is specified, a ${long} request must also be specified`;
    if (limit * 1000 < request) return `The ${short} limit must be greater than or equal to the ${short} request`;
  }
  return undefined;
}

function commandProblem(owner: string, command: CommandInfo | undefined): string | undefined {
  for (const { name, type = "VALUE", value } of command?.environment?.variables ?? []) {
    const prefix = `${owner}'s \`CommandInfo\` is invalid: Environment variable`;
    if (type === "UNKNOWN") return `${prefix} of type 'UNKNOWN' is not allowed`;
    if (type === "SECRET") return `${prefix} '${name}' of type 'SECRET' must have a secret set`;
    if (value === undefined) return `${prefix} '${name}' of type 'VALUE' must have a value set`;
  }
  return undefined;
}

function containerProblem(owner: "Task" | "Executor", container: ShownContainer["container"]): string | undefined {
  const prefix = `${owner}'s \`ContainerInfo\` is invalid:`;
  for (const { hostPath, image, source } of container?.volumes ?? []) {
    if ([hostPath, image, source].filter((each) => each !== undefined).length > 1) {
      return `${prefix} Invalid volume: Only one of them should be set: 'host_path', 'image' and 'source'`;
    }
  }
  if (container?.type !== "DOCKER") return undefined;
  if (container.docker === undefined) return `${prefix} DockerInfo 'docker' is not set for DOCKER typed ContainerInfo`;
  if (!(container.docker.parameters ?? []).some(({ key }) => key === "name")) return undefined;
  return `${prefix} Parameter in DockerInfo must not be 'name'`;
}

function executorProblem(task: TaskInfo, context: LaunchContext): string | undefined {
  const { executor } = task;
  if ((executor === undefined) === (task.command === undefined)) {
    return "Task should have at least one (but not both) of CommandInfo or ExecutorInfo present";
  }
  if (executor === undefined) return roomProblem(task, undefined, context);
  return (
    executorInfoProblem(executor) ??
    executorContextProblem(executor, context) ??
    customExecutorProblem(executor) ??
    roomProblem(task, executor, context)
  );
}

/** What is wrong with an executor in itself. */
export function executorInfoProblem(executor: ExecutorInfo): string | undefined {
  if (executor.type === "CUSTOM" && executor.command === undefined) {
    return "'ExecutorInfo.command' must be set for 'CUSTOM' executor";
  }
  if (executor.type === "DEFAULT" && executor.command !== undefined) {
    return "'ExecutorInfo.command' must not be set for 'DEFAULT' executor";
  }
  return (
    idProblem(executor.executorId) ??
    ((executor.shutdownGracePeriod?.nanoseconds ?? 0) < 0
      ? "ExecutorInfo's 'shutdown_grace_period' must be non-negative"
      : undefined) ??
    commandProblem("Executor", executor.command) ??
    containerProblem("Executor", executor.container)
  );
}

/** What is wrong with an executor among those that run. */
export function executorContextProblem(
  executor: ExecutorInfo,
  { framework, existing, role }: Pick<LaunchContext, "framework" | "existing" | "role">,
): string | undefined {
  return (
    frameworkIdProblem(executor, framework) ??
    resourcesProblem("Executor", executor.resources ?? []) ??
    (existing === undefined
      ? undefined
      : executorConflict(existing.info, { ...executor, ...charged(executor, role), frameworkId: framework.id }))
  );
}

/** Its resources as they would be charged. */
function charged({ resources }: ExecutorInfo, role: string): Pick<ExecutorInfo, "resources"> {
  return resources === undefined ? {} : { resources: resources.map((each) => ({ ...each, allocationInfo: { role } })) };
}

/** What LAUNCH wants of an executor. */
function customExecutorProblem(executor: ExecutorInfo): string | undefined {
  if (executor.type !== undefined && executor.type !== "CUSTOM") return "'ExecutorInfo.type' must be 'CUSTOM'";
  return executor.command === undefined ? "'ExecutorInfo.command' must be set" : undefined;
}

/** An absent framework id is filled in. */
function frameworkIdProblem({ frameworkId }: ExecutorInfo, framework: Framework): string | undefined {
  if (frameworkId === undefined || frameworkId === framework.id) return undefined;
  return `ExecutorInfo has an invalid FrameworkID (Actual: ${frameworkId} vs Expected: ${framework.id})`;
}

function roomProblem(task: TaskInfo, executor: ExecutorInfo | undefined, context: LaunchContext): string | undefined {
  const { role, available, existing } = context;
  const taskResources = Resources.of(task.resources);
  const executorResources = Resources.of(executor?.resources);
  if (taskResources.overlaps(executorResources)) {
    const shown = [task.resources, executor?.resources].map((list) => JSON.stringify(list));
    return `There are overlapping resources in the task resources ${shown[0]} and executor resources ${shown[1]}`;
  }
  const needed = existing === undefined ? taskResources.plus(executorResources) : taskResources;
  if (available.contains(needed)) return undefined;
  const [required, left] = [needed.print(role), available.print(role)];
  return `Total resources ${required} required by task and its executor is more than available ${left}`;
}
