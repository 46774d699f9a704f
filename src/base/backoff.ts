import type { Random } from "./random.ts";

export interface BackoffOptions {
  /** First pause before jitter. */
  readonly initialMs: number;
  /** Longest pause before jitter. */
  readonly maxMs: number;
  /** Growth from one attempt to the next. Default 2. */
  readonly factor?: number;
  /** Share of the pause that is left to chance, 0 to 1. Default 0.5: between half of the pause and all of it. */
  readonly jitter?: number;
}

/** The pause before try number `attempt` (the first repetition is 1), in milliseconds. Pure but for `random`. */
export function backoffMs(options: BackoffOptions, attempt: number, random: Random): number {
  const { initialMs, maxMs, factor = 2, jitter = 0.5 } = options;
  const full = Math.min(maxMs, initialMs * factor ** Math.min(Math.max(0, attempt - 1), 64));
  return full * (1 - jitter * random.next());
}
