import type { RunId, RunResult } from "./ports.ts";

export interface HeldRun {
  readonly runId: RunId;
  /** Set once it has ended; it is not released before its record is settled. */
  result: RunResult | undefined;
}

/**
 * Runs of an earlier life of the scheduler that were found again before their record was read. They wait here, their
 * results unacknowledged, until the record arrives or turns out to be another owner's.
 */
export class HeldRuns {
  readonly #byPartition = new Map<number, Map<number, HeldRun[]>>();
  readonly #places = new Map<RunId, { readonly partition: number; readonly offset: number }>();

  hold(runId: RunId, partition: number, offset: number): void {
    if (this.#places.has(runId)) return;
    this.#places.set(runId, { partition, offset });
    const offsets = this.#byPartition.get(partition) ?? new Map<number, HeldRun[]>();
    this.#byPartition.set(partition, offsets);
    const runs = offsets.get(offset) ?? [];
    offsets.set(offset, runs);
    runs.push({ runId, result: undefined });
  }

  /** @returns whether the run is held here */
  ended(runId: RunId, result: RunResult): boolean {
    const held = this.#find(runId);
    if (held !== undefined) held.result = result;
    return held !== undefined;
  }

  forget(runId: RunId): void {
    const place = this.#places.get(runId);
    if (place === undefined) return;
    this.#places.delete(runId);
    const offsets = this.#byPartition.get(place.partition);
    const rest = (offsets?.get(place.offset) ?? []).filter((held) => held.runId !== runId);
    if (rest.length > 0) offsets?.set(place.offset, rest);
    else offsets?.delete(place.offset);
  }

  /** The runs of a record that has now been read; they are no longer held. */
  take(partition: number, offset: number): readonly HeldRun[] {
    if (this.#places.size === 0) return [];
    const offsets = this.#byPartition.get(partition);
    const runs = offsets?.get(offset) ?? [];
    offsets?.delete(offset);
    for (const { runId } of runs) this.#places.delete(runId);
    return runs;
  }

  /** Lets go of all runs whose partition another owner has. */
  dropExcept(partitions: ReadonlySet<number>): readonly RunId[] {
    const dropped: RunId[] = [];
    for (const [runId, { partition }] of this.#places) if (!partitions.has(partition)) dropped.push(runId);
    for (const runId of dropped) this.forget(runId);
    return dropped;
  }

  #find(runId: RunId): HeldRun | undefined {
    const place = this.#places.get(runId);
    if (place === undefined) return undefined;
    return this.#byPartition
      .get(place.partition)
      ?.get(place.offset)
      ?.find((held) => held.runId === runId);
  }
}
