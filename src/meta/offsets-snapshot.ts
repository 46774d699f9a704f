import type { OffsetsLimits, OffsetsView, OpenRecordView } from "../engine/offsets-view.ts";
import type { TaskView } from "../framework/fine-runner.ts";
import type { ProcessorPhase, TaskSnapshot, WaitingSnapshot } from "./snapshot.ts";
import { taskState } from "./task-state.ts";

/** What is shown of each partition; the rest is counted. */
export const offsetsLimits: OffsetsLimits = { runs: 8, records: 10 };

/** A task of a record. There may be several: a twin of one whose agent is out of reach, say. */
export interface RecordTask {
  readonly taskId: string;
  readonly state: TaskSnapshot["state"];
  /** Host name of the agent; null where it is not known yet. */
  readonly agent: string | null;
  readonly forMs: number;
}

/** A record that was read and is not settled. */
export interface InFlightRecord {
  readonly offset: number;
  /** The phase of src/engine/open-record.ts. */
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
  readonly waitsFor: { readonly taskId: string; readonly agent: string | null } | null;
  /** Why its last run failed or was lost. */
  readonly lastTrouble: string | null;
  readonly tasks: readonly RecordTask[];
}

export interface PartitionOffsets {
  readonly partition: number;
  /** As Kafka has it: the next offset to settle; null where nothing was ever committed. */
  readonly committed: number | null;
  /** Kafka's high watermark. */
  readonly end: number;
  /** null where nothing was ever committed. */
  readonly lag: number | null;
  /** The commit watermark: all below is settled, or goes into the next commit. */
  readonly watermark: number;
  /** What is settled above it. */
  readonly settledAbove: {
    readonly records: number;
    readonly runs: number;
    /** Both ends are settled. */
    readonly firstRuns: readonly { readonly first: number; readonly last: number }[];
  };
  /** Records that wait only for a commit. */
  readonly uncommitted: number;
  readonly inFlight: number;
  /** Those with the lowest offsets. The first of them holds the watermark. */
  readonly oldest: readonly InFlightRecord[];
  /** The next offset to be read. */
  readonly position: number;
  /** Why it is not being read; null while it is. */
  readonly notRead: string | null;
}

export interface OffsetsSnapshot {
  readonly processor: string;
  readonly topic: string;
  readonly group: string;
  readonly phase: ProcessorPhase;
  /** Why it is paused, draining or failed. */
  readonly reason: string | null;
  /** Why some of the records that could run do not. */
  readonly waiting: readonly WaitingSnapshot[];
  /** Those that are ours, in order. */
  readonly partitions: readonly PartitionOffsets[];
}

export interface OffsetsNow {
  /** The engine's time. */
  readonly monotonicMs: number;
  /** The tasks' time, since 1970. */
  readonly wallMs: number;
}

/** What the engine says of the partitions, with the tasks of the records that it names. */
export function partitionOffsets(
  views: readonly OffsetsView[],
  tasks: readonly TaskView[],
  now: OffsetsNow,
): readonly PartitionOffsets[] {
  const byRecord = Map.groupBy(tasks, ({ partition, offset }) => `${partition}/${offset}`);
  const byRun = new Map(tasks.map((task) => [task.run, task]));
  return views.map((view) => ({
    partition: view.partition,
    committed: view.committed,
    end: view.highWatermark,
    lag: view.committed === null ? null : Math.max(0, view.highWatermark - view.committed),
    watermark: view.watermark,
    settledAbove: {
      records: view.above.records,
      runs: view.above.runs,
      firstRuns: view.above.firstRuns.map(([start, end]) => ({ first: start, last: end - 1 })),
    },
    uncommitted: view.uncommitted,
    inFlight: view.inFlight,
    oldest: view.oldest.map((record) =>
      inFlightRecord(
        record,
        byRecord.get(`${view.partition}/${record.offset}`) ?? [],
        record.guardedBy && byRun.get(record.guardedBy),
        now,
      ),
    ),
    position: view.position,
    notRead: view.notRead ?? null,
  }));
}

function inFlightRecord(
  record: OpenRecordView,
  tasks: readonly TaskView[],
  guard: TaskView | undefined,
  now: OffsetsNow,
): InFlightRecord {
  const { offset, phase, attempts, sinceMs, dueMs, behind, lastTrouble } = record;
  return {
    offset,
    state: phase,
    attempts,
    forMs: elapsed(sinceMs, now.monotonicMs),
    retryInMs: dueMs === undefined ? null : elapsed(now.monotonicMs, dueMs),
    behind: behind ?? null,
    waitsFor: guard === undefined ? null : { taskId: guard.id, agent: guard.host ?? guard.agent },
    lastTrouble: lastTrouble ?? null,
    tasks: tasks.map((task) => ({
      taskId: task.id,
      state: taskState(task.state),
      agent: task.host,
      forMs: elapsed(task.sinceMs, now.wallMs),
    })),
  };
}

function elapsed(fromMs: number, toMs: number): number {
  return Math.max(0, Math.round(toMs - fromMs));
}
