import type { Brand } from "../base/brand.ts";
import type { ProcessorSpec } from "../config/processor.ts";

/*
 * What the engine needs of the world: an Input that reads records and commits offsets, an Output that makes results
 * durable, a Runner that executes programs. Adapters implement them (src/kafka, src/framework, src/programs).
 */

/** Name and value, in order; a name may repeat. As with a record's value, null is not the empty value. */
export type Header = readonly [name: string, value: Uint8Array | null];

/** A Kafka message. */
export interface InputRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Uint8Array | null;
  /** null is Kafka's null value (a tombstone), which is not the empty value. */
  readonly value: Uint8Array | null;
  readonly headers: readonly Header[];
}

/** One record to be written. Its partition is chosen by the Output: by the key as Kafka's own clients do. */
export interface OutputRecord {
  readonly topic: string;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly Header[];
}

// ---------------------------------------------------------------------------------------------------------- Input

/** Counts the assignments that this member received: whatever belongs to an older one is stale. */
export type AssignmentEpoch = number;

export interface AssignedPartition {
  readonly partition: number;
  /** What the group committed; null where it never did. */
  readonly committed: { readonly offset: number; readonly metadata: string } | null;
  /** Where the group stood when this was stored last ({@link Positions}); only where Kafka knows nothing of it. */
  readonly remembered?: number;
  /** Offset of the first record that still exists. */
  readonly logStartOffset: number;
  /** Offset that the next record written will get. */
  readonly logEndOffset: number;
}

export type InputEvent =
  /** The whole new assignment. Every partition in it is paused until {@link Input.seek} and {@link Input.resume}. */
  | {
      readonly type: "assigned";
      readonly epoch: AssignmentEpoch;
      readonly partitions: readonly AssignedPartition[];
      /** Which topic of its name it is: one that is made anew has another id. undefined: nobody can tell. */
      readonly topicId?: string | undefined;
    }
  /**
   * Records in offset order. `nextOffset` is the position after the batch: past the last record and past what a reader
   * never sees (control records, compacted offsets). `records` may be empty.
   */
  | {
      readonly type: "received";
      readonly epoch: AssignmentEpoch;
      readonly partition: number;
      readonly records: readonly InputRecord[];
      readonly nextOffset: number;
      /** The broker's high watermark, for lag. */
      readonly highWatermark: number;
    }
  /** Reading has stopped and is being tried again; for health and `why`. `error` is for people. */
  | { readonly type: "interrupted"; readonly error: Error }
  /** The topic is missing, forbidden, or otherwise nothing that trying again soon will mend. */
  | { readonly type: "refused"; readonly error: Error };

export interface OffsetCommit {
  readonly partition: number;
  /** The next offset to read. */
  readonly offset: number;
  readonly metadata: string;
}

export interface Input {
  /** Joins the group. Events go to `onEvent`, one at a time and in order, until {@link close}. */
  start(onEvent: (event: InputEvent) => void): Promise<void>;
  /**
   * Sets where the partition is read next: no batch that was read from elsewhere is delivered after it. Ignored when
   * `epoch` is stale.
   */
  seek(epoch: AssignmentEpoch, partition: number, offset: number): void;
  pause(partitions: readonly number[]): void;
  resume(partitions: readonly number[]): void;
  /**
   * Commits, all or nothing. Resolves once the coordinator has confirmed it.
   * @throws {StaleAssignmentError} when the assignment is no longer `epoch`; nothing was committed
   */
  commit(epoch: AssignmentEpoch, offsets: readonly OffsetCommit[]): Promise<void>;
  /** Leaves the group. Idempotent. */
  close(): Promise<void>;
}

/**
 * Remembers where the group stands, should Kafka forget it: a group that is deleted, or idle for longer than
 * `offsets.retention.minutes`. What Kafka has always wins.
 */
export interface Positions {
  /** Which topic of its name they are of, where that is known. */
  readonly topicId: string | undefined;
  /** From now on they are of this one; what is remembered of another is forgotten. */
  of(topicId: string): void;
  /** The next offset to settle; undefined where nothing is remembered. */
  last(partition: number): number | undefined;
  /** Kafka has confirmed these. Returns at once; what is stored may lag behind by seconds. */
  committed(offsets: readonly OffsetCommit[]): void;
  /** The topic is gone: nothing that is remembered fits another one of the same name. */
  forget(): void;
}

/** What a result needs of the specification that its run was started with. Nothing in it is secret. */
export type SettlingSpec = Pick<ProcessorSpec, "name" | "version" | "output" | "error" | "emptyOutput">;

/**
 * Remembers every version of the specification of which a run may be alive, so that a run that is found again by a later
 * life of the scheduler is settled as the version says that it was started with.
 */
