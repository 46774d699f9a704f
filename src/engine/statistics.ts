import { assertNever } from "../base/errors.ts";
import type { TrackerNote } from "./tracker-events.ts";

/** Counters of one processor since its Worker started. */
export interface StatisticsView {
  readonly recordsIn: number;
  readonly bytesIn: number;
  readonly recordsOut: number;
  readonly recordsDropped: number;
  readonly errors: number;
  readonly failedAttempts: number;
  readonly reruns: Readonly<Record<string, number>>;
  readonly expired: number;
  /** Results whose record was gone. */
  readonly expiredResults: number;
  /** Results settled by another version of the specification than their run's. */
  readonly unknownVersions: number;
  /** Records that were settled in memory alone for a while: the commit's metadata had no place for them. */
  readonly metadataDropped: number;
  readonly latency: { readonly p50Ms: number; readonly p99Ms: number; readonly count: number };
  /** Finished records a second over the last ten seconds. */
  readonly ratePerSecond: number;
}

/** Latencies fall into buckets that grow by 5 %: a percentile is exact to that. */
const GROWTH = 1.05;
const BUCKETS = 400;
const RATE_WINDOW_S = 10;

/** Counts what the tracker notes. O(1) a note; percentiles cost a walk over the buckets, when they are asked for. */
export class Statistics {
  #recordsIn = 0;
  #bytesIn = 0;
  #failedAttempts = 0;
  #expired = 0;
  #expiredResults = 0;
  #unknownVersions = 0;
  #metadataDropped = 0;
  readonly #finished = { output: 0, error: 0, dropped: 0 };
  readonly #reruns: Record<string, number> = {};
  readonly #latency = new Uint32Array(BUCKETS);
  readonly #perSecond = new Uint32Array(RATE_WINDOW_S + 1);
  #second = 0;
  #firstSecond: number | undefined;

  note(note: TrackerNote, nowMs: number): void {
    switch (note.type) {
      case "received":
        this.#recordsIn += note.records;
        this.#bytesIn += note.bytes;
        return;
      case "finished":
        this.#finished[note.as]++;
        increment(this.#latency, bucketOf(note.latencyMs));
        this.#moveTo(nowMs);
        increment(this.#perSecond, this.#second % this.#perSecond.length);
        return;
      case "attempt-failed":
        this.#failedAttempts++;
        return;
      case "rerun":
        this.#reruns[note.reason] = (this.#reruns[note.reason] ?? 0) + 1;
        return;
      case "expired":
        this.#expired += note.records;
        return;
      case "expired-result":
        this.#expiredResults++;
        return;
      case "unknown-version":
        this.#unknownVersions++;
        return;
      case "metadata-cut":
        this.#metadataDropped += note.records;
        return;
      case "beyond-end":
      case "foreign-metadata":
      case "made-anew":
      case "remembered":
      case "remembered-void":
      case "lost":
      case "paused":
      case "unpaused":
        return;
      default:
        return assertNever(note);
    }
  }

  view(nowMs: number): StatisticsView {
    this.#moveTo(nowMs);
    const { output, error, dropped } = this.#finished;
    return {
      recordsIn: this.#recordsIn,
      bytesIn: this.#bytesIn,
      recordsOut: output,
      recordsDropped: dropped,
      errors: error,
      failedAttempts: this.#failedAttempts,
      reruns: { ...this.#reruns },
      expired: this.#expired,
      expiredResults: this.#expiredResults,
      unknownVersions: this.#unknownVersions,
      metadataDropped: this.#metadataDropped,
      latency: { p50Ms: this.#percentile(0.5), p99Ms: this.#percentile(0.99), count: output + error + dropped },
      ratePerSecond: this.#rate(),
    };
  }

  #percentile(share: number): number {
    const total = this.#latency.reduce((sum, count) => sum + count, 0);
    if (total === 0) return 0;
    let left = Math.ceil(total * share);
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      left -= this.#latency[bucket] ?? 0;
      if (left <= 0) return Number((GROWTH ** bucket - 1).toPrecision(3));
    }
    return Number.POSITIVE_INFINITY;
  }

  /** The second that is still running does not count, nor do seconds before the first record. */
  #rate(): number {
    const known = Math.min(RATE_WINDOW_S, this.#second - (this.#firstSecond ?? this.#second));
    if (known <= 0) return this.#perSecond[this.#second % this.#perSecond.length] ?? 0;
    let sum = 0;
    for (let back = 1; back <= known; back++) {
      sum += this.#perSecond[(this.#second - back) % this.#perSecond.length] ?? 0;
    }
    return sum / known;
  }

  #moveTo(nowMs: number): void {
    const second = Math.floor(nowMs / 1000);
    this.#firstSecond ??= second;
    const from = Math.max(this.#second + 1, second - RATE_WINDOW_S);
    for (let passed = from; passed <= second; passed++) this.#perSecond[passed % this.#perSecond.length] = 0;
    this.#second = Math.max(this.#second, second);
  }
}

function bucketOf(latencyMs: number): number {
  const bucket = Math.round(Math.log(1 + Math.max(0, latencyMs)) / Math.log(GROWTH));
  return Math.min(BUCKETS - 1, bucket);
}

function increment(counts: Uint32Array, index: number): void {
  counts[index] = (counts[index] ?? 0) + 1;
}
