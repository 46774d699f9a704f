import { assertNever, invariant } from "../../../base/errors.ts";
import type { ExecutorInfo, FrameworkId, TaskInfo } from "../../../mesos/types.ts";
import type { AgentOrder } from "../agent-messages.ts";
import type { ExecutorKind } from "../containers/containerizer.ts";
import type { Moment } from "../moment.ts";
import { taskFact } from "./agent-recovery.ts";
import type { AgentState } from "./agent-state.ts";
import type { Executor, Verdict } from "./agent-types.ts";
import { commandExecutorInfo, defaultExecutorInfo } from "./built-in-executors.ts";
import { launchExecutor, NEVER_LAUNCHED, shutdownExecutor } from "./executors.ts";

type OrderOf<Type extends AgentOrder["type"]> = Extract<AgentOrder, { type: Type }>;

/** Carries out what the master asks of the agent. */
export function carryOut(state: AgentState, order: AgentOrder, now: Moment): void {
  switch (order.type) {
    case "run-tasks":
      return runTasks(state, order, now);
    case "kill-task":
      return killTask(state, order, now);
    case "shutdown-executor": {
      const executor = state.findExecutor(order.frameworkId, order.executorId);
      return executor === undefined ? undefined : shutdownExecutor(state, executor, now);
    }
    case "shutdown-framework":
      return shutdownFramework(state, order.frameworkId, now);
    case "acknowledge":
      return acknowledge(state, order, now);
    case "message": {
      const executor = state.findExecutor(order.frameworkId, order.executorId);
      if (executor?.phase === "running") state.send(executor, { type: "MESSAGE", data: order.data });
      return;
    }
    case "update-framework": {
      const { id } = order.framework;
      const framework = id === undefined ? undefined : state.frameworks.get(id);
      if (id !== undefined && framework !== undefined) {
        framework.info = order.framework;
        state.remember(id, { type: "framework", info: order.framework });
      }
      return state.updates.resend(now.monotonicMs);
    }
    default:
      return assertNever(order);
  }
}

function runTasks(state: AgentState, order: OrderOf<"run-tasks">, now: Moment): void {
  const { tasks, isGroup, launchExecutor: mayLaunch } = order;
  const [first] = tasks;
  const frameworkId = order.framework.id;
  invariant(frameworkId !== undefined && first !== undefined, "A launch without framework or task");
  const framework = state.openFramework(frameworkId, order.framework);
  if (framework.terminating) return;
  const wanted = wantedExecutor(state.settings.builtInExecutor, order, frameworkId, first);
  const { executorId } = wanted.info;
  const existing = framework.executors.get(executorId);
  const problem = launchProblem(existing, wanted.kind, mayLaunch);
  if (problem !== undefined) {
    const verdict = { ...problem, state: state.lostState(frameworkId, problem.state) };
    for (const { taskId } of tasks) state.say(frameworkId, { taskId, executorId, ...verdict }, now);
    if (mayLaunch && wanted.kind !== "command") {
      state.report({ type: "executor-exited", frameworkId, executorId, waitStatus: NEVER_LAUNCHED });
    }
    state.forgetIfOver(frameworkId);
    return;
  }
  const executor = existing ?? launchExecutor(state, framework, { frameworkId, ...wanted }, tasks, now);
  for (const task of tasks) {
    framework.owners.set(task.taskId, executor);
    state.remember(frameworkId, taskFact(executor, task, "TASK_STAGING"));
  }
  const launch = { tasks, isGroup };
  if (executor.phase === "running") state.deliver(executor, launch);
  else executor.queued.push(launch);
  if (existing !== undefined) state.resize(executor);
}

function wantedExecutor(
  program: readonly string[],
  { executor }: OrderOf<"run-tasks">,
  frameworkId: FrameworkId,
  task: TaskInfo,
): { readonly kind: ExecutorKind; readonly info: ExecutorInfo } {
  if (executor === undefined) return { kind: "command", info: commandExecutorInfo(frameworkId, task, program) };
  if (executor.type === "DEFAULT") return { kind: "default", info: defaultExecutorInfo(executor, program) };
  return { kind: "custom", info: executor };
}

/** Why a task cannot go to this executor, in Mesos' words. */
function launchProblem(existing: Executor | undefined, kind: ExecutorKind, mayLaunch: boolean): Verdict | undefined {
  const dropped = (message: string): Verdict => {
    return { state: "TASK_DROPPED", reason: "REASON_EXECUTOR_TERMINATED", message };
  };
  if (kind === "command" && existing !== undefined) {
    const message = "Cannot reuse an already existing executor for a command task";
    return { state: "TASK_ERROR", reason: "REASON_TASK_INVALID", message };
  }
  if (mayLaunch) {
    return existing === undefined ? undefined : dropped("Master wants to launch executor, but one already exists");
  }
  if (existing === undefined) return dropped("No executor is expected to launch and there is none running");
  if (existing.phase === "terminating") return dropped("Executor terminating");
  return existing.phase === "terminated" ? dropped("Executor terminated") : undefined;
}

function killTask(state: AgentState, { frameworkId, taskId, killPolicy }: OrderOf<"kill-task">, now: Moment): void {
  const executor = state.frameworks.get(frameworkId)?.owners.get(taskId);
  if (executor === undefined) {
    // The launch was lost: the master expects a last word on the task, unless one is on its way.
    if (state.updates.hasTask(frameworkId, taskId)) return;
    const dropped = state.lostState(frameworkId, "TASK_DROPPED");
    const verdict = { state: dropped, reason: "REASON_EXECUTOR_TERMINATED", message: "Cannot find executor" };
    state.say(frameworkId, { taskId, ...verdict }, now);
    return;
  }
  const queued = executor.queued.find(({ tasks }) => tasks.some((task) => task.taskId === taskId));
  if (queued === undefined) {
    if (executor.phase === "running") state.send(executor, { type: "KILL", taskId, killPolicy });
    return;
  }
  executor.queued = executor.queued.filter((each) => each !== queued);
  const verdict = {
    state: "TASK_KILLED",
    reason: "REASON_TASK_KILLED_DURING_LAUNCH",
    message: queued.isGroup
      ? "A task within the task group was killed before delivery to the executor"
      : "Killed before delivery to the executor",
  } as const;
  for (const task of queued.tasks) state.endTask(executor, task, verdict, now);
}

/** Nobody is left to be told of its tasks: their updates are dropped. */
function shutdownFramework(state: AgentState, frameworkId: FrameworkId, now: Moment): void {
  state.updates.removeFramework(frameworkId);
  const framework = state.frameworks.get(frameworkId);
  if (framework === undefined) return;
  framework.terminating = true;
  state.remember(frameworkId, { type: "framework-removed", frameworkId });
  for (const executor of framework.executors.values()) {
    shutdownExecutor(state, executor, now);
    state.forgetIfOver(frameworkId, executor);
  }
}

function acknowledge(state: AgentState, { frameworkId, taskId, uuid }: OrderOf<"acknowledge">, now: Moment): void {
  const result = state.updates.acknowledge(frameworkId, taskId, uuid, now.monotonicMs);
  const framework = state.frameworks.get(frameworkId);
  if (result === "ignored" || framework === undefined) return;
  state.remember(frameworkId, { type: "acknowledged", frameworkId, taskId, uuid });
  const executor = framework.owners.get(taskId);
  if (executor === undefined) {
    state.updates.forgetIdle(frameworkId, taskId);
  } else if (result === "finished") {
    executor.tasks.delete(taskId);
    framework.owners.delete(taskId);
    state.forgetIfOver(frameworkId, executor);
  }
}
