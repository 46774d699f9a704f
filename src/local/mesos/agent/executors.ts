import { invariant } from "../../../base/errors.ts";
import { formatUuid, uuidBytes } from "../../../base/random.ts";
import { type ContainerId, isTerminal, type TaskInfo } from "../../../mesos/types.ts";
import { printDuration } from "../durations.ts";
import type { Moment } from "../moment.ts";
import { containerLimits, containerResources } from "../resources.ts";
import type { AgentState } from "./agent-state.ts";
import type { AgentFramework, ContainerTimer, Executor, Verdict } from "./agent-types.ts";

/** The wait status of an executor whose process never ran. */
export const NEVER_LAUNCHED = -1;

const TERMINATED = {
  state: "TASK_FAILED",
  reason: "REASON_EXECUTOR_TERMINATED",
  message: "Executor terminated",
} as const;

/** Starts a container for an executor; it has until `executor_registration_timeout` to subscribe. */
export function launchExecutor(
  state: AgentState,
  framework: AgentFramework,
  { frameworkId, kind, info }: Pick<Executor, "frameworkId" | "kind" | "info">,
  tasks: readonly TaskInfo[],
  now: Moment,
): Executor {
  const [task] = tasks;
  invariant(task !== undefined, "An executor is started for a task");
  const containerId = formatUuid(uuidBytes(state.random)) as ContainerId;
  const executor: Executor = {
    frameworkId,
    kind,
    info,
    containerId,
    phase: "registering",
    streamId: null,
    process: undefined,
    queued: [],
    completed: [],
    tasks: new Map(),
    hadTask: false,
    verdict: undefined,
  };
  framework.executors.set(info.executorId, executor);
  state.containers.set(containerId, executor);
  state.remember(frameworkId, { type: "executor", frameworkId, containerId, kind, info });
  const shutdownGraceMs = state.shutdownGraceMs(info);
  const [resources, limits] = [containerResources(info, tasks), containerLimits(info, tasks)];
  const container = {
    containerId,
    frameworkId,
    framework: framework.info,
    kind,
    executor: info,
    task,
    resources,
    limits,
  };
  state.command({ type: "launch", container: { ...container, shutdownGraceMs } });
  const deadlineMs = now.monotonicMs + state.settings.executorRegistrationTimeoutMs;
  state.timers.set(deadlineMs, { type: "registration", containerId });
  return executor;
}

/** Asks an executor to end; when its grace period is over it is killed. */
export function shutdownExecutor(state: AgentState, executor: Executor, now: Moment): void {
  if (executor.phase === "terminating" || executor.phase === "terminated") return;
  executor.phase = "terminating";
  state.send(executor, { type: "SHUTDOWN" });
  const deadlineMs = now.monotonicMs + state.shutdownGraceMs(executor.info);
  state.timers.set(deadlineMs, { type: "grace", containerId: executor.containerId });
}

/** Its tasks were never launched: they may be launched again as they are. */
export function notCreated(state: AgentState, executor: Executor, message: string, now: Moment): void {
  const dropped = state.lostState(executor.frameworkId, "TASK_DROPPED");
  executor.verdict = { state: dropped, reason: "REASON_EXECUTOR_TERMINATED", message };
  executorExited(state, executor, { waitStatus: NEVER_LAUNCHED }, now);
}

export function launchFailed(state: AgentState, executor: Executor, message: string, now: Moment): void {
  executor.verdict ??= {
    state: "TASK_FAILED",
    reason: "REASON_CONTAINER_LAUNCH_FAILED",
    message: `Failed to launch container: ${message}`,
  };
  executorExited(state, executor, { waitStatus: NEVER_LAUNCHED }, now);
}

/** How a container ended, and what becomes of its tasks for it. */
interface Exit {
  readonly waitStatus: number;
  readonly message?: string;
}

/** The process has ended: whatever its exit code, tasks that had not ended fail with it. */
export function executorExited(
  state: AgentState,
  executor: Executor,
  { waitStatus, message }: Exit,
  now: Moment,
): void {
  const { frameworkId, containerId, kind, info, streamId } = executor;
  state.containers.delete(containerId);
  state.remember(frameworkId, { type: "exited", containerId });
  executor.phase = "terminated";
  executor.streamId = null;
  if (streamId !== null) state.endStream(streamId);
  // The master knows nothing of the executors that agents make.
  if (kind !== "command") {
    state.report({ type: "executor-exited", frameworkId, executorId: info.executorId, waitStatus });
  }
  if (!state.framework(frameworkId).terminating) {
    const verdict = verdictOn(executor.verdict, message);
    for (const { info: task, state: taskState } of executor.tasks.values()) {
      if (!isTerminal(taskState)) state.endTask(executor, task, verdict, now);
    }
    for (const task of executor.queued.flatMap(({ tasks }) => tasks)) state.endTask(executor, task, verdict, now);
  }
  executor.queued = [];
  state.forgetIfOver(frameworkId, executor);
}

/** What the containerizer says stands behind what the agent knows, as Mesos joins them. */
function verdictOn(known: Verdict | undefined, message: string | undefined): Verdict {
  if (known === undefined) return { ...TERMINATED, message: message ?? TERMINATED.message };
  return message === undefined ? known : { ...known, message: `${known.message}; ${message}` };
}

/** A deadline has come: an executor that has not subscribed, or one that does not leave, is killed. */
export function executorOverdue(state: AgentState, { type, containerId }: ContainerTimer): void {
  const executor = state.containers.get(containerId);
  if (executor === undefined) return;
  if (type === "registration") {
    if (executor.phase !== "registering") return;
    executor.phase = "terminating";
    // As at a real agent, who still waits for an image is told that the launch was broken off.
    const waitsForImage = executor.process === undefined && executor.info.container?.type === "DOCKER";
    if (!waitsForImage) {
      executor.verdict = {
        state: "TASK_FAILED",
        reason: "REASON_EXECUTOR_REGISTRATION_TIMEOUT",
        message: `Executor did not register within ${printDuration(state.settings.executorRegistrationTimeoutMs)}`,
      };
    }
  }
  state.command({ type: "destroy", containerId });
}
