import { BrigadeError } from "../base/errors.ts";

/**
 * Another scheduler subscribed with our framework id. Whoever subscribes last wins, so that going on would have the two
 * evict each other for ever: the Worker stops, leaves its consumer group and does not subscribe again.
 */
export class FailedOverError extends BrigadeError {
  override readonly name = "FailedOverError";
  readonly code = "framework-failed-over";
  readonly fault = "infrastructure";
}
