import type { ProcessorSpec } from "../config/processor.ts";
import type { InputEvent, LostReason, OffsetCommit, OutputRecord, Run, RunId, RunnerEvent } from "./ports.ts";

/** Names one batch of output records of one record, from `send` to `sent`. */
export type SendId = number;
/** Names one commit, from `commit` to `committed`. */
export type CommitId = number;

/**
 * How the tracker goes on.
 * - `run`: everything.
 * - `drain`: reads no more, but finishes every record that it holds.
 * - `finish`: starts no more runs, and waits until those that run have ended and are durable.
 * - `settle`: starts no more runs; what has ended becomes durable, what runs goes on elsewhere.
 */
export type TrackerMode = "run" | "drain" | "finish" | "settle";

export type TrackerEvent =
  | Extract<InputEvent, { type: "received" }>
  /** `isAnew`: of another topic, of the same name, than what was known so far. */
  | (Extract<InputEvent, { type: "assigned" }> & { readonly isAnew?: boolean })
  | RunnerEvent
  | { readonly type: "sent"; readonly sendId: SendId }
  | { readonly type: "send-failed"; readonly sendId: SendId; readonly failure: SendFailure }
  | { readonly type: "committed"; readonly commitId: CommitId }
  | { readonly type: "commit-failed"; readonly commitId: CommitId; readonly failure: CommitFailure }
  /** What settles its results is stored. */
  | { readonly type: "spec"; readonly spec: ProcessorSpec }
  /** What topics take, where that is known: bytes of the largest record. */
  | { readonly type: "topic-limits"; readonly maxMessageBytes: ReadonlyMap<string, number> }
  | { readonly type: "mode"; readonly mode: TrackerMode }
  | { readonly type: "tick" };

export type CommitFailure =
  /** The assignment has changed: the next one tells who owns what. */
  | "stale"
  /** The broker takes less metadata than was sent. */
  | "metadata-too-large"
  /** Given up without an answer, or refused; tried again after a pause. */
  | "unavailable";

export type SendFailure =
  /** Kafka will never take this record: the program's fault. */
  | { readonly type: "record-refused"; readonly message: string; readonly tooLarge: boolean }
  /** Kafka will not take records for this topic: the processor's fault. */
  | { readonly type: "topic-refused"; readonly message: string }
  /** Given up without an answer; sent again later. */
  | { readonly type: "unavailable"; readonly message: string };

export type TrackerCommand =
  | { readonly type: "run"; readonly run: Run }
  | { readonly type: "cancel"; readonly runId: RunId }
  | { readonly type: "release"; readonly runId: RunId }
  | { readonly type: "send"; readonly sendId: SendId; readonly records: readonly OutputRecord[] }
  | {
      readonly type: "commit";
      readonly commitId: CommitId;
      readonly epoch: number;
      readonly offsets: readonly OffsetCommit[];
    }
  | { readonly type: "seek"; readonly epoch: number; readonly partition: number; readonly offset: number }
  | { readonly type: "pause"; readonly partitions: readonly number[] }
  | { readonly type: "resume"; readonly partitions: readonly number[] }
  /** No run of that version of the specification is left. */
  | { readonly type: "forget-version"; readonly version: string }
  | { readonly type: "note"; readonly note: TrackerNote };

/** What the shell should count or log; the tracker does neither. Times are those of the event that caused it. */
export type TrackerNote =
  | { readonly type: "received"; readonly partition: number; readonly records: number; readonly bytes: number }
  | {
      readonly type: "finished";
      readonly partition: number;
      readonly offset: number;
      readonly as: "output" | "error" | "dropped";
      /** From the record's receipt to the acknowledgement of its output. */
      readonly latencyMs: number;
    }
  | { readonly type: "attempt-failed"; readonly partition: number; readonly offset: number; readonly reason: string }
  /** A run is gone, or may be, through no fault of its program. `message` is for people. */
  | {
      readonly type: "lost";
      readonly partition: number;
      readonly offset: number;
      readonly reason: LostReason;
      readonly message: string;
    }
  /** A second run of a record starts, because one was lost, or is up to another owner of its partition. */
  | { readonly type: "rerun"; readonly reason: LostReason | "partition-taken-over" }
  | { readonly type: "paused"; readonly reason: string }
  | { readonly type: "unpaused" }
  /** Records between the committed offset and the log's start are gone: retention was faster than we. */
  | { readonly type: "expired"; readonly partition: number; readonly records: number }
  /** What a run came to goes out without key and headers: Kafka has its record no more. */
  | { readonly type: "expired-result"; readonly partition: number; readonly offset: number }
  /** A run of an earlier life was started with a specification that nobody remembers; the present one settles it. */
  | { readonly type: "unknown-version"; readonly partition: number; readonly offset: number; readonly version: string }
  /** The committed offset lies beyond the end of the log: the topic was made anew. */
  | { readonly type: "beyond-end"; readonly partition: number; readonly committed: number; readonly logEnd: number }
  /** Kafka knows no position, so that the remembered one is used. */
  | { readonly type: "remembered"; readonly partition: number; readonly offset: number }
  /** The remembered position does not fit the log: the topic was made anew, and is read from its start. */
  | { readonly type: "remembered-void"; readonly partition: number; readonly offset: number; readonly logEnd: number }
  /** The topic was made anew while its name was read: what was known of the old one is void. */
  | { readonly type: "made-anew" }
  | { readonly type: "foreign-metadata"; readonly partition: number; readonly version: string }
  /** So many records that were settled had no place in the map of settled offsets; another owner would run them again. */
  | { readonly type: "metadata-cut"; readonly partition: number; readonly records: number };
