import type { LostReason } from "../engine/ports.ts";
import type { SchedulerCall } from "../mesos/scheduler-api.ts";
import { isTerminal, type TaskInfo, type TaskStatus } from "../mesos/types.ts";
import type { TaskRequest, UnreachableTask } from "./keeper-api.ts";
import type { KeeperContext } from "./keeper-context.ts";
import { pauseMs } from "./pause.ts";
import { meaningOf, type StatusMeaning } from "./status-meaning.ts";
import { parseTaskId } from "./task-id.ts";
import { KeptTask } from "./task-table.ts";

/** Tasks in one explicit RECONCILE. */
const RECONCILE_BATCH = 1000;
/** A shape that Mesos refused so often in a row is told to the client. */
const TROUBLE_AFTER = 3;

/** Follows each task from its request to its release: what updates, time and the client's wishes make of it. */
export class TaskLives {
  readonly #context: KeeperContext;
  /** Ids of other epochs that the client has released: whatever still comes for them is old. */
  readonly #released = new Set<string>();
  #lastOrder = 0;
  /** Of the executor that was asked for last. */
  #lastKind: string | undefined;
  #troubled = false;

  constructor(context: KeeperContext) {
    this.#context = context;
  }

  // ------------------------------------------------------------------------------------------- the client's wishes

  want(request: TaskRequest): void {
    const kind = request.template.executor?.hash;
    if (kind !== this.#lastKind) this.#context.agents.forgive();
    this.#lastKind = kind;
    const order = ++this.#lastOrder;
    const task = new KeptTask({ key: request.key, request, order, phase: "waiting", nowMs: this.#context.nowMs });
    this.#context.tasks.add(task);
    this.#enqueue(task);
  }

  kill(key: string): void {
    const task = this.#context.tasks.get(key);
    if (task === undefined || task.wish !== "run") return;
    task.wish = "kill";
    if (task.phase === "waiting") {
      this.#dequeue(task);
      this.#stopped(task);
    } else if (task.live) {
      this.#sendKill(task);
    }
  }

  release(key: string): void {
    const task = this.#context.tasks.get(key);
    if (task === undefined || task.wish === "release") return;
    const killed = task.wish === "kill";
    task.wish = "release";
    // On an unreachable agent it is out of reach; should it come back, its id is known to be released.
    if (!task.live || task.phase === "unreachable") this.#forget(task);
    else if (!killed) this.#sendKill(task);
  }

  // ------------------------------------------------------------------------------------------------ status updates

  updated(status: TaskStatus): void {
    const meaning = meaningOf(status);
    const task = this.#context.tasks.withTaskId(status.taskId) ?? this.#stray(status, meaning);
    if (task === undefined) return;
    this.#heard(task, status);
    this.#acknowledge(task, status);
    const message = status.message ?? status.reason ?? status.state;
    switch (meaning.type) {
      case "alive":
        return this.#alive(task);
      case "result-to-come":
        // The end that was reported is the one of a launch that came to nothing: the master confirms it.
        if (task.phase === "dropped" && status.state !== "TASK_FINISHED") return this.#launchFailed(task);
        return this.#alive(task);
      case "result":
        return this.#ended(task, status);
      case "unreachable":
        return this.#unreachable(task);
      case "not-started":
        return this.#notStarted(task, status, message);
      case "executor-failed":
        return this.#executorFailed(task, status, meaning.mayHaveRun, message);
      case "refused":
        return this.#refused(task, status, message);
      case "absent":
        return this.#absent(task, meaning.dead, message);
      case "lost":
        return this.#lost(task, meaning.reason, message, true);
    }
  }

  /**
   * An update for no task at hand. One of an earlier life is adopted; anything else was released or superseded here, so
   * that its results are acknowledged at once, and what still runs is killed.
   */
  #stray(status: TaskStatus, meaning: StatusMeaning): KeptTask | undefined {
    const { options, lastLaunch } = this.#context;
    const parts = parseTaskId(status.taskId);
    const ofThisLife = parts?.epoch === options.epoch && parts.launch <= lastLaunch;
    if (parts === undefined || ofThisLife || neverRan(meaning) || this.#released.has(status.taskId)) {
      if (meaning.type === "alive") return this.#keepStray(status, "release");
      this.#acknowledgeNow(status);
      return undefined;
    }
    // The stored epoch was lost and counted anew: at least no id is used a second time.
    if (parts.epoch === options.epoch) this.#context.lastLaunch = parts.launch;
    const task = this.#keepStray(status, "run");
    this.#context.emit({ type: "adopted", key: task.key, work: parts.work });
    return task;
  }

  #keepStray(status: TaskStatus, wish: "run" | "release"): KeptTask {
    const { tasks, agents, nowMs } = this.#context;
    const task = new KeptTask({ key: status.taskId, order: ++this.#lastOrder, phase: "lost", nowMs });
    task.wish = wish;
    task.agentId = status.agentId;
    // Nothing tells whether it has started: assume that it has.
    task.heardFromExecutor = true;
    if (status.agentId !== undefined) task.executor = agents.executorOf(status.agentId, status.executorId, nowMs);
    tasks.add(task);
    tasks.assignTaskId(task, status.taskId);
    this.#context.move(task, "running");
    if (wish === "release") {
      const { taskId, agentId, state } = status;
      this.#context.report("warn", "killing a task that nobody wants", { taskId, agentId, state });
      this.#sendKill(task);
    }
    return task;
  }

  #heard(task: KeptTask, status: TaskStatus): void {
    this.#context.alarms.cancel(task.reconcile.alarm);
    task.reconcile = { alarm: undefined, tries: 0 };
    task.heardIn = this.#context.subscription;
    if (status.source !== "SOURCE_EXECUTOR") return;
    task.heardFromExecutor = true;
    if (task.executor === undefined) return;
    task.executor.heard = true;
    task.executor.answers = true;
  }

  #alive(task: KeptTask): void {
    if (task.phase === "ended" || task.phase === "stopped") return;
    this.#context.alarms.cancel(task.phaseAlarm);
    this.#context.move(task, "running");
    this.#taken(task);
    if (task.wish !== "run" && task.killing.alarm?.pending !== true) this.#sendKill(task);
  }

  #ended(task: KeptTask, status: TaskStatus): void {
    if (task.phase === "ended" || task.phase === "stopped") return;
    this.#taken(task);
    if (task.agentId !== undefined && status.source === "SOURCE_EXECUTOR") this.#context.agents.succeeded(task.agentId);
    this.#context.move(task, "ended");
    this.#cancelAlarms(task);
    if (task.wish === "release") this.#forget(task);
    else this.#context.emit({ type: "ended", key: task.key, status });
  }

