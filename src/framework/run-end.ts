import { noBytes } from "../base/bytes.ts";
import { describeError } from "../base/errors.ts";
import type { RunOutcome, RunResult } from "../engine/ports.ts";
import { decodeRunResult, RunWireError } from "../engine/run-wire.ts";
import type { TaskStatus } from "../mesos/types.ts";

/** What the last word about a task means for its run: of its executor, or of an agent that could not start one. */
export type RunEnd =
  | { readonly type: "ended"; readonly result: RunResult }
  /** The executor is there, but what it runs programs with failed: a daemon, or the machine's memory. */
  | { readonly type: "lost"; readonly message: string }
  /** The executor says that it is over, but not in words that can be read: the run is as good as lost. */
  | { readonly type: "unreadable"; readonly message: string };

/** @param specVersion of the run, for ends that do not tell it */
export function runEnd(status: TaskStatus, specVersion: string): RunEnd {
  const { state, data = noBytes, message, source } = status;
  if (data.length > 0) return decoded(data, specVersion);
  if (source === "SOURCE_AGENT") {
    const reason = message ?? "the agent does not say why";
    const outcome = {
      type: "not-startable",
      reason: "executor-missing",
      message: `Mesos cannot start the executor: ${reason}`,
    } as const;
    return ended(outcome, specVersion);
  }
  if (state === "TASK_KILLED") return ended({ type: "killed" }, specVersion);
  if (state === "TASK_FAILED" && message !== undefined) return { type: "lost", message };
  return { type: "unreadable", message: `${state} came without a result` };
}

function decoded(data: Uint8Array, specVersion: string): RunEnd {
  try {
    const result = decodeRunResult(data);
    // Of a request that could not be read.
    return { type: "ended", result: result.specVersion === "" ? { ...result, specVersion } : result };
  } catch (error) {
    if (error instanceof RunWireError) return { type: "unreadable", message: describeError(error) };
    throw error;
  }
}

/** Of a run that was not wanted any more before anybody had begun with it. */
export function neverRan(specVersion: string): RunResult {
  return resultOf({ type: "killed" }, specVersion);
}

function resultOf(outcome: RunOutcome, specVersion: string): RunResult {
  return { outcome, stdout: noBytes, stderrTail: noBytes, durationMs: 0, specVersion };
}

function ended(outcome: RunOutcome, specVersion: string): RunEnd {
  return { type: "ended", result: resultOf(outcome, specVersion) };
}
