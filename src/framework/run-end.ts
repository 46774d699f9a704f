import { noBytes } from "../base/bytes.ts";
import { describeError } from "../base/errors.ts";
import type { RunOutcome, RunResult } from "../engine/ports.ts";
import { decodeRunResult, RunWireError } from "../engine/run-wire.ts";
import type { TaskStatus } from "../mesos/types.ts";

/** What an executor's last word about a task means for its run. */
export type RunEnd =
  | { readonly type: "ended"; readonly result: RunResult }
  /** The executor says that it is over, but not in words that can be read: the run is as good as lost. */
  | { readonly type: "unreadable"; readonly message: string };

/** @param specVersion of the run, for results that do not tell it */
export function runEnd(status: TaskStatus, specVersion: string): RunEnd {
  const { state, data = noBytes, message } = status;
  if (data.length > 0) return decoded(data);
  if (state === "TASK_KILLED") return ended({ type: "killed" }, specVersion);
  // The executor could not read the request: another version of Brigade runs there.
  if (state === "TASK_FAILED" && message !== undefined) {
    return ended({ type: "not-startable", reason: "option-refused", message }, specVersion);
  }
  return { type: "unreadable", message: `${state} came without a result` };
}

function decoded(data: Uint8Array): RunEnd {
  try {
    return { type: "ended", result: decodeRunResult(data) };
  } catch (error) {
    if (error instanceof RunWireError) return { type: "unreadable", message: describeError(error) };
    throw error;
  }
}

function ended(outcome: RunOutcome, specVersion: string): RunEnd {
  return { type: "ended", result: { outcome, stdout: noBytes, stderrTail: noBytes, durationMs: 0, specVersion } };
}
