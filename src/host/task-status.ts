import { noBytes } from "../base/bytes.ts";
import { assertNever } from "../base/errors.ts";
import { type Random, uuidBytes } from "../base/random.ts";
import { executorVersionLabel } from "../engine/executor-wire.ts";
import { judge } from "../engine/faults.ts";
import type { RunOutcome } from "../engine/ports.ts";
import { encodeRunResult } from "../engine/run-wire.ts";
import type { TaskId, TaskState, TaskStatus } from "../mesos/types.ts";
import type { ProgramEnd } from "../programs/programs.ts";

/** The part of a status that says what happened. */
export type StatusContent = Pick<TaskStatus, "state" | "message" | "data">;

export interface StatusOptions {
  /** The version of Brigade, told in the first status. */
  readonly version: string;
  /** Milliseconds since 1970 when `nowMs` was 0. */
  readonly epochMs: number;
}

/** Makes status updates as an agent expects them of an executor. */
export class StatusMaker {
  readonly #options: StatusOptions;
  readonly #random: Random;
  #versionTold = false;

  constructor(options: StatusOptions, random: Random) {
    this.#options = options;
    this.#random = random;
  }

  /** `agentId` is left out: an agent drops an update, after a 202, in which it is wrong. */
  make(taskId: TaskId, content: StatusContent, nowMs: number): TaskStatus {
    const { version, epochMs } = this.#options;
    const status: TaskStatus = {
      ...content,
      taskId,
      source: "SOURCE_EXECUTOR",
      uuid: uuidBytes(this.#random),
      timestamp: (epochMs + nowMs) / 1000,
    };
    if (this.#versionTold) return status;
    this.#versionTold = true;
    return { ...status, labels: { labels: [{ key: executorVersionLabel, value: version }] } };
  }
}

/**
 * How the end of a program is told to Mesos. Who decides reads `data` (the run's result); state and message are for
 * people. A run that was lost has no result, and so no data.
 */
export function programStatus(end: ProgramEnd, attempt: number | undefined): StatusContent {
  switch (end.type) {
    case "ended": {
      const { outcome } = end.result;
      const data = encodeRunResult(attempt === undefined ? end.result : { ...end.result, attempt });
      const verdict = judge(outcome);
      const message = "reason" in verdict ? verdict.reason : verdict.type;
      return { state: stateOf(outcome), message, data };
    }
    case "lost":
      return { state: "TASK_FAILED", message: end.message };
    default:
      return assertNever(end);
  }
}

/** A task whose request cannot be read: it asks for something that this Brigade does not know. */
export function unreadableRequest(message: string): StatusContent {
  const outcome = { type: "not-startable", reason: "option-refused", message } as const;
  const result = { outcome, stdout: noBytes, stderrTail: noBytes, durationMs: 0, specVersion: "" };
  return { state: "TASK_FAILED", message, data: encodeRunResult(result) };
}

function stateOf(outcome: RunOutcome): TaskState {
  if (outcome.type === "succeeded") return "TASK_FINISHED";
  return outcome.type === "killed" ? "TASK_KILLED" : "TASK_FAILED";
}
