import { assertNever, BrigadeError } from "../base/errors.ts";
import type { Random } from "../base/random.ts";
import { decodeExecutorConfig, ExecutorWireError } from "../engine/executor-wire.ts";
import { decodeRunRequest, type RunRequest, RunWireError } from "../engine/run-wire.ts";
import type { ExecutorCall, ExecutorEvent } from "../mesos/executor-api.ts";
import type { ExecutorInfo, KillPolicy, TaskId, TaskInfo } from "../mesos/types.ts";
import { HeldTask } from "./held-task.ts";
import type { SessionCommand, SessionEvent } from "./session-events.ts";
import {
  programStatus,
  type StatusContent,
  StatusMaker,
  type StatusOptions,
  unreadableRequest,
} from "./task-status.ts";

export interface SessionOptions extends StatusOptions {
  /** What the agent leaves between SHUTDOWN and the end of this process. */
  readonly shutdownGraceMs: number;
}

/** Used where neither the KILL nor its task names a grace period; Mesos' own executors use the same. */
const DEFAULT_KILL_GRACE_MS = 3000;
/** TASK_RUNNING is optional and costs a quarter of the rate of short tasks: only tasks that last say it. */
const ANNOUNCE_AFTER_MS = 2000;
/** Where the scheduler names none. */
const DEFAULT_IDLE_TIMEOUT_MS = 600_000;
/**
 * An agent acknowledges within milliseconds, but never an update of a task that it has forgotten. An idle executor
 * waits for such an acknowledgement no longer than this.
 */
const ACKNOWLEDGE_PATIENCE_MS = 600_000;
/** Ids of tasks that are over, kept so that a repeated LAUNCH or KILL is recognised. */
const REMEMBERED_TASKS = 1000;

type Phase =
  | { readonly type: "serving" }
  /** SHUTDOWN came: no task is taken any more. At `deadlineMs` it exits, whatever is still open. */
  | { readonly type: "shutting-down"; readonly killByMs: number; readonly deadlineMs: number }
  | { readonly type: "left" };

/**
 * What an executor does, as a pure machine: what the agent says and how programs end goes in, calls to the agent and
 * orders to programs come out (reference: Mesos' executor HTTP API).
 *
 * Each task that was launched gets exactly one terminal update, under one uuid, which is sent again at each
 * subscription until the agent has ACKNOWLEDGED it.
 */
export class Session {
  readonly #options: SessionOptions;
  readonly #statuses: StatusMaker;
  readonly #tasks = new Map<TaskId, HeldTask>();
  /** When the tasks that run in silence are to be announced. They were added in the order of their times. */
  readonly #announceAtMs = new Map<TaskId, number>();
  readonly #finished = new Set<TaskId>();
  #phase: Phase = { type: "serving" };
  #connected = false;
  #running = 0;
  #idleTimeoutMs = DEFAULT_IDLE_TIMEOUT_MS;
  /** When something last happened; undefined until the first SUBSCRIBED. */
  #lastActivityMs: number | undefined;
  #commands: SessionCommand[] = [];

  constructor(options: SessionOptions, random: Random) {
    this.#options = options;
    this.#statuses = new StatusMaker(options, random);
  }

