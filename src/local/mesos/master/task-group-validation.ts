import { isDeepStrictEqual } from "node:util";
import { repeatedIn } from "../../../base/repeated.ts";
import type { ContainerInfo, ExecutorInfo, TaskInfo } from "../../../mesos/types.ts";
import { healthCheckType } from "../health-check-type.ts";
import { Resources } from "../resources.ts";
import { executorContextProblem, executorInfoProblem, type LaunchContext, taskInfoProblem } from "./task-validation.ts";

/** In thousandths. */
const LEAST_CPUS = 10;
const LEAST_MEM = 32_000;

/** Why a master refuses a group of tasks as a whole, in its words and in the order of its checks. */
export function groupProblem(
  executor: ExecutorInfo,
  tasks: readonly TaskInfo[],
  context: LaunchContext,
): string | undefined {
  for (const task of tasks) {
    const problem =
      taskInfoProblem(task, context) ??
      (task.container?.type === "DOCKER" ? "Docker ContainerInfo is not supported on the task" : undefined) ??
      probeProblem(task);
    if (problem !== undefined) return `Task '${task.taskId}' is invalid: ${problem}`;
  }
  const [repeated] = repeatedIn(tasks.map(({ taskId }) => taskId));
  if (repeated !== undefined) return `Task '${repeated}' is invalid: Task has duplicate ID: ${repeated}`;
  return executorProblem(executor, tasks, context) ?? roomProblem(executor, tasks, context);
}

/** A probe over the network comes from the executor's side of it. */
function probeProblem({ healthCheck, container }: TaskInfo & NetworkedTask): string | undefined {
  const type = healthCheck && healthCheckType(healthCheck);
  if ((type !== "HTTP" && type !== "TCP") || (container?.networkInfos ?? []).length === 0) return undefined;
  return "HTTP and TCP health checks are not supported for nested containers not joining parent's network";
}

interface NetworkedTask {
  readonly container?: ContainerInfo & { readonly networkInfos?: readonly object[] };
}

function executorProblem(
  executor: ExecutorInfo,
  tasks: readonly TaskInfo[],
  context: LaunchContext,
): string | undefined {
  const { executorId, type, frameworkId } = executor;
  if (type === undefined || type === "UNKNOWN") return "'ExecutorInfo.type' must be set";
  const own = executorInfoProblem(executor);
  if (own !== undefined) return own;
  if (frameworkId === undefined) return "'ExecutorInfo.framework_id' must be set";
  const problem = executorContextProblem(executor, context);
  if (problem !== undefined) return problem;
  if (executor.container?.type === "DOCKER") return "Docker ContainerInfo is not supported on the executor";
  const other = tasks.find((task) => task.executor !== undefined && !isDeepStrictEqual(task.executor, executor));
  if (other !== undefined) {
    return `The \`ExecutorInfo\` of task '${other.taskId}' is different from executor '${executorId}'`;
  }
  const scalars = Resources.of(executor.resources).scalars();
  const [cpus, mem, disk] = ["cpus", "mem", "disk"].map((name) => scalars.get(name));
  if ((cpus ?? 0) < LEAST_CPUS) {
    const shown = cpus === undefined ? "None" : cpus / 1000;
    return `Executor '${executorId}' uses less CPUs (${shown}) than the minimum required (0.01)`;
  }
  if ((mem ?? 0) < LEAST_MEM) {
    const shown = mem === undefined ? "None" : `${mem / 1000}MB`;
    return `Executor '${executorId}' uses less memory (${shown}) than the minimum required (32MB)`;
  }
  return disk === undefined ? `Executor '${executorId}' uses no disk` : undefined;
}

function roomProblem(
  executor: ExecutorInfo,
  tasks: readonly TaskInfo[],
  { role, available, existing }: LaunchContext,
): string | undefined {
  const wanted = tasks.flatMap(({ resources = [] }) => resources);
  const needed = Resources.of(existing === undefined ? [...wanted, ...(executor.resources ?? [])] : wanted);
  if (available.contains(needed)) return undefined;
  const [required, left] = [needed.print(role), available.print(role)];
  return `Total resources ${required} required by task group and its executor are more than available ${left}`;
}
