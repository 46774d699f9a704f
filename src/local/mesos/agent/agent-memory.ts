import {
  type ContainerId,
  type ExecutorInfo,
  type FrameworkId,
  type FrameworkInfo,
  isTerminal,
  type TaskId,
  type TaskInfo,
  type TaskState,
  type TaskStatus,
} from "../../../mesos/types.ts";
import type { ContainerProcess, ExecutorKind } from "../containers/containerizer.ts";
import { withStatus } from "../task-statuses.ts";

/*
 * What an agent remembers over a restart, as a list of facts. Containers are noted for every framework, so that what
 * is left of them can be ended; tasks and updates only for frameworks with a checkpoint.
 */

export type AgentFact =
  | { readonly type: "framework"; readonly info: FrameworkInfo }
  | {
      readonly type: "executor";
      readonly frameworkId: FrameworkId;
      readonly containerId: ContainerId;
      readonly kind: ExecutorKind;
      readonly info: ExecutorInfo;
    }
  | ({ readonly type: "process"; readonly containerId: ContainerId } & ContainerProcess)
  /** Without `data` and `executor`. */
  | {
      readonly type: "task";
      readonly containerId: ContainerId;
      readonly task: TaskInfo;
      readonly state: TaskState;
      readonly statuses?: readonly TaskStatus[];
    }
  | { readonly type: "update"; readonly frameworkId: FrameworkId; readonly status: TaskStatus }
  | {
      readonly type: "acknowledged";
      readonly frameworkId: FrameworkId;
      readonly taskId: TaskId;
      readonly uuid: Uint8Array;
    }
  | { readonly type: "exited"; readonly containerId: ContainerId }
  | { readonly type: "framework-removed"; readonly frameworkId: FrameworkId };

export interface RememberedTask {
  readonly info: TaskInfo;
  state: TaskState;
  statuses: readonly TaskStatus[];
}

export interface RememberedExecutor {
  readonly containerId: ContainerId;
  readonly kind: ExecutorKind;
  readonly info: ExecutorInfo;
  process: ContainerProcess | undefined;
  exited: boolean;
  readonly tasks: Map<TaskId, RememberedTask>;
}

export interface RememberedFramework {
  info: FrameworkInfo;
  /** Its executors are remembered until they have exited. */
  removed: boolean;
  readonly executors: Map<ContainerId, RememberedExecutor>;
  /** Not acknowledged by the scheduler, in order. */
  readonly updates: Map<TaskId, TaskStatus[]>;
}

export type AgentMemory = ReadonlyMap<FrameworkId, RememberedFramework>;

/** Plays the facts in their order; facts about something unknown are ignored. */
export function recall(facts: Iterable<AgentFact>): AgentMemory {
  const memory = new Map<FrameworkId, RememberedFramework>();
  const containers = new Map<ContainerId, { framework: RememberedFramework; executor: RememberedExecutor }>();
  for (const fact of facts) {
    switch (fact.type) {
      case "framework": {
        const { id } = fact.info;
        if (id === undefined) break;
        const known = memory.get(id);
        if (known === undefined)
          memory.set(id, { info: fact.info, removed: false, executors: new Map(), updates: new Map() });
        else known.info = fact.info;
        break;
      }
      case "executor": {
        const framework = memory.get(fact.frameworkId);
        if (framework === undefined) break;
        const { containerId, kind, info } = fact;
        const executor = { containerId, kind, info, process: undefined, exited: false, tasks: new Map() };
        framework.executors.set(containerId, executor);
        containers.set(containerId, { framework, executor });
        break;
      }
      case "process": {
        const { pid, startTime } = fact;
        const known = containers.get(fact.containerId);
        if (known !== undefined) known.executor.process = { pid, startTime };
        break;
      }
      case "task": {
        const { task: info, state, statuses = [] } = fact;
        containers.get(fact.containerId)?.executor.tasks.set(info.taskId, { info, state, statuses });
        break;
      }
      case "update": {
        const framework = memory.get(fact.frameworkId);
        if (framework !== undefined) addUpdate(framework, fact.status);
        break;
      }
      case "acknowledged": {
        const framework = memory.get(fact.frameworkId);
        if (framework !== undefined) acknowledgeUpdate(framework, fact.taskId, fact.uuid);
        break;
      }
      case "exited": {
        const known = containers.get(fact.containerId);
        if (known !== undefined) known.executor.exited = true;
        break;
      }
      case "framework-removed": {
        const framework = memory.get(fact.frameworkId);
        if (framework === undefined) break;
        framework.removed = true;
        framework.updates.clear();
        for (const executor of framework.executors.values()) executor.tasks.clear();
        break;
      }
    }
  }
  return withoutTheForgotten(memory);
}

function addUpdate(framework: RememberedFramework, status: TaskStatus): void {
  const pending = framework.updates.get(status.taskId);
  if (pending === undefined) framework.updates.set(status.taskId, [status]);
  else pending.push(status);
  for (const { tasks } of framework.executors.values()) {
    const task = tasks.get(status.taskId);
    if (task === undefined) continue;
    task.statuses = withStatus(task.statuses, status);
    if (!isTerminal(task.state)) task.state = status.state;
  }
}

function acknowledgeUpdate(framework: RememberedFramework, taskId: TaskId, uuid: Uint8Array): void {
  const pending = framework.updates.get(taskId);
  const first = pending?.[0];
  if (pending === undefined || first?.uuid === undefined || Buffer.compare(first.uuid, uuid) !== 0) return;
  pending.shift();
  if (pending.length === 0) framework.updates.delete(taskId);
  if (!isTerminal(first.state)) return;
  for (const { tasks } of framework.executors.values()) tasks.delete(taskId);
}

function withoutTheForgotten(memory: Map<FrameworkId, RememberedFramework>): AgentMemory {
  for (const [id, framework] of memory) {
    for (const [containerId, { exited, tasks }] of framework.executors) {
      if (exited && tasks.size === 0) framework.executors.delete(containerId);
    }
    if (framework.executors.size === 0 && framework.updates.size === 0) memory.delete(id);
  }
  return memory;
}
