import { assertNever, invariant } from "../../../base/errors.ts";
import type { ExecutorInfo, FrameworkId, TaskInfo } from "../../../mesos/types.ts";
import type { AgentOrder } from "../agent-messages.ts";
import type { ExecutorKind } from "../containers/containerizer.ts";
import type { Moment } from "../moment.ts";
import { taskFact } from "./agent-recovery.ts";
import type { AgentState } from "./agent-state.ts";
import type { Executor, Verdict } from "./agent-types.ts";
import { commandExecutorInfo, defaultExecutorInfo } from "./built-in-executors.ts";
import { drain, drainingProblem, endAgent } from "./drain.ts";
import { launchExecutor, NEVER_LAUNCHED, shutdownExecutor } from "./executors.ts";
import { shutdownFramework } from "./framework-end.ts";
import { killTask } from "./kills.ts";
import { register } from "./registration.ts";

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
    case "reconcile-tasks":
      return disownTasks(state, order, now);
    case "ping":
      return state.report({ type: "pong" });
    case "reregister":
      return register(state, now);
    case "drain":
      return drain(state, order, now);
    case "shutdown":
      return endAgent(state, now);
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
  const problem = drainingProblem(state) ?? launchProblem(existing, wanted.kind, mayLaunch);
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

/**
 * Tasks that the agent had not when it registered: of those that never arrived here the master expects a last word, unless
 * one is on its way. Others did arrive meanwhile.
 */
function disownTasks(state: AgentState, { tasks }: OrderOf<"reconcile-tasks">, now: Moment): void {
  for (const { frameworkId, taskId, executorId } of tasks) {
    if (state.frameworks.get(frameworkId)?.owners.has(taskId) === true) continue;
    if (state.updates.hasTask(frameworkId, taskId)) continue;
    const verdict = {
      state: state.lostState(frameworkId, "TASK_DROPPED"),
      reason: "REASON_RECONCILIATION",
      message: "Reconciliation: task unknown to the agent",
    };
    state.say(frameworkId, { taskId, ...(executorId === undefined ? {} : { executorId }), ...verdict }, now);
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
    state.completeTask(executor, taskId);
    framework.owners.delete(taskId);
    state.forgetIfOver(frameworkId, executor);
  }
}
