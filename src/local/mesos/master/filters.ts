import type { Filters } from "../../../mesos/types.ts";
import type { Resources } from "../resources.ts";

const DEFAULT_REFUSE_MS = 5000;
const LONGEST_REFUSE_MS = 365 * 86_400_000;

/**
 * How long an answer to an offer keeps the resources away, in milliseconds; undefined for no filter.
 *
 * Absent, negative or invalid is 5 s, more than a year is a year, 0 is no filter; none is shorter than an allocation
 * interval.
 */
export function refuseMs(filters: Filters | undefined, allocationIntervalMs: number): number | undefined {
  const seconds = filters?.refuseSeconds;
  if (seconds === 0) return undefined;
  const valid = seconds !== undefined && !Number.isNaN(seconds) && seconds > 0;
  const ms = valid ? Math.min(seconds * 1000, LONGEST_REFUSE_MS) : DEFAULT_REFUSE_MS;
  return Math.max(ms, allocationIntervalMs);
}

/** The filters of one framework, role and agent. They add up; each lives its own time. */
export class FilterList {
  #filters: { readonly refused: Resources; readonly untilMs: number }[] = [];

  add(refused: Resources, untilMs: number): void {
    const implied = this.#filters.some((other) => other.untilMs >= untilMs && other.refused.contains(refused));
    if (implied) return;
    // Those that the new one implies can go: with many small answers the list stays short.
    this.#filters = this.#filters.filter((other) => other.untilMs > untilMs || !refused.contains(other.refused));
    this.#filters.push({ refused, untilMs });
  }

  /** A filter blocks what is contained in what was refused: more than that passes. */
  blocks(offered: Resources, nowMs: number): boolean {
    this.#filters = this.#filters.filter(({ untilMs }) => untilMs > nowMs);
    return this.#filters.some(({ refused }) => refused.contains(offered));
  }
}
