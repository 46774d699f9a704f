import type { PartitionState } from "./partition-state.ts";
import type { RunId } from "./ports.ts";

/** What a partition stands at, and what holds its watermark: for `why` and the API. */
export interface PartitionView {
  readonly partition: number;
  readonly watermark: number;
  readonly committed: number | null;
  readonly position: number;
  readonly highWatermark: number;
  readonly open: number;
  readonly paused: boolean;
  readonly heldBy:
    | { readonly offset: number; readonly phase: string; readonly sinceMs: number; readonly attempts: number }
    | undefined;
}

export interface TrackerView {
  readonly partitions: readonly PartitionView[];
  readonly inFlight: { readonly records: number; readonly bytes: number; readonly runs: number };
  /** Records that wait until runs that may be alive are known to be dead, and these runs (`overlap: forbid`). */
  readonly guarded: { readonly records: number; readonly runs: readonly RunId[] };
  /** Why the processor as such cannot run; undefined where it can. */
  readonly pausedBecause: string | undefined;
}

export function viewPartition(state: PartitionState): PartitionView {
  const holder = state.open.get(state.done.watermark);
  return {
    partition: state.partition,
    watermark: state.done.watermark,
    committed: state.committed?.offset ?? null,
    position: state.position,
    highWatermark: state.highWatermark,
    open: state.open.size,
    paused: state.paused,
    heldBy: holder && {
      offset: holder.record.offset,
      phase: holder.phase,
      sinceMs: holder.receivedAtMs,
      attempts: holder.attempts,
    },
  };
}
