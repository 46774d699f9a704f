import type { LaneId, OpenRecord } from "./open-record.ts";
import type { RunId } from "./ports.ts";

/** A run that nobody wants any more, and that may be alive. */
export interface Survivor {
  readonly runId: RunId;
  readonly partition: number;
  readonly offset: number;
  /** Of its record; null: it has none; undefined: not known, since the record was not read. */
  readonly lane: LaneId | null | undefined;
}

/**
 * Runs that may be alive although nobody wants them any more, and the records that wait for the end of a run, wanted or
 * not (`overlap: forbid`).
 *
 * A run keeps its own record from running, and every other of its lane; where the lane is not known, of its partition.
 * O(1) a question.
 */
export class Survivors {
  readonly #runs = new Map<RunId, Survivor>();
  readonly #byPlace = new Map<string, Set<RunId>>();
  readonly #waiting = new Map<RunId, Set<OpenRecord>>();

  /** Records that wait. */
  get guarded(): number {
    let count = 0;
    for (const waiting of this.#waiting.values()) for (const { phase } of waiting) if (phase === "guarded") count++;
    return count;
  }

  /** What records wait for. */
  *waitedFor(): Generator<RunId> {
    for (const [runId, waiting] of this.#waiting) {
      for (const { phase } of waiting) {
        if (phase !== "guarded") continue;
        yield runId;
        break;
      }
    }
  }

  add(survivor: Survivor): void {
    this.#runs.set(survivor.runId, survivor);
    for (const place of placesOf(survivor)) {
      const runs = this.#byPlace.get(place) ?? new Set();
      this.#byPlace.set(place, runs);
      runs.add(survivor.runId);
    }
  }

  has(runId: RunId): boolean {
    return this.#runs.has(runId);
  }

  /** It is dead. */
  remove(runId: RunId): void {
    const survivor = this.#runs.get(runId);
    if (survivor === undefined) return;
    this.#runs.delete(runId);
    for (const place of placesOf(survivor)) {
      const runs = this.#byPlace.get(place);
      runs?.delete(runId);
      if (runs?.size === 0) this.#byPlace.delete(place);
    }
  }

  /** One beside which the record must not run. */
  before({ record: { partition, offset }, lane }: OpenRecord): RunId | undefined {
    if (this.#runs.size === 0) return undefined;
    const places = [recordPlace(partition, offset)];
    if (lane !== undefined) places.push(lane, partitionPlace(partition));
    for (const place of places) for (const runId of this.#byPlace.get(place) ?? []) return runId;
    return undefined;
  }

  /** The record waits for the end of the run. */
  guard(open: OpenRecord, runId: RunId): void {
    this.unguard(open);
    open.guardedBy = runId;
    const waiting = this.#waiting.get(runId) ?? new Set();
    this.#waiting.set(runId, waiting);
    waiting.add(open);
  }

  /** The record does not wait any more: it is settled, or another owner's. */
  unguard(open: OpenRecord): void {
    const { guardedBy } = open;
    if (guardedBy === undefined) return;
    open.guardedBy = undefined;
    const waiting = this.#waiting.get(guardedBy);
    waiting?.delete(open);
    if (waiting?.size === 0) this.#waiting.delete(guardedBy);
  }

  /** The records that waited for it, and still do. */
  takeWaiting(runId: RunId): readonly OpenRecord[] {
    const waiting = this.#waiting.get(runId);
    if (waiting === undefined) return [];
    this.#waiting.delete(runId);
    return [...waiting].filter((open) => open.phase === "guarded" && open.guardedBy === runId);
  }

  /** Overlap is allowed: nobody waits any more. */
  takeAll(): { readonly runs: readonly RunId[]; readonly waiting: readonly OpenRecord[] } {
    const runs = [...this.#runs.keys()];
    const waiting = [...this.#waiting.keys()].flatMap((runId) => this.takeWaiting(runId));
    this.#runs.clear();
    this.#byPlace.clear();
    return { runs, waiting };
  }
}

function placesOf({ partition, offset, lane }: Survivor): readonly string[] {
  const own = recordPlace(partition, offset);
  if (lane === null) return [own];
  return [own, lane ?? partitionPlace(partition)];
}

/** None of these is a lane: those begin with the partition's number and a colon. */
function recordPlace(partition: number, offset: number): string {
  return `${partition}/${offset}`;
}

function partitionPlace(partition: number): string {
  return `${partition}`;
}
