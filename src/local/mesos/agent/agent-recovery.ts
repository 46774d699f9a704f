import { printDuration } from "../durations.ts";
import type { Moment } from "../moment.ts";
import type { AgentFact, AgentMemory, RememberedExecutor, RememberedFramework } from "./agent-memory.ts";
import { type AgentState, newTask } from "./agent-state.ts";
import type { AgentFramework, Executor } from "./agent-types.ts";
import { executorExited, NEVER_LAUNCHED } from "./executors.ts";

/**
 * Takes up what an earlier life of the agent has left: executors of frameworks with a checkpoint that still run may
 * subscribe again, all others end. Updates that no scheduler has acknowledged are delivered again.
 *
 * @returns whether there is an executor to wait for
 */
export function recover(state: AgentState, memory: AgentMemory, now: Moment): boolean {
  let waiting = false;
  for (const remembered of memory.values()) {
    const frameworkId = remembered.info.id;
    if (frameworkId === undefined) continue;
    const framework = state.openFramework(frameworkId, remembered.info);
    framework.terminating = remembered.removed;
    for (const pending of remembered.updates.values()) {
      for (const status of pending) state.updates.add(frameworkId, status, now.monotonicMs);
    }
    for (const executor of remembered.executors.values()) {
      if (recoverExecutor(state, framework, remembered, executor, now)) waiting = true;
    }
    state.forgetIfOver(frameworkId);
  }
  return waiting;
}

/** The time to subscribe again is over: executors that have not are killed. */
export function endRecovery(state: AgentState): void {
  state.phase = "running";
  const timeout = printDuration(state.settings.executorReregistrationTimeoutMs);
  for (const executor of state.containers.values()) {
    if (executor.phase !== "registering") continue;
    executor.phase = "terminating";
    executor.verdict = {
      state: state.lostState(executor.frameworkId, "TASK_GONE"),
      reason: "REASON_EXECUTOR_REREGISTRATION_TIMEOUT",
      message: `Executor did not reregister within ${timeout}`,
    };
    state.command({ type: "destroy", containerId: executor.containerId });
  }
}

/** What the agent knows now, as facts that {@link recover} can start from. */
export function factsOf(state: AgentState): AgentFact[] {
  const facts: AgentFact[] = [];
  for (const [frameworkId, { info, executors, terminating }] of state.frameworks) {
    facts.push({ type: "framework", info });
    for (const executor of executors.values()) {
      const { containerId, kind, process } = executor;
      facts.push({ type: "executor", frameworkId, containerId, kind, info: executor.info });
      if (process !== undefined) facts.push({ type: "process", containerId, ...process });
      if (info.checkpoint === true) {
        for (const task of executor.queued.flatMap(({ tasks }) => tasks)) {
          facts.push(taskFact(executor, task, "TASK_STAGING"));
        }
        for (const task of executor.tasks.values())
          facts.push(taskFact(executor, task.info, task.state, task.statuses));
      }
      if (executor.phase === "terminated") facts.push({ type: "exited", containerId });
    }
    if (terminating) facts.push({ type: "framework-removed", frameworkId });
    if (info.checkpoint !== true) continue;
    for (const status of state.updates.pending(frameworkId)) facts.push({ type: "update", frameworkId, status });
  }
  return facts;
}

type TaskFact = Extract<AgentFact, { type: "task" }>;

/** The executor is a fact of its own, and data is not kept. */
export function taskFact(
  { containerId }: Executor,
  task: TaskFact["task"],
  taskState: TaskFact["state"],
  statuses?: TaskFact["statuses"],
): TaskFact {
  const { executor: _executor, data: _data, ...rest } = task;
  return { type: "task", containerId, task: rest, state: taskState, ...(statuses === undefined ? {} : { statuses }) };
}

function recoverExecutor(
  state: AgentState,
  framework: AgentFramework,
  { info: frameworkInfo, removed }: RememberedFramework,
  remembered: RememberedExecutor,
  now: Moment,
): boolean {
  const { containerId, kind, info, process } = remembered;
  const frameworkId = frameworkInfo.id;
  if (frameworkId === undefined) return false;
  const executor: Executor = {
    frameworkId,
    kind,
    info,
    containerId,
    phase: remembered.exited ? "terminated" : "registering",
    streamId: null,
    process,
    queued: [],
    completed: [],
    tasks: new Map(
      [...remembered.tasks].map(([id, task]) => [id, newTask(task.info, task.state, task.statuses)] as const),
    ),
    hadTask: true,
    verdict: undefined,
  };
  framework.executors.set(info.executorId, executor);
  for (const taskId of executor.tasks.keys()) framework.owners.set(taskId, executor);
  if (remembered.exited) return false;
  state.containers.set(containerId, executor);
  if (process === undefined) {
    executorExited(state, executor, { waitStatus: NEVER_LAUNCHED }, now);
    return false;
  }
  const container = { containerId, framework: frameworkInfo, frameworkId, kind, executor: info, process };
  state.command({ type: "adopt", container });
  if (frameworkInfo.checkpoint === true && !removed) return true;
  executor.phase = "terminating";
  state.command({ type: "destroy", containerId });
  return false;
}
