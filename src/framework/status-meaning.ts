import type { LostReason } from "../engine/ports.ts";
import type { TaskStatus } from "../mesos/types.ts";

/** What a status update says about a task, before it is known in which phase the task is. */
export type StatusMeaning =
  /** Mesos has it. Whether its program has begun is another question. */
  | { readonly type: "alive" }
  /** It ended, but this is only the master's word: the update with its data is still to come from the agent. */
  | { readonly type: "result-to-come" }
  /** The executor's last word, with its data. */
  | { readonly type: "result" }
  /** Its agent is cut off; it may come back. */
  | { readonly type: "unreachable" }
  /** The launch came to nothing: no executor ever got the task. */
  | { readonly type: "not-started" }
  /**
   * The agent could not start the executor's container. `mayHaveRun`: it did start, and ended before the agent regarded
   * its launch as complete. Until then it may have subscribed, got the task, and run it.
   */
  | { readonly type: "executor-failed"; readonly mayHaveRun: boolean }
  /** Mesos does not take such a task, wherever and however often it is sent. */
  | { readonly type: "refused" }
  /** Asked for, and unknown: to its agent, which is there, so that it does not run (`dead`); or to the master alone. */
  | { readonly type: "absent"; readonly dead: boolean }
  | { readonly type: "lost"; readonly reason: LostReason };

/** Of the Docker containerizer: the container's exit, where `docker inspect` has not shown it running yet. */
const endedWhileStarting = /^Failed to launch container: (Container exited with|Unable to get executor pid)/;

/**
 * TASK_ERROR texts that tell of a moment and not of the task: what the master knew of ids, executors and room has
 * changed since the offer. Mesos gives all of them one reason, REASON_TASK_INVALID, so that only the text tells.
 */
const momentaryErrors: readonly RegExp[] = [
  /^Task has duplicate ID/,
  /^Task reuses the ID of an unreachable task/,
  /^Task uses invalid agent/,
  /^ExecutorInfo is not compatible/,
  /required by task and its executor is more than available/,
  /^Cannot reuse an already existing executor/,
];

/** @see docs of Mesos, task-state-reasons.md; for a framework that is PARTITION_AWARE */
export function meaningOf(status: TaskStatus): StatusMeaning {
  switch (status.state) {
    case "TASK_STAGING":
    case "TASK_STARTING":
    case "TASK_RUNNING":
    case "TASK_KILLING":
      return { type: "alive" };
    case "TASK_UNREACHABLE":
      return { type: "unreachable" };
    case "TASK_UNKNOWN":
      return { type: "absent", dead: false };
    case "TASK_FINISHED":
    case "TASK_FAILED":
    case "TASK_KILLED":
      return meaningOfEnd(status);
    case "TASK_DROPPED":
      return { type: "not-started" };
    case "TASK_ERROR":
      return { type: momentaryErrors.some((text) => text.test(status.message ?? "")) ? "not-started" : "refused" };
    case "TASK_GONE":
      // The master's answer to a question, as opposed to the agent's news that the executor is gone.
      return isAnswer(status) ? { type: "absent", dead: true } : { type: "lost", reason: "executor-lost" };
    case "TASK_LOST":
      return { type: "lost", reason: status.source === "SOURCE_AGENT" ? "executor-lost" : "agent-lost" };
    case "TASK_GONE_BY_OPERATOR":
      return { type: "lost", reason: "agent-lost" };
  }
}

function meaningOfEnd(status: TaskStatus): StatusMeaning {
  // No uuid means that the master answers from memory, without the data; the agent repeats the real update.
  if (status.uuid === undefined) return { type: "result-to-come" };
  if (status.source !== "SOURCE_AGENT") return { type: "result" };
  if (status.state === "TASK_KILLED") return { type: "not-started" };
  if (status.reason === "REASON_CONTAINER_LAUNCH_FAILED") {
    return { type: "executor-failed", mayHaveRun: endedWhileStarting.test(status.message ?? "") };
  }
  return status.reason === "REASON_EXECUTOR_REGISTRATION_TIMEOUT"
    ? { type: "not-started" }
    : { type: "lost", reason: "executor-lost" };
}

function isAnswer(status: TaskStatus): boolean {
  return status.source === "SOURCE_MASTER" && status.reason === "REASON_RECONCILIATION";
}
