/*
 * When something is tried again. Pure, jitter included: the engine has no dice, so the jitter comes from what is tried
 * (a record's offset, say), which spreads records just as well and replays exactly.
 */

export interface RetryDelay {
  readonly initialMs: number;
  readonly maxMs: number;
}

/** The pause before repetition `attempt` (1 is the first): doubling, bounded, between half of it and all of it. */
export function retryDelayMs({ initialMs, maxMs }: RetryDelay, attempt: number, salt: number): number {
  const full = Math.min(maxMs, initialMs * 2 ** Math.min(Math.max(0, attempt - 1), 40));
  return Math.round(full * (1 - 0.5 * spread(salt, attempt)));
}

/** Evenly spread in [0, 1), the same for the same input (a 32-bit integer hash). */
function spread(salt: number, attempt: number): number {
  let x = (salt ^ Math.imul(attempt, 0x9e37_79b9)) >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x45d9_f3b) >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x45d9_f3b) >>> 0;
  return ((x ^ (x >>> 16)) >>> 0) / 4_294_967_296;
}
