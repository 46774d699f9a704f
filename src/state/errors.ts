import { BrigadeError } from "../base/errors.ts";

/** The state cannot be used: a folder that is not writable, a full disk, a ZooKeeper that does not answer. */
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

/** A value is larger than can be stored. */
export class StateTooLargeError extends BrigadeError {
  override readonly name = "StateTooLargeError";
  readonly code = "state-too-large";
  readonly fault = "infrastructure";
}

/** The lock was ours, and is not any more: whoever owns the state now must not be disturbed. */
export class StateLostError extends BrigadeError {
  override readonly name = "StateLostError";
  readonly code = "state-lost";
  readonly fault = "infrastructure";
}