export interface Versions {
  /** Of earlier lives. */
  readonly known: readonly SettlingSpec[];
  /** Resolves once it would survive a restart; no run of it is started before. In the order of the calls. */
  remember(spec: SettlingSpec): Promise<void>;
  /** No run of it is left. Returns at once; what is stored may lag behind. */
  forget(version: string): void;
}

// --------------------------------------------------------------------------------------------------------- Output

export interface Output {
  start(): Promise<void>;
  /**
   * Writes with acks=all; resolves once Kafka has acknowledged every record of the call. Calls made in one turn of the
   * event loop may travel together. Retries what can be retried by itself, without an end, until `signal` aborts.
   * @throws {RecordRefusedError} Kafka refuses this record for good (too large, invalid): the program's fault
   * @throws {TopicRefusedError} the topic is missing or forbidden: the processor's fault
   */
  send(records: readonly OutputRecord[], options?: { signal?: AbortSignal }): Promise<void>;
  close(): Promise<void>;
}

// --------------------------------------------------------------------------------------------------------- Runner

/** One execution of a program. Opaque to the engine; never used twice. */
export type RunId = Brand<"RunId">;

export interface Run {
  readonly id: RunId;
  /** The specification as it stood when the run was decided; a later change does not touch it. */
  readonly spec: ProcessorSpec;
  readonly record: InputRecord;
  /** 1 for the first; only runs that the program itself ended count. */
  readonly attempt: number;
  /** Whether the record must run in an executor of its own, because executors were lost under it. */
  readonly alone: boolean;
}

/** How a run ended. Whose fault that is, and what follows, is told by src/engine/faults.ts. */
export type RunOutcome =
  | { readonly type: "succeeded" }
  | { readonly type: "exited"; readonly code: number }
  | { readonly type: "signaled"; readonly signal: string }
  | { readonly type: "timed-out"; readonly afterMs: number }
  | { readonly type: "out-of-memory" }
  | { readonly type: "output-too-large"; readonly limitBytes: number }
  | {
      readonly type: "not-startable";
      readonly reason:
        | "program-not-found"
        | "image-missing"
        | "image-refused"
        | "option-refused"
        | "secret-missing"
        | "executor-missing";
      readonly message: string;
    }
  /** Ended by {@link Runner.cancel} or by an executor that shuts down. */
  | { readonly type: "killed" };

export interface RunResult {
  readonly outcome: RunOutcome;
  /** Standard output, whole; of a failed run as much as fits. Empty is not null. */
  readonly stdout: Uint8Array;
  /** The end of standard error, at most 8 kB, for error records. */
  readonly stderrTail: Uint8Array;
  /** Start of the program to its end, ms. */
  readonly durationMs: number;
  /** Version (hash) of the specification that the run was started with. */
  readonly specVersion: string;
  /** {@link Run.attempt}, as its place of execution was told; undefined where that is not known there. */
  readonly attempt?: number;
  /** What people should know of its place of execution, which goes on in another way than it was told to. */
  readonly notice?: string;
}

export type LostReason =
  | "agent-lost"
  | "agent-unreachable"
  | "executor-lost"
  /** It may have run in an executor that ended while it was being started, as perhaps all would. */
  | "executor-start-failed"
  | "daemon-lost"
  | "task-unknown"
  | "framework-removed";

export type RunnerEvent =
  /** The runner knows all that still runs from before; until then it starts nothing. Sent once after each start. */
  | { readonly type: "ready" }
  /** A run of an earlier life that still runs, or whose result is not released yet. May come before `ready`. */
  | { readonly type: "adopted"; readonly runId: RunId; readonly partition: number; readonly offset: number }
  /** Placed: sent to where it will run. `place` is for people. */
  | { readonly type: "started"; readonly runId: RunId; readonly place: string }
  /** May come twice (a repeated status update). Kept by the runner until {@link Runner.release}. */
  | { readonly type: "ended"; readonly runId: RunId; readonly result: RunResult }
  /**
   * The run is gone (`dead`), or may be: then it may still report `ended`, or be lost once more when it is certain that
   * it does not run.
   */
  | {
      readonly type: "lost";
      readonly runId: RunId;
      readonly reason: LostReason;
      readonly message: string;
      readonly dead: boolean;
    };

/**
 * Executes runs. Every run is ended by exactly one {@link release}: after `ended` or `lost`, or after {@link cancel}.
 * Launch trouble (dropped, refused offers) is the runner's own business and is not reported.
 */
export interface Runner {
  start(onEvent: (event: RunnerEvent) => void): Promise<void>;
  /** Asks for a run. It may wait for room; {@link Run.record} must stay unchanged until it is released. */
  run(run: Run): void;
  /** Wants it ended; `ended` with outcome `killed` follows, or with what it had come to. */
  cancel(runId: RunId): void;
  /** The result is durable, or not wanted: the runner may forget the run and acknowledges its last status update. */
  release(runId: RunId): void;
  close(options: { readonly kill: boolean }): Promise<void>;
}
