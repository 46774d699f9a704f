import type { MetricFamily } from "../base/metrics.ts";
import type { Problem } from "../config/problem.ts";

/*
 * What the API needs of a scheduler, and with it the shapes that REST clients see under /api/v1: adding a field is fine,
 * changing one is a change of the API.
 */

export interface PartitionView {
  readonly partition: number;
  /** The next offset to settle; null where nothing was ever committed. */
  readonly committed: number | null;
  /** Kafka's high watermark; null where it is not known yet. */
  readonly end: number | null;
  readonly lag: number | null;
  /** The record that keeps the commit watermark where it is. */
  readonly watermarkHeldBy: { readonly offset: number; readonly state: string; readonly forMs: number } | null;
}

export interface ProcessorView {
  readonly name: string;
  readonly input: string;
  /** The consumer group. */
  readonly group: string;
  readonly output: string | null;
  readonly error: string | null;
  /** For people: the command line, or the image. */
  readonly program: string;
  readonly version: string;
  readonly phase: "starting" | "running" | "paused" | "draining" | "stopped" | "failed";
  readonly reason: string | null;
  readonly framework: { readonly id: string | null; readonly connected: boolean };
  /** Since the processor's Worker started. */
  readonly counters: {
    readonly recordsIn: number;
    readonly recordsOut: number;
    readonly errors: number;
    readonly failedAttempts: number;
    readonly reruns: Readonly<Record<string, number>>;
    readonly launches: number;
  };
  /** Records read and not settled. */
  readonly inFlight: number;
  /** Programs that are placed or running. */
  readonly runs: number;
  readonly waiting: readonly { readonly reason: string; readonly count: number }[];
  readonly partitions: readonly PartitionView[];
  readonly latency: { readonly p50Ms: number | null; readonly p99Ms: number | null };
  readonly ratePerS: number;
}

export interface TaskView {
  readonly processor: string;
  readonly taskId: string;
  readonly partition: number;
  readonly offset: number;
  readonly attempt: number;
  /** `unreachable`: it was given up, or is about to be, and may still run. */
  readonly state: "placed" | "running" | "unreachable" | "ended";
  readonly agent: string | null;
  readonly forMs: number;
}

/** A record that was read and is not settled. */
export interface InFlightView {
  readonly offset: number;
  readonly state: string;
  /** Attempts that failed. */
  readonly attempts: number;
  /** Since it was read. */
  readonly forMs: number;
  /** Until it is tried again; null unless it waits for that. */
  readonly retryInMs: number | null;
  /** Offset of the record that must be done first, by `ordering`; null unless it waits for that. */
  readonly behind: number | null;
  /** A task that may be alive and beside which it must not run, by `overlap`; null unless it waits for that. */
  readonly waitsFor: Pick<TaskView, "taskId" | "agent"> | null;
  /** Why its last run failed or was lost. */
  readonly lastTrouble: string | null;
  readonly tasks: readonly Pick<TaskView, "taskId" | "state" | "agent" | "forMs">[];
}

export interface PartitionOffsetsView {
  readonly partition: number;
  /** The next offset to settle, as Kafka has it; null where nothing was ever committed. */
  readonly committed: number | null;
  /** Kafka's high watermark. */
  readonly end: number;
  readonly lag: number | null;
  /** All below is settled, or goes into the next commit. */
  readonly watermark: number;
  readonly settledAbove: {
    readonly records: number;
    readonly runs: number;
    /** Both ends are settled. */
    readonly firstRuns: readonly { readonly first: number; readonly last: number }[];
  };
  /** Records that wait only for a commit. */
  readonly uncommitted: number;
  readonly inFlight: number;
  /** The lowest offsets of those in flight. The first holds the watermark. */
  readonly oldest: readonly InFlightView[];
  /** The next offset to be read. */
  readonly position: number;
  /** Why it is not being read; null while it is. */
  readonly notRead: string | null;
}

export interface OffsetsView extends Pick<ProcessorView, "group" | "phase" | "reason" | "waiting"> {
  readonly processor: string;
  readonly topic: string;
  /** Those that are ours, in order. */
  readonly partitions: readonly PartitionOffsetsView[];
}

/** A processor whose definition is gone, and why it runs on all the same. */
export interface HeldView {
  readonly name: string;
  readonly reason: "unreadable" | "broken-file" | "all-gone" | "first-poll";
}

export interface SchedulerView {
  readonly deployment: string;
  readonly version: string;
  readonly uptimeMs: number;
  /** PROCESSOR_DIR, and whether it could be read last. */
  readonly directory: { readonly path: string; readonly readable: boolean };
  /** Sorted by name. */
  readonly processors: readonly ProcessorView[];
  readonly problems: readonly Problem[];
  readonly held: readonly HeldView[];
}

export interface SchedulerPort {
  snapshot(): Promise<SchedulerView>;
  tasks(): Promise<readonly TaskView[]>;
  /** Each partition of one processor explained; undefined where there is no such processor. */
  offsets(processor: string): Promise<OffsetsView | undefined>;
  /** What snapshots do not tell. */
  metrics(): Promise<readonly MetricFamily[]>;
  /**
   * Removes processors whose definition is gone; returns their names.
   * @throws {InputError} one of them is still defined, or unknown
   */
  confirmRemoval(names: readonly string[] | "all"): Promise<readonly string[]>;
}
