import { DEFAULT_METADATA_LIMIT } from "./commit-metadata.ts";
import type { RetryDelay } from "./retry.ts";

export interface TrackerOptions {
  /** Longest distance from the watermark to the highest offset read (promise I2). */
  readonly maxSpan: number;
  /** Least time between two commits. */
  readonly commitIntervalMs: number;
  readonly metadataLimitBytes: number;
  /** Back-off of records whose executor or agent was lost. */
  readonly lossDelay: RetryDelay;
  /** How long runs of an earlier life are kept whose partition is another member's; that one may be dead by now. */
  readonly foreignHoldMs: number;
  /** Back-off of the probes of a paused processor. */
  readonly probeDelay: RetryDelay;
  /** Records read and not settled, at the least; twice the concurrency where that is more. */
  readonly minWindow: number;
}

export const defaultTrackerOptions: TrackerOptions = {
  maxSpan: 1_000_000,
  commitIntervalMs: 20,
  metadataLimitBytes: DEFAULT_METADATA_LIMIT,
  lossDelay: { initialMs: 200, maxMs: 30_000 },
  foreignHoldMs: 60_000,
  probeDelay: { initialMs: 1000, maxMs: 60_000 },
  minWindow: 1000,
};