  /** @param nowMs time of a clock that never goes back */
  step(event: SessionEvent, nowMs: number): SessionCommand[] {
    if (this.#hasLeft) return [];
    this.#handle(event, nowMs);
    if (!this.#hasLeft) this.#announceLongTasks(nowMs);
    if (!this.#hasLeft) this.#exitWhenDone(nowMs);
    const commands = this.#commands;
    this.#commands = [];
    return commands;
  }

  /** The call that opens each connection: everything that the agent may not have heard of. */
  subscribe(): Extract<ExecutorCall, { type: "SUBSCRIBE" }> {
    const tasks = [...this.#tasks.values()];
    return {
      type: "SUBSCRIBE",
      unacknowledgedTasks: tasks.filter(({ acknowledged }) => !acknowledged).map(({ info }) => info),
      unacknowledgedUpdates: tasks.flatMap((task) => task.sendAll()),
    };
  }

  /** When a "wake" is wanted, if at all. */
  get wakeAtMs(): number | undefined {
    const [announceAtMs] = this.#announceAtMs.values();
    const deadlineMs = this.#phase.type === "shutting-down" ? this.#phase.deadlineMs : undefined;
    const times = [announceAtMs, deadlineMs, this.#idleDeadlineMs].filter((time) => time !== undefined);
    return times.length === 0 || this.#hasLeft ? undefined : Math.min(...times);
  }

  get #hasLeft(): boolean {
    return this.#phase.type === "left";
  }

  #handle(event: SessionEvent, nowMs: number): void {
    switch (event.type) {
      case "event":
        return this.#onAgent(event.event, nowMs);
      case "disconnected":
        this.#connected = false;
        return;
      case "gave-up":
        return this.#exit(1, event.message);
      case "call-rejected":
        // A result that cannot be delivered leaves its task running for ever. The end of this process frees it: the
        // agent then says that the task's executor was lost.
        if (event.call.type === "UPDATE") this.#exit(1, event.error.message);
        return;
      case "program-ended": {
        const task = this.#tasks.get(event.taskId);
        if (task === undefined || task.ended) return;
        this.#running--;
        return this.#end(task, programStatus(event.end, task.attempt), nowMs);
      }
      case "terminate":
        return this.#shutDown(nowMs);
      case "wake":
        return;
      default:
        return assertNever(event);
    }
  }

  #onAgent(event: ExecutorEvent, nowMs: number): void {
    switch (event.type) {
      case "SUBSCRIBED":
        return this.#subscribed(event.executorInfo, nowMs);
      case "LAUNCH":
        return this.#launch(event.task, nowMs);
      case "LAUNCH_GROUP":
        for (const task of event.tasks) this.#launch(task, nowMs);
        return;
      case "KILL":
        return this.#kill(event.taskId, event.killPolicy, nowMs);
      case "ACKNOWLEDGED":
        return this.#acknowledged(event.taskId, event.uuid, nowMs);
      case "SHUTDOWN":
        return this.#shutDown(nowMs);
      case "ERROR":
        return this.#exit(1, `the agent reports an error: ${event.message}`);
      case "UNKNOWN":
        return this.#log("warn", "event of an unknown type ignored", { value: event.value });
      case "MESSAGE":
      case "HEARTBEAT":
        return;
      default:
        return assertNever(event);
    }
  }

  #subscribed(executorInfo: ExecutorInfo, nowMs: number): void {
    this.#connected = true;
    this.#lastActivityMs = nowMs;
    this.#idleTimeoutMs = this.#readIdleTimeout(executorInfo);
    // What was made after the content of SUBSCRIBE was asked for.
    for (const task of this.#tasks.values()) this.#send(task);
  }

  #readIdleTimeout({ data }: ExecutorInfo): number {
    if (data === undefined) return DEFAULT_IDLE_TIMEOUT_MS;
    try {
      return decodeExecutorConfig(data).idleTimeoutMs;
    } catch (error) {
      if (!(error instanceof ExecutorWireError)) throw error;
      this.#log("warn", "executor configuration ignored", { error });
      return DEFAULT_IDLE_TIMEOUT_MS;
    }
  }

  #launch(info: TaskInfo, nowMs: number): void {
    const { taskId } = info;
    if (this.#tasks.has(taskId) || this.#finished.has(taskId)) return;
    this.#lastActivityMs = nowMs;
    const task = new HeldTask(info);
    this.#tasks.set(taskId, task);
    if (this.#phase.type !== "serving") {
      return this.#end(task, { state: "TASK_KILLED", message: "the executor is shutting down" }, nowMs);
    }
    const request = readRequest(info);
    if (request instanceof BrigadeError) {
      return this.#end(task, unreadableRequest(request.message), nowMs);
    }
    task.attempt = request.attempt;
    this.#running++;
    this.#announceAtMs.set(taskId, nowMs + ANNOUNCE_AFTER_MS);
    this.#commands.push({ type: "start-program", taskId, request });
  }

  #kill(taskId: TaskId, policy: KillPolicy | undefined, nowMs: number): void {
    const task = this.#tasks.get(taskId);
    if (task === undefined) {
      if (!this.#finished.has(taskId)) this.#killUnknown(taskId, nowMs);
      return;
    }
    if (task.ended) return;
    const wanted = graceOf(policy) ?? graceOf(task.info.killPolicy) ?? DEFAULT_KILL_GRACE_MS;
    const graceMs = this.#phase.type === "shutting-down" ? Math.min(wanted, this.#phase.killByMs - nowMs) : wanted;
    this.#commands.push({ type: "kill-program", taskId, graceMs: Math.max(0, graceMs) });
  }

  /**
   * Its LAUNCH was lost, so it will never run here. The answer is not held: an agent that does not know the task, too,
   * would never ACKNOWLEDGE it, and a KILL is repeated until a terminal update has come.
   */
  #killUnknown(taskId: TaskId, nowMs: number): void {
    this.#remember(taskId);
    const status = this.#statuses.make(
      taskId,
      { state: "TASK_KILLED", message: "the task never reached its executor" },
      nowMs,
    );
    this.#commands.push({ type: "call", call: { type: "UPDATE", status } });
  }

  #acknowledged(taskId: TaskId, uuid: Uint8Array, nowMs: number): void {
    const task = this.#tasks.get(taskId);
    if (task === undefined || !task.acknowledge(uuid)) return;
    this.#lastActivityMs = nowMs;
    if (!task.done) return;
    this.#tasks.delete(taskId);
    this.#remember(taskId);
  }

  #shutDown(nowMs: number): void {
    if (this.#phase.type !== "serving") return;
    const { shutdownGraceMs } = this.#options;
    // Programs get the agent's grace less two seconds, as with Mesos' own executors, or half of a short one; the rest
    // is for their updates.
    const killByMs = nowMs + Math.max(shutdownGraceMs - 2000, shutdownGraceMs / 2);
    this.#phase = { type: "shutting-down", killByMs, deadlineMs: nowMs + shutdownGraceMs * 0.9 };
    this.#log("info", "shutting down", { tasks: this.#running });
    for (const [taskId, task] of this.#tasks) {
      if (!task.ended) this.#commands.push({ type: "kill-program", taskId, graceMs: killByMs - nowMs });
    }
  }

  #announceLongTasks(nowMs: number): void {
    for (const [taskId, atMs] of this.#announceAtMs) {
      if (atMs > nowMs) return;
      this.#announceAtMs.delete(taskId);
      const task = this.#tasks.get(taskId);
      if (task === undefined || task.ended) continue;
      task.hold(this.#statuses.make(taskId, { state: "TASK_RUNNING" }, nowMs));
      this.#send(task);
    }
  }

  #end(task: HeldTask, end: StatusContent, nowMs: number): void {
    const { taskId } = task.info;
    this.#lastActivityMs = nowMs;
    this.#announceAtMs.delete(taskId);
    task.ended = true;
    task.hold(this.#statuses.make(taskId, end, nowMs));
    this.#send(task);
  }

  #send(task: HeldTask): void {
    if (!this.#connected) return;
    for (const status of task.sendNew()) this.#commands.push({ type: "call", call: { type: "UPDATE", status } });
  }

  get #idleDeadlineMs(): number | undefined {
    if (this.#lastActivityMs === undefined || this.#running > 0) return undefined;
    if (this.#tasks.size === 0) return this.#lastActivityMs + this.#idleTimeoutMs;
    return this.#connected ? this.#lastActivityMs + Math.max(this.#idleTimeoutMs, ACKNOWLEDGE_PATIENCE_MS) : undefined;
  }

  #exitWhenDone(nowMs: number): void {
    const phase = this.#phase;
    if (phase.type === "shutting-down") {
      const heard = this.#tasks.size === 0 || !this.#connected;
      if (this.#running === 0 && heard) this.#exit(0, "shut down");
      else if (nowMs >= phase.deadlineMs) this.#exit(1, "the shutdown grace period is over");
    } else if (this.#idleDeadlineMs !== undefined && nowMs >= this.#idleDeadlineMs) {
      this.#exit(0, this.#tasks.size === 0 ? "idle" : "idle, and the agent acknowledges no more");
    }
  }

  #exit(code: number, reason: string): void {
    this.#phase = { type: "left" };
    this.#commands.push({ type: "exit", code, reason });
  }

  #remember(taskId: TaskId): void {
    this.#finished.add(taskId);
    if (this.#finished.size <= REMEMBERED_TASKS) return;
    const [oldest] = this.#finished;
    if (oldest !== undefined) this.#finished.delete(oldest);
  }

  #log(level: "info" | "warn", message: string, fields: Readonly<Record<string, unknown>>): void {
    this.#commands.push({ type: "log", level, message, fields });
  }
}

function readRequest({ data }: TaskInfo): RunRequest | RunWireError {
  if (data === undefined) return new RunWireError("Cannot read run request: the task carries no data");
  try {
    return decodeRunRequest(data);
  } catch (error) {
    if (error instanceof RunWireError) return error;
    throw error;
  }
}

function graceOf(policy: KillPolicy | undefined): number | undefined {
  return policy?.gracePeriod === undefined ? undefined : policy.gracePeriod.nanoseconds / 1e6;
}
