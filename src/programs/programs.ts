import { noBytes } from "../base/bytes.ts";
import type { RunOutcome, RunResult } from "../engine/ports.ts";
import type { RunRequest, RunSpec } from "../engine/run-wire.ts";

/** What became of a program. */
export type ProgramEnd =
  /** It ran to an end, or could not be started for a reason that lies in the program or its specification. */
  | { readonly type: "ended"; readonly result: RunResult }
  /** The place of execution failed (out of processes, descriptors or memory; a daemon is gone): no fault of the run. */
  | { readonly type: "lost"; readonly message: string };

/** Of a run whose program was never started. */
export function neverRan({ version }: Pick<RunSpec, "version">, outcome: RunOutcome): ProgramEnd {
  const result = { outcome, stdout: noBytes, stderrTail: noBytes, durationMs: 0, specVersion: version };
  return { type: "ended", result };
}

export interface ProgramHandle {
  /**
   * Wants it ended: SIGTERM to the whole process group, SIGKILL after `graceMs` (at once where that is 0). The run then
   * ends as `killed`, whatever the program makes of the signal. May be repeated; only an earlier end counts.
   */
  kill(graceMs: number): void;
}

/** Executes programs, one per run. Process and container isolation stand behind this one interface. */
export interface Programs {
  /**
   * Never throws. `onEnd` is called exactly once, after `start` has returned.
   *
   * @param runKey names the run in logs; unique among what runs
   */
  start(runKey: string, request: RunRequest, onEnd: (end: ProgramEnd) => void): ProgramHandle;
  /** SIGKILL to everything that runs, at once and without waiting: for the last moment of a process. */
  killAll(): void;
}