  #unreachable(task: KeptTask): void {
    const { alarms, policy, nowMs } = this.#context;
    // It was said never to have started: nothing can come back.
    if (task.phase === "dropped") return this.#launchFailed(task);
    if (task.wish === "release") return this.#forget(task);
    if (task.phase !== "launched" && task.phase !== "uncertain" && task.phase !== "running") return;
    this.#context.move(task, "unreachable");
    task.phaseAlarm = alarms.set(nowMs + policy.unreachableTimeoutMs, { type: "phase", task });
  }

  #notStarted(task: KeptTask, status: TaskStatus, message: string): void {
    if (task.phase === "dropped") return this.#launchFailed(task);
    if (task.phase === "ended" || task.phase === "stopped") return;
    if (task.heardFromExecutor || task.phase === "lost") {
      return this.#lost(task, "task-unknown", message, status.source === "SOURCE_AGENT");
    }
    const { taskId, agentId, executor } = task;
    this.#context.report("info", "launch came to nothing", { taskId, agentId, state: status.state, reason: message });
    if (agentId !== undefined && executor !== undefined) {
      const byAgent = status.source === "SOURCE_AGENT";
      if (byAgent || status.state === "TASK_ERROR" || !executor.heard)
        this.#context.agents.retire(agentId, executor.id);
      if (byAgent) this.#blame(task, message);
    }
    this.#context.alarms.cancel(task.phaseAlarm);
    this.#context.move(task, "dropped");
    // Only another launch, or whoever waits for its end, has to be sure of this one's fate.
    const isAwaited = task.wish === "kill" && this.#context.policy.overlap === "forbid";
    if (task.wish === "run" || isAwaited) this.ask([task]);
    else this.#launchFailed(task);
  }

  /**
   * Where executors of this kind answer on other agents, this agent is to blame alone, and another launch follows.
   * Otherwise it may well be what the processor asks for (an image that is not there, or with another program): the
   * client is told, and decides.
   */
  #executorFailed(task: KeptTask, status: TaskStatus, mayHaveRun: boolean, message: string): void {
    const { agents } = this.#context;
    const { agentId, executor, phase, request } = task;
    const isContainer = request?.template.executor?.info.container !== undefined;
    const anyAnswers = executor === undefined || agents.anyAnswers(executor.key);
    const isSuspect = isContainer && !anyAnswers;
    if (mayHaveRun) return this.#lost(task, isSuspect ? "executor-start-failed" : "executor-lost", message, true);
    if (!isSuspect || task.heardFromExecutor || phase === "dropped") return this.#notStarted(task, status, message);
    if (agentId !== undefined) agents.retire(agentId, executor.id);
    this.#blame(task, message);
    this.#ended(task, status);
  }

  #refused(task: KeptTask, status: TaskStatus, message: string): void {
    if (task.shape !== undefined && task.phase !== "dropped") this.#refuse(task.shape, message);
    this.#notStarted(task, status, message);
  }

  #refuse(shape: NonNullable<KeptTask["shape"]>, message: string): void {
    const { backlog, alarms, nowMs } = this.#context;
    const { pauseMs, refusals } = backlog.refused(shape, message);
    alarms.set(nowMs + pauseMs, { type: "shape", shapeId: shape.id });
    if (refusals < TROUBLE_AFTER) return;
    this.#troubled = true;
    this.#context.emit({ type: "trouble", message });
  }

  #absent(task: KeptTask, dead: boolean, message: string): void {
    const { phase } = task;
    if (phase === "launched" || phase === "uncertain" || phase === "dropped") this.#launchFailed(task);
    else this.#lost(task, "task-unknown", message, dead);
  }

  /** @param dead whether it certainly does not run any more */
  #lost(task: KeptTask, reason: LostReason, message: string, dead: boolean): void {
    const { phase } = task;
    if (phase === "ended" || phase === "stopped" || phase === "waiting") return;
    const isExecutors = reason === "executor-lost" || reason === "executor-start-failed";
    if (isExecutors && task.agentId !== undefined && task.executor !== undefined) {
      this.#context.agents.retire(task.agentId, task.executor.id);
      this.#blame(task, message);
    }
    if (task.wish === "release") return this.#forget(task);
    // Said once, and once more when it is certain.
    if (phase === "lost" && !(task.mayReturn && dead)) return this.#watch(task);
    task.mayReturn = !dead;
    this.#cancelAlarms(task);
    this.#context.move(task, "lost");
    this.#context.emit({ type: "lost", key: task.key, reason, message, dead });
    task.watch = { alarm: undefined, tries: 0 };
    this.#watch(task);
  }

  /** It was given up, and yet it may run: the master is asked until it knows, or until the client lets go. */
  #watch(task: KeptTask): void {
    const { alarms, timings, nowMs, policy } = this.#context;
    if (policy.overlap === "allow" || task.phase !== "lost" || !task.mayReturn || task.orphaned) return;
    if (task.watch.alarm?.pending === true) return;
    const tries = task.watch.tries + 1;
    const atMs = nowMs + pauseMs(timings.watchRepeat, tries);
    task.watch = { alarm: alarms.set(atMs, { type: "watch", task }), tries };
  }

  /** Asks about tasks that are watched, and again later. */
  askWatched(tasks: readonly KeptTask[]): void {
    const lost = tasks.filter(({ phase }) => phase === "lost");
    this.#reconcile(lost);
    for (const task of lost) this.#watch(task);
  }

  /** Whoever may have to know watches every task that was given up so far. */
  watchAll(): void {
    for (const task of this.#context.tasks.values()) this.#watch(task);
  }

  /** The master believes these to be on agents that it does not reach; those of earlier lives are adopted. */
  unreachableFound(found: readonly UnreachableTask[]): void {
    for (const { taskId, agentId } of found) {
      if (this.#context.tasks.withTaskId(taskId) !== undefined) continue;
      const message = "on an agent that the master does not reach";
      this.updated({ taskId, agentId, state: "TASK_UNREACHABLE", source: "SOURCE_MASTER", message });
    }
  }

  #stopped(task: KeptTask): void {
    this.#context.move(task, "stopped");
    this.#context.emit({ type: "stopped", key: task.key });
  }

  // ------------------------------------------------------------------------------------------------------- launches

  /** The ACCEPT may or may not have been carried out. Its offers are declined first: after that it can no longer be. */
  acceptUnknown({ offerIds, operations }: Extract<SchedulerCall, { type: "ACCEPT" }>): void {
    this.#context.call({ type: "DECLINE", offerIds, filters: { refuseSeconds: 0 } });
    const uncertain: KeptTask[] = [];
    for (const task of this.#launchedBy(operations)) {
      this.#context.move(task, "uncertain");
      uncertain.push(task);
    }
    this.ask(uncertain);
  }

  /** The master did not take the call itself. */
  acceptRejected(call: Extract<SchedulerCall, { type: "ACCEPT" }>, message: string): void {
    const shapes = new Map(
      [...this.#launchedBy(call.operations)].flatMap(({ shape }) => (shape ? [[shape.id, shape]] : [])),
    );
    for (const shape of shapes.values()) this.#refuse(shape, message);
    this.acceptUnknown(call);
  }

  *#launchedBy(operations: Extract<SchedulerCall, { type: "ACCEPT" }>["operations"]): Iterable<KeptTask> {
    for (const operation of operations) {
      const infos: readonly TaskInfo[] = operation.type === "LAUNCH" ? operation.taskInfos : [];
      for (const { taskId } of infos) {
        const task = this.#context.tasks.withTaskId(taskId);
        if (task?.phase === "launched") yield task;
      }
    }
  }

  /** It is certain that this launch runs nowhere: another one, with an id of its own, takes its place. */
  #launchFailed(task: KeptTask): void {
    const { tasks, alarms, timings, nowMs } = this.#context;
    this.#cancelAlarms(task);
    if (task.wish === "release") return this.#forget(task);
    if (task.wish === "kill") return this.#stopped(task);
    // The launch is superseded, so that nothing depends on its updates any more.
    this.#payOwed(task);
    this.#context.move(task, "waiting");
    tasks.assignTaskId(task, undefined);
    task.agentId = undefined;
    task.executor = undefined;
    task.failures++;
    task.phaseAlarm = alarms.set(nowMs + pauseMs(timings.launchRetry, task.failures), { type: "phase", task });
  }

  /** Mesos has it, so such tasks are not refused. */
  #taken(task: KeptTask): void {
    task.failures = 0;
    if (task.shape === undefined || !this.#context.backlog.taken(task.shape)) return;
    this.#context.cycle.newWork();
    if (this.#troubled) this.#context.emit({ type: "trouble", message: null });
    this.#troubled = false;
  }

  /** Once for each executor, however many tasks it takes along. */
  #blame({ agentId, executor }: KeptTask, message: string): void {
    if (agentId === undefined || executor === undefined || executor.blamed) return;
    executor.blamed = true;
    this.#context.agents.failed(agentId, message, this.#context.nowMs);
  }

  #enqueue(task: KeptTask): void {
    if (task.shape !== undefined && this.#context.backlog.add(task, task.shape)) this.#context.cycle.newWork();
  }

  #dequeue(task: KeptTask): void {
    this.#context.alarms.cancel(task.phaseAlarm);
    if (task.shape !== undefined) this.#context.backlog.remove(task, task.shape);
  }

  // ----------------------------------------------------------------------------------------------------------- time

  /** The present phase has lasted its time. */
  phaseOver(task: KeptTask): void {
    if (task.phase === "waiting") this.#enqueue(task);
    if (task.phase === "unreachable")
      this.#lost(task, "agent-unreachable", "the agent did not come back in time", false);
  }

  killAgain(task: KeptTask): void {
    if (task.live) this.#sendKill(task);
  }

  /** Asks the master about these tasks, and again until it answers. */
  ask(tasks: readonly KeptTask[]): void {
    const { alarms, timings, nowMs, connected } = this.#context;
    if (!connected) return; // all live tasks are asked for after the next subscription
    const live = tasks.filter((task) => task.live);
    for (const task of live) {
      alarms.cancel(task.reconcile.alarm);
      const tries = task.reconcile.tries + 1;
      const atMs = nowMs + pauseMs(timings.reconcileRepeat, tries);
      task.reconcile = { alarm: alarms.set(atMs, { type: "reconcile", task }), tries };
    }
    this.#reconcile(live);
  }

  #reconcile(tasks: readonly KeptTask[]): void {
    const questions = tasks.flatMap(({ taskId, agentId }) => {
      if (taskId === undefined) return [];
      return [agentId === undefined ? { taskId } : { taskId, agentId }];
    });
    for (let from = 0; from < questions.length; from += RECONCILE_BATCH) {
      this.#context.call({ type: "RECONCILE", tasks: questions.slice(from, from + RECONCILE_BATCH) });
    }
  }

  /** Asks about every live task, or only those that were not heard of in this subscription; repeats kills. */
  askAll(options: { readonly onlySilent: boolean }): void {
    const live = [...this.#context.tasks.values()].filter((task) => task.live);
    const { subscription } = this.#context;
    this.ask(options.onlySilent ? live.filter((task) => task.heardIn !== subscription) : live);
    for (const task of live) if (task.wish !== "run" && options.onlySilent) this.#sendKill(task);
  }

  /** The master removed the framework and killed its tasks; nothing that it knew exists any more. */
  frameworkRemoved(message: string): void {
    for (const task of [...this.#context.tasks.values()]) {
      task.owed = [];
      task.orphaned = true;
      this.#lost(task, "framework-removed", message, false);
    }
  }

  #sendKill(task: KeptTask): void {
    const { taskId, agentId, killing } = task;
    const { alarms, timings, nowMs } = this.#context;
    if (taskId === undefined) return;
    alarms.cancel(killing.alarm);
    const tries = killing.tries + 1;
    const atMs = nowMs + pauseMs(timings.killRepeat, tries);
    task.killing = { alarm: alarms.set(atMs, { type: "kill", task }), tries };
    this.#context.call({ type: "KILL", taskId, ...(agentId === undefined ? {} : { agentId }) });
  }

  // ------------------------------------------------------------------------------------------------ acknowledgements

  /** By presence of a uuid, whatever the reason. The last word waits until the client has made it durable. */
  #acknowledge(task: KeptTask, status: TaskStatus): void {
    const { uuid, taskId } = status;
    const agentId = status.agentId ?? task.agentId;
    if (uuid === undefined) return;
    if (!isTerminal(status.state) || agentId === undefined) return this.#acknowledgeNow(status);
    if (!task.owed.some((owed) => equalBytes(owed.uuid, uuid))) task.owed.push({ agentId, taskId, uuid });
  }

  #acknowledgeNow({ taskId, agentId, uuid, state }: TaskStatus): void {
    if (uuid === undefined) return;
    if (agentId !== undefined) this.#context.call({ type: "ACKNOWLEDGE", taskId, agentId, uuid });
    else this.#context.report("warn", "cannot acknowledge an update without agent id", { taskId, state });
  }

  #payOwed(task: KeptTask): void {
    for (const owed of task.owed) this.#context.call({ type: "ACKNOWLEDGE", ...owed });
    task.owed = [];
  }

  #forget(task: KeptTask): void {
    const { backlog, options, tasks } = this.#context;
    this.#payOwed(task);
    this.#cancelAlarms(task);
    if (task.shape !== undefined) backlog.forget(task, task.shape);
    if (task.live) this.#context.move(task, "lost");
    // Only ids of other epochs would be adopted again; they are as many as ran when this life began.
    const { taskId } = task;
    if (taskId !== undefined && parseTaskId(taskId)?.epoch !== options.epoch) this.#released.add(taskId);
    tasks.remove(task);
  }

  #cancelAlarms(task: KeptTask): void {
    const { alarms } = this.#context;
    alarms.cancel(task.phaseAlarm);
    alarms.cancel(task.reconcile.alarm);
    alarms.cancel(task.killing.alarm);
    alarms.cancel(task.watch.alarm);
  }
}

/** Certain of a task of an earlier life, of which nothing else is known. */
function neverRan(meaning: StatusMeaning): boolean {
  if (meaning.type === "executor-failed") return !meaning.mayHaveRun;
  return meaning.type === "not-started" || meaning.type === "refused" || meaning.type === "absent";
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
