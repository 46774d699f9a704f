import { assertNever } from "../base/errors.ts";
import type { LostReason, RunOutcome } from "./ports.ts";

/** Exit codes with a meaning of their own, from sysexits.h. */
const EX_DATAERR = 65;
const EX_TEMPFAIL = 75;

/** What an outcome means for its record. */
export type Verdict =
  | { readonly type: "success" }
  /** The program failed: counts as an attempt, is tried again while attempts remain. */
  | { readonly type: "failed"; readonly reason: string }
  /** The program says, or the output shows, that trying again is pointless: straight to the error topic. */
  | { readonly type: "rejected"; readonly reason: string }
  /** The program asks for a later try (exit 75): no attempt, until `retry.max-age` is over. */
  | { readonly type: "later"; readonly reason: string }
  /** Nothing that this record did: the processor itself cannot run. It pauses with this reason. */
  | { readonly type: "processor"; readonly reason: string }
  /** Ended by us, nobody's fault. */
  | { readonly type: "killed" };

/** Whose fault decides: the table of promise I7, as far as a run's own end tells. */
export function judge(outcome: RunOutcome): Verdict {
  switch (outcome.type) {
    case "succeeded":
      return { type: "success" };
    case "exited":
      if (outcome.code === EX_DATAERR) return { type: "rejected", reason: "exit code 65 (EX_DATAERR)" };
      if (outcome.code === EX_TEMPFAIL) return { type: "later", reason: "exit code 75 (EX_TEMPFAIL)" };
      return { type: "failed", reason: `exit code ${outcome.code}` };
    case "signaled":
      return { type: "failed", reason: `killed by ${outcome.signal}` };
    case "timed-out":
      return { type: "failed", reason: `timed out after ${outcome.afterMs} ms` };
    case "out-of-memory":
      return { type: "failed", reason: "out of memory" };
    case "output-too-large":
      return { type: "rejected", reason: `output larger than ${outcome.limitBytes} bytes (max-output)` };
    case "not-startable":
      return { type: "processor", reason: `${outcome.reason}: ${outcome.message}` };
    case "killed":
      return { type: "killed" };
    default:
      return assertNever(outcome);
  }
}

/** Whether the loss of a run may mean that the processor itself cannot run, so that one at a time finds out. */
export function doubtsProcessor(reason: LostReason): boolean {
  return reason === "executor-start-failed";
}

/**
 * Whether the loss of a run makes its record a suspect: executors and agents that die under one record again and again
 * may die of it. A daemon that is down is down for every record alike, and so is an executor that does not start; and
 * that a framework was removed, or that nobody knows of a task, says nothing about the record.
 */
export function incriminates(reason: LostReason): boolean {
  switch (reason) {
    case "agent-lost":
    case "agent-unreachable":
    case "executor-lost":
      return true;
    case "executor-start-failed":
    case "daemon-lost":
    case "task-unknown":
    case "framework-removed":
      return false;
    default:
      return assertNever(reason);
  }
}
