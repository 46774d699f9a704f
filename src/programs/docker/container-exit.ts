import { constants } from "node:os";
import type { RunOutcome } from "../../engine/ports.ts";

/** What `GET /containers/{id}/json` says of a container that has ended, or did not start. */
export interface ContainerState {
  readonly exitCode: number;
  readonly outOfMemory: boolean;
  /** When it ended, by the Engine's clock, ms since 1970. */
  readonly finishedAtMs: number;
  /** Not by its owner, who asks only before that. */
  readonly isBeingRemoved: boolean;
  /** Its first argument, by which it was to be started. */
  readonly program: string;
}

const signalNames = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));
/** As a shell reports that a signal ended a program, and as the Engine does. */
const SIGNAL_BASE = 128;

/**
 * How a container ended by itself. The Engine gives one number for both: 128 + n means signal n, from which `exit 139`
 * of the program's own cannot be told.
 */
export function outcomeOf({ exitCode, outOfMemory }: Pick<ContainerState, "exitCode" | "outOfMemory">): RunOutcome {
  if (exitCode === 0) return { type: "succeeded" };
  if (outOfMemory) return { type: "out-of-memory" };
  const signal = signalNames.get(exitCode - SIGNAL_BASE);
  return signal === undefined ? { type: "exited", code: exitCode } : { type: "signaled", signal };
}
