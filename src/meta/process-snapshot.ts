import type { ProcessorSpec } from "../config/processor.ts";
import type { EngineView } from "../engine/engine.ts";
import type { PartitionView } from "../engine/tracker-view.ts";
import type { FineRunner } from "../framework/fine-runner.ts";
import { guardedWaiting } from "./guarded.ts";
import {
  type PartitionSnapshot,
  type ProcessorPhase,
  type ProcessorSnapshot,
  snapshotOfSpec,
  type TaskSnapshot,
  type WaitingSnapshot,
} from "./snapshot.ts";
import { taskState } from "./task-state.ts";

/** What engine and framework say, as one snapshot. `nowMs` is the engine's monotonic time. */
export function processorSnapshot(
  spec: ProcessorSpec,
  group: string,
  phase: ProcessorPhase,
  reason: string | null,
  parts: { readonly view: EngineView; readonly runner: FineRunner } | undefined,
  nowMs: number,
): ProcessorSnapshot {
  const base = { ...snapshotOfSpec(spec, group), phase, reason };
  if (parts === undefined) return base;
  const { view, runner } = parts;
  const { statistics } = view;
  const { connected, frameworkId } = runner.status();
  return {
    ...base,
    framework: { id: frameworkId ?? null, connected },
    counters: {
      recordsIn: statistics.recordsIn,
      recordsOut: statistics.recordsOut,
      errors: statistics.errors,
      failedAttempts: statistics.failedAttempts,
      reruns: statistics.reruns,
      launches: runner.counters().launches,
    },
    inFlight: view.inFlight.records,
    runs: view.inFlight.runs,
    waiting: waitingSnapshots(view, runner),
    partitions: view.partitions.map((partition) => partitionSnapshot(partition, nowMs)),
    latency:
      statistics.latency.count === 0
        ? { p50Ms: null, p99Ms: null }
        : { p50Ms: statistics.latency.p50Ms, p99Ms: statistics.latency.p99Ms },
    ratePerS: statistics.ratePerSecond,
  };
}

/** Why some of the records that could run do not. */
export function waitingSnapshots({ guarded }: EngineView, runner: FineRunner): readonly WaitingSnapshot[] {
  const ofRunner = runner.waiting().map(({ reason, count }) => ({ reason, count }));
  return guarded.records === 0 ? ofRunner : [...ofRunner, ...guardedWaiting(guarded, runner.tasks())];
}

function partitionSnapshot(view: PartitionView, nowMs: number): PartitionSnapshot {
  const { partition, committed, highWatermark, heldBy } = view;
  return {
    partition,
    committed,
    end: highWatermark,
    lag: committed === null ? null : Math.max(0, highWatermark - committed),
    watermarkHeldBy:
      heldBy === undefined
        ? null
        : { offset: heldBy.offset, state: heldBy.phase, forMs: Math.max(0, Math.round(nowMs - heldBy.sinceMs)) },
  };
}

/** `nowMs`: since 1970. */
export function taskSnapshots(processor: string, runner: FineRunner, nowMs: number): readonly TaskSnapshot[] {
  return runner.tasks().map(({ id, partition, offset, attempt, state, host, sinceMs }) => ({
    processor,
    taskId: id,
    partition,
    offset,
    attempt: attempt ?? 1,
    state: taskState(state),
    agent: host,
    forMs: Math.max(0, nowMs - sinceMs),
  }));
}
