import { type BackoffOptions, backoffMs } from "../base/backoff.ts";

const noChance = { next: (): number => 0 };

/** The pause before try number `attempt`, without jitter: the keeper repeats itself to one master, not among many. */
export function pauseMs(options: BackoffOptions, attempt: number): number {
  return backoffMs({ ...options, jitter: 0 }, attempt, noChance);
}
