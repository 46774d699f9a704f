import { BrigadeError } from "../../base/errors.ts";
import type { RunOutcome } from "../../engine/ports.ts";
import { notStartable } from "../start-failure.ts";
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

/** What the Engine does not accept of a specification; anything else is the Engine's own trouble, and comes back as it is. */
export function refusedOption(error: unknown): unknown {
  if (!(error instanceof EngineRefusedError) || error.status >= 500) return error;
  return new NeverRanError(notStartable("option-refused", `Cannot run the container: ${error.reason}`));
}
