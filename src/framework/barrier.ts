import type { SchedulerCall } from "../mesos/scheduler-api.ts";
import type { TaskId } from "../mesos/types.ts";

/** No task id of ours has this form (see task-id.ts). */
const QUESTION = /^brigade-barrier\.(\d+)\.(\d+)$/;

/**
 * Tells when the master has said all that it knows.
 *
 * Nothing marks the end of an implicit reconciliation's answers. So it is followed, on the same connection, by a
 * question about a task that cannot exist, without an agent id. The master answers that (TASK_UNKNOWN) after the answers
 * to what was asked before, and only when no agent is still to return to it. While it is silent both are asked again.
 *
 * The last agent may have returned just between the two: then its tasks are in no answer yet. So the first answer only
 * says that all agents are there, and the answer to what is asked after it, that all their tasks were told.
 */
export class Barrier {
  readonly #epoch: number;
  #asked = 0;
  /** Questions up to this one say nothing any more. */
  #past = 0;
  #known: "nothing" | "agents" | "tasks" = "nothing";
  #patient = true;

  constructor(epoch: number) {
    this.#epoch = epoch;
  }

  get open(): boolean {
    return this.#known === "tasks" || !this.#patient;
  }

  /** The subscription is over. */
  close(): void {
    this.#known = "nothing";
    this.#patient = true;
    this.#past = this.#asked;
  }

  /** Opens it for this subscription although the answers are missing; they are still welcome. */
  force(): void {
    this.#patient = false;
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

  /** @returns what an answer to this question leads to */
  answered(taskId: TaskId): "nothing" | "ask-again" | "all-told" {
    const [, epoch, question] = QUESTION.exec(taskId) ?? [];
    if (Number(epoch) !== this.#epoch || !(Number(question) > this.#past)) return "nothing";
    this.#past = this.#asked;
    if (this.#known === "nothing") {
      this.#known = "agents";
      return "ask-again";
    }
    this.#known = "tasks";
    return "all-told";
  }
}
