import { type FrameworkId, isTerminal, type TaskId, type TaskState, type TaskStatus } from "../../../mesos/types.ts";
import { Timers } from "../timers.ts";

const FIRST_RETRY_MS = 10_000;
const LONGEST_RETRY_MS = 600_000;

/** An update on its way to the master. */
export interface Forward {
  readonly frameworkId: FrameworkId;
  readonly status: TaskStatus;
  readonly latestState: TaskState;
}

interface Queue {
  readonly frameworkId: FrameworkId;
  readonly taskId: TaskId;
  /** The first is in flight; the others wait until the scheduler has acknowledged it. */
  readonly pending: TaskStatus[];
  /** Uuids of all updates of the task so far, so that repeated ones are known. */
  readonly seen: Set<string>;
  latestState: TaskState;
  retryMs: number;
  /** Tells whether a retry that comes due is still the newest. */
  sends: number;
}

/** What an ACKNOWLEDGE did: it was not for the update in flight, or it was, and perhaps for the last one of the task. */
export type Acknowledged = "ignored" | "acknowledged" | "finished";

/**
 * Delivers status updates to the master: per task in order, one in flight, again after 10 s, 20 s … 10 min until the
 * scheduler acknowledges it. Different tasks do not wait for one another.
 */
export class StatusUpdates {
  readonly #forward: (forward: Forward) => void;
  readonly #queues = new Map<FrameworkId, Map<TaskId, Queue>>();
  readonly #retries = new Timers<{ readonly queue: Queue; readonly send: number }>();
  #connected = false;

  constructor(forward: (forward: Forward) => void) {
    this.#forward = forward;
  }

  get nextWakeMs(): number | undefined {
    return this.#retries.nextMs;
  }

  /** Whether this very update is known already. */
  has(frameworkId: FrameworkId, { taskId, uuid }: TaskStatus): boolean {
    return uuid !== undefined && this.#queue(frameworkId, taskId)?.seen.has(keyOf(uuid)) === true;
  }

  hasTask(frameworkId: FrameworkId, taskId: TaskId): boolean {
    return this.#queue(frameworkId, taskId) !== undefined;
  }

  /** What a framework's scheduler has not acknowledged, of each task in order. */
  *pending(frameworkId: FrameworkId): Iterable<TaskStatus> {
    for (const queue of this.#queues.get(frameworkId)?.values() ?? []) yield* queue.pending;
  }

  /** @param status with a uuid */
  add(frameworkId: FrameworkId, status: TaskStatus, nowMs: number): void {
    const queue = this.#queue(frameworkId, status.taskId) ?? this.#open(frameworkId, status.taskId);
    queue.pending.push(status);
    queue.latestState = status.state;
    if (status.uuid !== undefined) queue.seen.add(keyOf(status.uuid));
    if (queue.pending.length === 1) this.#sendFirst(queue, nowMs);
  }

  acknowledge(frameworkId: FrameworkId, taskId: TaskId, uuid: Uint8Array, nowMs: number): Acknowledged {
    const queue = this.#queue(frameworkId, taskId);
    const first = queue?.pending[0];
    if (queue === undefined || first?.uuid === undefined || keyOf(first.uuid) !== keyOf(uuid)) return "ignored";
    queue.pending.shift();
    queue.sends++;
    if (isTerminal(first.state)) {
      this.#close(queue);
      return "finished";
    }
    if (queue.pending.length > 0) this.#sendFirst(queue, nowMs);
    return "acknowledged";
  }

  /** Forgets a task of which nothing is in flight and nothing more is to come. */
  forgetIdle(frameworkId: FrameworkId, taskId: TaskId): void {
    const queue = this.#queue(frameworkId, taskId);
    if (queue?.pending.length === 0) this.#close(queue);
  }

  removeFramework(frameworkId: FrameworkId): void {
    for (const queue of this.#queues.get(frameworkId)?.values() ?? []) queue.sends++;
    this.#queues.delete(frameworkId);
  }

  /** The master is there, or something is new about a framework: the oldest pending update of every task goes again. */
  resend(nowMs: number): void {
    this.#connected = true;
    for (const queues of this.#queues.values()) {
      for (const queue of queues.values()) {
        if (queue.pending.length > 0) this.#sendFirst(queue, nowMs);
      }
    }
  }

  /** Nothing is sent until {@link resend}. */
  pause(): void {
    this.#connected = false;
  }

  wake(nowMs: number): void {
    for (let due = this.#retries.take(nowMs); due !== undefined; due = this.#retries.take(nowMs)) {
      const { queue, send } = due;
      if (queue.sends === send && queue.pending.length > 0) {
        this.#send(queue, nowMs, Math.min(queue.retryMs * 2, LONGEST_RETRY_MS));
      }
    }
  }

  #sendFirst(queue: Queue, nowMs: number): void {
    this.#send(queue, nowMs, FIRST_RETRY_MS);
  }

  #send(queue: Queue, nowMs: number, retryMs: number): void {
    const status = queue.pending[0];
    if (status === undefined || !this.#connected) return;
    queue.retryMs = retryMs;
    queue.sends++;
    this.#retries.set(nowMs + retryMs, { queue, send: queue.sends });
    this.#forward({ frameworkId: queue.frameworkId, status, latestState: queue.latestState });
  }

  #queue(frameworkId: FrameworkId, taskId: TaskId): Queue | undefined {
    return this.#queues.get(frameworkId)?.get(taskId);
  }

  #open(frameworkId: FrameworkId, taskId: TaskId): Queue {
    const queue: Queue = {
      frameworkId,
      taskId,
      pending: [],
      seen: new Set(),
      latestState: "TASK_STAGING",
      retryMs: FIRST_RETRY_MS,
      sends: 0,
    };
    let queues = this.#queues.get(frameworkId);
    if (queues === undefined) this.#queues.set(frameworkId, (queues = new Map()));
    queues.set(taskId, queue);
    return queue;
  }

  #close(queue: Queue): void {
    queue.sends++;
    const queues = this.#queues.get(queue.frameworkId);
    queues?.delete(queue.taskId);
    if (queues?.size === 0) this.#queues.delete(queue.frameworkId);
  }
}

function keyOf(uuid: Uint8Array): string {
  return Buffer.from(uuid.buffer, uuid.byteOffset, uuid.byteLength).toString("latin1");
}
