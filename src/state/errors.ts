import { BrigadeError } from "../base/errors.ts";

/** The folder cannot be used: not writable, no folder, a full disk. */
export class StateUnavailableError extends BrigadeError {
  override readonly name = "StateUnavailableError";
  readonly code = "state-unavailable";
  readonly fault = "infrastructure";
}

/** Another process owns the state. It must end first: two owners would use one framework id. */
export class StateLockedError extends BrigadeError {
  override readonly name = "StateLockedError";
  readonly code = "state-locked";
  readonly fault = "infrastructure";
}

/** A stored value is damaged, or of a version that this Brigade does not read. */
export class StateFormatError extends BrigadeError {
  override readonly name = "StateFormatError";
  readonly code = "state-format";
  readonly fault = "infrastructure";
}
