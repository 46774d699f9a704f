import type { ExecutorCall } from "../../../mesos/executor-api.ts";
import { isTerminal, type TaskStatus } from "../../../mesos/types.ts";
import type { Moment } from "../moment.ts";
import type { AgentState } from "./agent-state.ts";
import type { Executor, ExecutorStreamId } from "./agent-types.ts";
import { explainedByDrain } from "./drain.ts";
import { shutdownExecutor } from "./executors.ts";

type Subscribe = Extract<ExecutorCall, { type: "SUBSCRIBE" }>;

/** SUBSCRIBE, for the first time or again; the newest stream wins. */
export function subscribeExecutor(
  state: AgentState,
  executor: Executor,
  streamId: ExecutorStreamId,
  call: Subscribe,
  now: Moment,
): void {
  if (executor.streamId !== null) state.endStream(executor.streamId);
  executor.streamId = streamId;
  if (executor.phase === "terminating" || executor.phase === "terminated") {
    state.sendTo(streamId, { type: "SHUTDOWN" });
    state.endStream(streamId);
    executor.streamId = null;
    return;
  }
  if (!executor.hadTask && executor.queued.length === 0) {
    // All that it was started for was killed meanwhile.
    shutdownExecutor(state, executor, now);
    return;
  }
  executor.phase = "running";
  state.send(executor, {
    type: "SUBSCRIBED",
    executorInfo: executor.info,
    frameworkInfo: state.framework(executor.frameworkId).info,
    agentInfo: state.settings.info,
    containerId: executor.containerId,
  });
  for (const status of call.unacknowledgedUpdates) updateByExecutor(state, executor, status, now);
  dropUnconfirmed(state, executor, call, now);
  const { queued } = executor;
  executor.queued = [];
  for (const launch of queued) state.deliver(executor, launch);
}

/** UPDATE: takes the update over, and says so to the executor by ACKNOWLEDGED. */
export function updateByExecutor(state: AgentState, caller: Executor, said: TaskStatus, now: Moment): void {
  const { frameworkId } = caller;
  const status = explainedByDrain(state, said, state.lostState(frameworkId, "TASK_GONE") === "TASK_GONE");
  const framework = state.framework(frameworkId);
  const { id: agentId } = state.settings;
  // A wrong agent id makes an update disappear, and so does a framework that ends.
  if (framework.terminating || (status.agentId ?? agentId) !== agentId) return;

  const owner = framework.owners.get(status.taskId);
  const repeated = state.updates.has(frameworkId, status);
  const complete = { ...status, agentId, timestamp: status.timestamp ?? now.wallMs / 1000 };
  if (owner === undefined) {
    // Of a task that was never launched or is over: passed on, and never ACKNOWLEDGED to the executor.
    if (!repeated) state.addUpdate(frameworkId, complete, now);
    return;
  }
  const task = owner.tasks.get(status.taskId);
  const over = task !== undefined && isTerminal(task.state);
  if (!repeated && !over) {
    if (task !== undefined) task.state = status.state;
    const containerStatus = containerStatusOf(state, owner, status.containerStatus);
    state.addUpdate(frameworkId, { ...complete, containerStatus }, now);
    if (isTerminal(status.state)) state.resize(owner);
  }
  if (status.uuid === undefined) return;
  state.send(caller, { type: "ACKNOWLEDGED", taskId: status.taskId, uuid: status.uuid });
}

/** Tasks that were sent while the executor did not listen: it does not name them, and nothing was heard of them. */
function dropUnconfirmed(state: AgentState, executor: Executor, call: Subscribe, now: Moment): void {
  const confirmed = new Set(call.unacknowledgedTasks.map(({ taskId }) => taskId));
  for (const { info, state: taskState } of executor.tasks.values()) {
    if (taskState !== "TASK_STAGING" || confirmed.has(info.taskId)) continue;
    const verdict = {
      state: state.lostState(executor.frameworkId, "TASK_DROPPED"),
      reason: "REASON_AGENT_RESTARTED",
      message: "Task launched during agent restart",
    };
    state.endTask(executor, info, verdict, now);
  }
}

/** What an agent adds of its own; a container within its executor's is named by the executor. */
function containerStatusOf(
  state: AgentState,
  { containerId, process, info }: Executor,
  said: TaskStatus["containerStatus"],
): TaskStatus["containerStatus"] & object {
  const { ip } = state.settings.endpoint;
  return {
    containerId,
    networkInfos: [{ ipAddresses: ip === undefined ? [] : [{ ipAddress: ip }] }],
    // A real agent does not look for it in what Docker runs.
    ...(process === undefined || info.container?.type === "DOCKER" ? {} : { executorPid: process.pid }),
    ...said,
  };
}
