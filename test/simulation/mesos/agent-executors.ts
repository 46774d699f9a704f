import type { ExecutorCall } from "../../../src/mesos/executor-api.ts";
import { type ExecutorInfo, type FrameworkId, isTerminal, type TaskStatus } from "../../../src/mesos/types.ts";
import { Life } from "../life.ts";
import { type AgentExecutor, type AgentState, type AgentTask, keyOf, type OwnWord } from "./agent-state.ts";
import { type ExecutorStream, SimulatedExecutor } from "./executor.ts";

/** From the launch of an executor to its first instruction. */
const EXECUTOR_START_MS = 100;
/** How soon an agent sees that an executor's process has ended. */
const EXECUTOR_EXIT_SEEN_MS = 100;

/** The executors of an agent: how they start, subscribe, report and end. */
export class AgentExecutors {
  readonly #state: AgentState;
  #lastExecutor = 0;

  constructor(state: AgentState) {
    this.#state = state;
  }

  start(frameworkId: FrameworkId, info: ExecutorInfo, key: string): AgentExecutor {
    const { id, time, random, faults, machines, programs, observe, taskKey } = this.#state.options;
    const life = new Life(`${id}/${info.executorId}#${++this.#lastExecutor}`, time);
    const executor: AgentExecutor = {
      frameworkId,
      info,
      life,
      phase: "starting",
      stream: undefined,
      queued: [],
      process: new SimulatedExecutor({
        machines,
        life,
        time,
        random,
        faults,
        programs,
        observe,
        taskKey: (taskId) => taskKey(frameworkId, taskId),
        agent: {
          subscribe: (call, stream) => this.#subscribed(executor, call, stream),
          update: ({ status }) => this.#updated(executor, status),
        },
      }),
    };
    this.#state.executors.set(key, executor);
    life.onDeath(() => {
      executor.stream = undefined;
      this.#resultsLost(executor);
      time.schedule(EXECUTOR_EXIT_SEEN_MS * (0.3 + random.next()), () => this.#ended(executor));
    });
    life.clock.schedule(EXECUTOR_START_MS * (0.5 + random.next()), () => executor.process.start());
    return executor;
  }

  deliver(task: AgentTask, stream: ExecutorStream): void {
    task.delivered = true;
    stream.send({ type: "LAUNCH", task: task.info });
  }

  terminate(executor: AgentExecutor, update: OwnWord): void {
    executor.phase = "terminated";
    executor.queued.length = 0;
    const { frameworkId, info } = executor;
    this.#state.tell({ type: "executor-exited", frameworkId, executorId: info.executorId });
    for (const task of this.#state.tasks.values()) {
      if (task.executor !== executor || isTerminal(task.latest)) continue;
      this.#state.destroyed(task);
      this.#state.update(task, update);
    }
    this.forgetIfOver(executor);
  }

  /** A dead executor's record stays while its tasks' updates are unacknowledged. */
  forgetIfOver(executor: AgentExecutor): void {
    if (executor.phase !== "terminated") return;
    for (const task of this.#state.tasks.values()) if (task.executor === executor) return;
    this.#state.executors.delete(keyOf(executor.frameworkId, executor.info.executorId));
  }

  #subscribed(
    executor: AgentExecutor,
    { unacknowledgedTasks, unacknowledgedUpdates }: Extract<ExecutorCall, { type: "SUBSCRIBE" }>,
    stream: ExecutorStream,
  ): boolean {
    if (!this.#state.acts || executor.phase === "terminated" || !executor.life.alive) return false;
    const { id } = this.#state.options;
    executor.phase = "running";
    executor.stream = stream;
    for (const status of unacknowledgedUpdates) this.#updated(executor, status);
    const { info, frameworkId } = executor;
    stream.send({
      type: "SUBSCRIBED",
      executorInfo: info,
      frameworkInfo: { user: "nobody", name: "simulated", id: frameworkId },
      agentInfo: { hostname: id, id },
      containerId: undefined,
    });
    const known = new Set(unacknowledgedTasks.map(({ taskId }) => taskId));
    for (const task of this.#state.tasks.values()) {
      if (task.executor !== executor || !task.delivered || task.latest !== "TASK_STAGING") continue;
      if (known.has(task.info.taskId)) continue;
      const reason = "REASON_AGENT_RESTARTED";
      this.#state.update(task, { state: "TASK_DROPPED", reason, message: "Task launched during agent restart" });
    }
    for (const task of executor.queued.splice(0)) this.deliver(task, stream);
    return true;
  }

  #updated(executor: AgentExecutor, status: TaskStatus): boolean {
    if (!this.#state.acts || executor.phase === "terminated") return false;
    const { frameworkId } = executor;
    const task = this.#state.tasks.get(keyOf(frameworkId, status.taskId));
    const { uuid, state, taskId } = status;
    if (uuid === undefined) throw new Error("an executor's update has a uuid");
    if (task !== undefined && !isTerminal(task.latest)) task.latest = state;
    this.#state.report(frameworkId, { ...status, agentId: this.#state.options.id });
    // Of a task that it does not hold it tells the scheduler, and nothing the executor.
    if (task !== undefined) executor.stream?.send({ type: "ACKNOWLEDGED", taskId, uuid });
    return true;
  }

  /** What the executor knew and the agent did not hear of yet. */
  #resultsLost(executor: AgentExecutor): void {
    for (const task of this.#state.tasks.values()) {
      if (task.executor === executor && !isTerminal(task.latest)) this.#state.destroyed(task);
    }
  }

  /** A restarting agent finds out when it waits for its executors. */
  #ended(executor: AgentExecutor): void {
    if (!this.#state.acts || executor.phase === "terminated") return;
    this.terminate(executor, {
      state: "TASK_FAILED",
      reason: "REASON_EXECUTOR_TERMINATED",
      message: "Executor terminated",
    });
  }
}
