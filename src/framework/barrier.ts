import type { SchedulerCall } from "../mesos/scheduler-api.ts";
import type { TaskId } from "../mesos/types.ts";

/** No task id of ours has this form (see task-id.ts). */
const QUESTION = /^brigade-barrier\.(\d+)\.(\d+)$/;

/**
 * Tells when the master has said all that it knows.
 *
 * Nothing marks the end of an implicit reconciliation's answers. So it is followed, on the same connection, by a
 * question about a task that cannot exist, without an agent id. The master answers that (TASK_UNKNOWN) only when no
 * agent is still to return to it, and after the answers to what was asked before. While it is silent both are asked
 * again: agents that returned in between have tasks to tell.
 */
export class Barrier {
  readonly #epoch: number;
  #asked = 0;
  /** Questions up to this one belong to former subscriptions. */
  #stale = 0;
  #open = false;

  constructor(epoch: number) {
    this.#epoch = epoch;
  }

  get open(): boolean {
    return this.#open;
  }

  close(): void {
    this.#open = false;
    this.#stale = this.#asked;
  }

  /** Answered, or waited for long enough. */
  pass(): void {
    this.#open = true;
  }

  ask(): readonly SchedulerCall[] {
    const taskId = `brigade-barrier.${this.#epoch}.${++this.#asked}` as TaskId;
    return [
      { type: "RECONCILE", tasks: [] },
      { type: "RECONCILE", tasks: [{ taskId }] },
    ];
  }

  isQuestion(taskId: TaskId): boolean {
    return QUESTION.test(taskId);
  }

  /** Whether this is the answer to a question of the present subscription. */
  answered(taskId: TaskId): boolean {
    const match = QUESTION.exec(taskId);
    if (match === null) return false;
    const [, epoch, question] = match;
    return Number(epoch) === this.#epoch && Number(question) > this.#stale;
  }
}
