import type { Lanes } from "./lanes.ts";
import type { OpenRecord, RecordPhase } from "./open-record.ts";
import type { PartitionState } from "./partition-state.ts";
import type { AssignedPartition, RunId } from "./ports.ts";

/*
 * One partition explained, for people. Made only when somebody asks: what is done above the watermark is walked whole,
 * which takes 15 ms for each 100 000 offsets in between where every other one is done, and a fortieth of that where they
 * lie in long runs. Open records are walked up to the limit.
 */

/** A record that was read and whose outputs Kafka has not acknowledged. */
export interface OpenRecordView {
  readonly offset: number;
  readonly phase: RecordPhase;
  /** Runs that the program itself ended badly. */
  readonly attempts: number;
  /** When it was read, in the engine's monotonic time. */
  readonly sinceMs: number;
  /** When it is tried again; undefined unless it waits for that. */
  readonly dueMs: number | undefined;
  /** Offset of the record that goes before it in its lane; undefined unless it waits for that. */
  readonly behind: number | undefined;
  /** The run that may be alive and beside which it must not run; undefined unless it waits for that. */
  readonly guardedBy: RunId | undefined;
  /** Why its last run does not count, or failed. */
  readonly lastTrouble: string | undefined;
}

export interface OffsetsView {
  readonly partition: number;
  /** null: nothing was ever committed. */
  readonly committed: number | null;
  /** The lowest offset that is not done. */
  readonly watermark: number;
  /** The next offset to be read. */
  readonly position: number;
  /** Kafka's high watermark, as last heard. */
  readonly highWatermark: number;
  /** Done above the watermark. */
  readonly above: {
    readonly records: number;
    /** Number of runs; the first few of them are `firstRuns`. */
    readonly runs: number;
    /** [start, end): the end itself is not done. */
    readonly firstRuns: readonly (readonly [start: number, end: number])[];
  };
  /** Done, and in no commit yet. */
  readonly uncommitted: number;
  /** Open and not done. */
  readonly inFlight: number;
  /** The lowest offsets of these. */
  readonly oldest: readonly OpenRecordView[];
  /** Why it is not being read; undefined where it is. */
  readonly notRead: string | undefined;
}

export interface OffsetsLimits {
  readonly runs: number;
  readonly records: number;
}

export function explainPartition(
  state: PartitionState,
  lanes: Lanes,
  notRead: string | undefined,
  limits: OffsetsLimits,
): OffsetsView {
  const uncommitted = state.uncommitted.length + (state.committing?.records.length ?? 0);
  return {
    partition: state.partition,
    committed: state.committed?.offset ?? null,
    watermark: state.done.watermark,
    position: state.position,
    highWatermark: state.highWatermark,
    above: doneAbove(state, limits.runs),
    uncommitted,
    inFlight: Math.max(0, state.open.size - uncommitted),
    oldest: oldest(state, limits.records).map((open) => viewRecord(open, lanes)),
    notRead,
  };
}

/** One that nobody may read before a person has decided. */
export function explainStuck({ partition, committed, logEndOffset }: AssignedPartition, reason: string): OffsetsView {
  const offset = committed?.offset ?? 0;
  return {
    partition,
    committed: committed?.offset ?? null,
    watermark: offset,
    position: offset,
    highWatermark: logEndOffset,
    above: { records: 0, runs: 0, firstRuns: [] },
    uncommitted: 0,
    inFlight: 0,
    oldest: [],
    notRead: reason,
  };
}

function doneAbove({ done }: PartitionState, limit: number): OffsetsView["above"] {
  let records = 0;
  let runs = 0;
  const firstRuns: (readonly [number, number])[] = [];
  for (const run of done.runsAbove()) {
    records += run[1] - run[0];
    if (runs++ < limit) firstRuns.push(run);
  }
  return { records, runs, firstRuns };
}

/** Records are kept in the order in which they were read. */
function oldest({ open }: PartitionState, limit: number): readonly OpenRecord[] {
  const found: OpenRecord[] = [];
  for (const record of open.values()) {
    if (found.length >= limit) break;
    if (record.phase !== "done") found.push(record);
  }
  return found;
}

function viewRecord(open: OpenRecord, lanes: Lanes): OpenRecordView {
  const { record, phase, attempts, receivedAtMs, dueMs, lane, guardedBy, rerunReason, lastFailure } = open;
  const waitsForTurn = (phase === "blocked" || phase === "ended") && !lanes.isTurnOf(open);
  const head = waitsForTurn && lane !== undefined ? lanes.head(lane) : undefined;
  return {
    offset: record.offset,
    phase,
    attempts,
    sinceMs: receivedAtMs,
    dueMs: phase === "waiting" ? dueMs : undefined,
    behind: head?.record.offset,
    guardedBy: phase === "guarded" ? guardedBy : undefined,
    lastTrouble: rerunReason ?? lastFailure?.failure.reason,
  };
}
