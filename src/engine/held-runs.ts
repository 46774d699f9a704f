import type { LostReason, RunId, RunResult } from "./ports.ts";

/** What was heard of a run while it was held. */
export type HeldEnd =
  | { readonly type: "ended"; readonly result: RunResult }
  | { readonly type: "lost"; readonly reason: LostReason; readonly message: string; readonly dead: boolean };

export interface HeldRun {
  readonly runId: RunId;
  /** Set once it is over; the run is not released before its record is settled, or runs again for a cause that is known. */
  end: HeldEnd | undefined;
}

/** One that is let go. */
export interface HeldPlace extends Readonly<HeldRun> {
  readonly partition: number;
  readonly offset: number;
}

/**
 * Runs of an earlier life of the scheduler that were found again before their record was read. They wait here, their
 * results unacknowledged, until the record arrives or turns out to be settled or gone.
 *
 * A partition may be another member's. That one may also be a dead process which the group has not noticed yet: then the
 * partition comes back before long, and what its runs have come to must not be lost. So they are kept for a while.
 */
export class HeldRuns {
  readonly #foreignHoldMs: number;
  readonly #byPartition = new Map<number, Map<number, HeldRun[]>>();
  readonly #places = new Map<RunId, { readonly partition: number; readonly offset: number }>();
  /** Unknown until the first assignment. */
  #assigned: ReadonlySet<number> | undefined;
  /** Partitions of others in which runs are held, and until when. */
  readonly #foreign = new Map<number, number>();

  /** @param foreignHoldMs how long runs are kept whose partition another member has */
  constructor(foreignHoldMs: number) {
    this.#foreignHoldMs = foreignHoldMs;
  }

  get size(): number {
    return this.#places.size;
  }

  /** When {@link takeForeign} has something to say. */
  get dueMs(): number | undefined {
    return this.#foreign.size === 0 ? undefined : Math.min(...this.#foreign.values());
  }

  hold(runId: RunId, partition: number, offset: number, nowMs: number): void {
    if (this.#places.has(runId)) return;
    this.#places.set(runId, { partition, offset });
    this.#noteForeign(partition, nowMs);
    const offsets = this.#byPartition.get(partition) ?? new Map<number, HeldRun[]>();
    this.#byPartition.set(partition, offsets);
    const runs = offsets.get(offset) ?? [];
    offsets.set(offset, runs);
    runs.push({ runId, end: undefined });
  }

  /** @returns whether the run is held here */
  over(runId: RunId, end: HeldEnd): boolean {
    const held = this.#find(runId);
    // A run that was given up may still report; one that has ended cannot be lost.
    if (held !== undefined && held.end?.type !== "ended") held.end = end;
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

  /** One of the partition that may be alive. */
  aliveIn(partition: number): RunId | undefined {
    if (this.#places.size === 0) return undefined;
    for (const runs of this.#byPartition.get(partition)?.values() ?? []) {
      const alive = runs.find(({ end }) => end === undefined || (end.type === "lost" && !end.dead));
      if (alive !== undefined) return alive.runId;
    }
    return undefined;
  }

  /** Offsets in [from, to) of which runs are held, in order. */
  offsetsWithin(partition: number, from: number, to: number): readonly number[] {
    if (this.#places.size === 0) return [];
    const offsets = [...(this.#byPartition.get(partition)?.keys() ?? [])];
    return offsets.filter((offset) => offset >= from && offset < to).sort((a, b) => a - b);
  }

  /** The whole new assignment. */
  assigned(partitions: ReadonlySet<number>, nowMs: number): void {
    this.#assigned = partitions;
    for (const partition of this.#foreign.keys()) if (partitions.has(partition)) this.#foreign.delete(partition);
    for (const { partition } of this.#places.values()) this.#noteForeign(partition, nowMs);
  }

  /** Lets go of the runs that were kept for long enough although their partition is another member's. */
  takeForeign(nowMs: number): readonly HeldPlace[] {
    const over = new Set<number>();
    for (const [partition, untilMs] of this.#foreign) if (untilMs <= nowMs) over.add(partition);
    for (const partition of over) this.#foreign.delete(partition);
    return over.size === 0 ? [] : this.takeWhere((partition) => over.has(partition));
  }

  /** Lets go of the runs for whose records this holds. */
  takeWhere(isOver: (partition: number, offset: number) => boolean): readonly HeldPlace[] {
    const taken: HeldPlace[] = [];
    for (const [runId, { partition, offset }] of this.#places) {
      if (isOver(partition, offset)) taken.push({ runId, partition, offset, end: this.#find(runId)?.end });
    }
    for (const { runId } of taken) this.forget(runId);
    return taken;
  }

  #noteForeign(partition: number, nowMs: number): void {
    if (this.#assigned === undefined || this.#assigned.has(partition) || this.#foreign.has(partition)) return;
    this.#foreign.set(partition, nowMs + this.#foreignHoldMs);
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
