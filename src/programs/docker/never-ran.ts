import { BrigadeError } from "../../base/errors.ts";
import type { RunOutcome } from "../../engine/ports.ts";
import { notStartable } from "../start-failure.ts";
import type { ContainerState } from "./container-exit.ts";
import { EngineRefusedError } from "./errors.ts";

/** A run is over before its program ran: it was not wanted any more, or it cannot be started as it is specified. */
export class NeverRanError extends BrigadeError {
  override readonly name = "NeverRanError";
  readonly code = "never-ran";
  readonly fault = "processor";
  readonly outcome: RunOutcome;

  constructor(outcome: RunOutcome) {
    super(outcome.type === "not-startable" ? outcome.message : "The run was ended before its program ran");
    this.outcome = outcome;
  }
}

/** The Engine's own exit codes of a container whose program could not be started. */
const CANNOT_EXECUTE = 126;
const NOT_FOUND = 127;

/**
 * What the Engine says, with status 500 as of its own trouble, of options that no start will ever get past on that host.
 * Only its words tell them apart from a full disk; those of Docker 20.10 and of runc 1.1 stand here.
 */
const optionRefusals: readonly RegExp[] = [
  /unable to find (user|group) /,
  /Cannot mkdir: .* is not a directory/,
  /error gathering device information/,
  /could not select device driver/,
  /error setting rlimit/,
  /wrong rlimit value/,
  /invalid tmpfs option/,
  /unable to apply caps/,
  /sethostname: /,
];
/** Of exit codes 126 and 127, which also tell of mounts that do not fit and of a working folder that is none. */
const mountRefusal = /error mounting|mount a directory onto a file|chdir to cwd/;

/** What the Engine does not accept of a specification; anything else is the Engine's own trouble, and comes back as it is. */
export function refusedOption(error: unknown): unknown {
  if (!(error instanceof EngineRefusedError)) return error;
  const isOption = error.status < 500 || optionRefusals.some((pattern) => pattern.test(error.reason));
  return isOption
    ? new NeverRanError(notStartable("option-refused", `Cannot run the container: ${error.reason}`))
    : error;
}

/** The same of a container that was created and does not start. @param state as it is after that */
export function refusedStart(error: EngineRefusedError, { exitCode }: ContainerState): unknown {
  if ((exitCode === CANNOT_EXECUTE || exitCode === NOT_FOUND) && !mountRefusal.test(error.reason)) {
    return new NeverRanError(notStartable("program-not-found", `Cannot start the container: ${error.reason}`));
  }
  return refusedOption(error);
}
