import type { LostReason, SettlingSpec } from "../../src/engine/ports.ts";
import type { TrackerView } from "../../src/engine/tracker-view.ts";

/** `<partition>/<offset>` of the input topic. */
export type RecordKey = string;
/** `<site>.<number of its life>`; a site is a deployment with a state store and a framework of its own. */
export type SchedulerName = string;
/** `<framework id>/<task id>`; the framework id begins with its site. */
export type TaskKey = string;

export type ProgramOutcome = "succeeded" | "printed-nothing" | "failed" | "rejected" | "later" | "missing" | "killed";

/** What really happened, as somebody would see it who sees every process at once. The promises are checked on these. */
export type Fact =
  /** `lane`: records of one lane go in order; undefined where there is no order. */
  | { readonly type: "record-written"; readonly record: RecordKey; readonly lane: string | undefined }
  /** An offset that no reader will ever see. */
  | { readonly type: "gap-written"; readonly record: RecordKey }
  /** Retention took it. */
  | { readonly type: "record-expired"; readonly record: RecordKey }
  /** What a version of the specification says about results. */
  | { readonly type: "specification"; readonly spec: SettlingSpec; readonly overlap: "allow" | "forbid" }
  /** A scheduler sent an ACCEPT with this task. */
  | {
      readonly type: "launched";
      readonly scheduler: SchedulerName;
      readonly task: TaskKey;
      readonly version: string;
      readonly agentId: string;
      readonly executorId: string;
    }
  | { readonly type: "program-started"; readonly task: TaskKey }
  | { readonly type: "program-ended"; readonly task: TaskKey; readonly outcome: ProgramOutcome }
  /** The program, or its result on the way to the agent or in it, is gone with its executor or host. */
  | { readonly type: "run-destroyed"; readonly task: TaskKey }
  /** An executor leaves by itself with a result that its agent never had. */
  | { readonly type: "result-abandoned"; readonly task: TaskKey }
  /** A terminal update reached a scheduler. */
  | { readonly type: "result-delivered"; readonly scheduler: SchedulerName; readonly task: TaskKey }
  /** A scheduler acknowledges the executor's last word. */
  | { readonly type: "result-acknowledged"; readonly scheduler: SchedulerName; readonly task: TaskKey }
  /** A scheduler hands a result to Kafka; `as`: to the output or to the error topic. */
  | {
      readonly type: "output-sent";
      readonly scheduler: SchedulerName;
      readonly record: RecordKey;
      readonly as: "output" | "error";
      readonly topic: string;
    }
  /** Kafka has it. */
  | {
      readonly type: "output-written";
      readonly scheduler: SchedulerName;
      readonly record: RecordKey;
      readonly as: "output" | "error";
      readonly reason: string;
    }
  /** An output gave up without knowing whether Kafka has the record, or it was refused: it may be sent again. */
  | { readonly type: "output-unclear"; readonly record: RecordKey }
  /** Kafka refuses the record's output for good. */
  | { readonly type: "output-refused"; readonly record: RecordKey }
  /** A scheduler calls for a commit. */
  | {
      readonly type: "commit-sent";
      readonly scheduler: SchedulerName;
      readonly partition: number;
      readonly offset: number;
      readonly metadata: string;
    }
  /** The coordinator has it. */
  | {
      readonly type: "committed";
      readonly scheduler: SchedulerName;
      readonly partition: number;
      readonly offset: number;
      readonly metadata: string;
    }
  /** A scheduler has read what is committed of its new partitions: from here on it acts as their owner. */
  | { readonly type: "positions-read"; readonly scheduler: SchedulerName; readonly partitions: readonly number[] }
  /** The group has a new generation; partitions that are not named belong to nobody. */
  | { readonly type: "assigned"; readonly owners: ReadonlyMap<number, SchedulerName> }
  | { readonly type: "agent-unreachable"; readonly agentId: string }
  /** Another master leads: it knows of its agents only what they tell. */
  | { readonly type: "master-changed" }
  | { readonly type: "framework-removed"; readonly site: string }
  | { readonly type: "state-lost"; readonly site: string }
  | { readonly type: "scheduler-started"; readonly scheduler: SchedulerName }
  /** A scheduler gave up waiting for agents that are still to return to a new master. */
  | { readonly type: "adoption-timed-out"; readonly site: string }
  | {
      readonly type: "loss-told";
      readonly scheduler: SchedulerName;
      readonly record: RecordKey;
      readonly reason: LostReason;
    }
  | { readonly type: "rerun-told"; readonly scheduler: SchedulerName; readonly reason: LostReason }
  /** A scheduler's own account, after it was given records. */
  | { readonly type: "view"; readonly scheduler: SchedulerName; readonly view: TrackerView }
  | { readonly type: "scheduler-ended"; readonly scheduler: SchedulerName };

export function recordKey(partition: number, offset: number): RecordKey {
  return `${partition}/${offset}`;
}

export function siteOfFramework(frameworkId: string): string {
  return frameworkId.slice(0, frameworkId.lastIndexOf("-"));
}

export function frameworkOf(task: TaskKey): string {
  return task.slice(0, task.indexOf("/"));
}

export function siteOf(scheduler: SchedulerName): string {
  return scheduler.slice(0, scheduler.lastIndexOf("."));
}

/** The record of a task, read from its id: `<processor>_<topic>_<partition>_<offset>-<epoch>.<launch>`. */
export function recordOfTask(task: TaskKey): RecordKey {
  const match = /_(\d+)_(\d+)-\d+\.\d+$/.exec(task);
  if (match === null) throw new Error(`"${task}" is no task id of a record`);
  return recordKey(Number(match[1]), Number(match[2]));
}
