import type { ProcessorSpec } from "../config/processor.ts";
import type { PartitionState } from "./partition-state.ts";
import type { SettlingSpec } from "./ports.ts";

/** A version that new runs do not get any more. */
interface Former {
  readonly spec: SettlingSpec;
  /** By partition: all its runs are of records below. */
  readonly bounds: Map<number, number>;
}

/**
 * The specification that new runs get, and of every former version what settles the results of its runs, be they of this
 * life or of an earlier one.
 *
 * A former version is over once every record that it may have a run of is settled for good: those that had been written
 * when it was found to be a former one. It is kept for longer than needed rather than too short.
 */
export class LiveVersions {
  readonly #formers = new Map<string, Former>();
  #current: ProcessorSpec;

  /** @param known what earlier lives have left */
  constructor(current: ProcessorSpec, known: readonly SettlingSpec[]) {
    this.#current = current;
    for (const spec of known) this.#retire(spec);
    this.#formers.delete(current.version);
  }

  get current(): ProcessorSpec {
    return this.#current;
  }

  /** undefined: no such version is known. */
  of(version: string): SettlingSpec | undefined {
    return version === this.#current.version ? this.#current : this.#formers.get(version)?.spec;
  }

  change(spec: ProcessorSpec, partitions: Iterable<PartitionState>): void {
    this.#retire(this.#current);
    this.#formers.delete(spec.version);
    this.#current = spec;
    for (const state of partitions) this.assigned(state);
  }

  /** What was written before now is all that former versions can have runs of. */
  assigned({ partition, highWatermark }: PartitionState): void {
    for (const { bounds } of this.#formers.values()) {
      if (!bounds.has(partition)) bounds.set(partition, highWatermark);
    }
  }

  /** Another owner's: what former versions still run there is none of ours. */
  dropped(partition: number): void {
    for (const { bounds } of this.#formers.values()) bounds.delete(partition);
  }

  /** Forgets the versions that are over, and tells which. To be asked only while all runs of earlier lives are known. */
  takeFinished(partitions: ReadonlyMap<number, PartitionState>): readonly string[] {
    const over: string[] = [];
    if (partitions.size === 0) return over;
    for (const [version, { bounds }] of this.#formers) {
      const isOver = [...partitions.values()].every(({ partition, committed }) => {
        const bound = bounds.get(partition);
        return bound !== undefined && committed !== null && committed.offset >= bound;
      });
      if (!isOver) continue;
      this.#formers.delete(version);
      over.push(version);
    }
    return over;
  }

  #retire(spec: SettlingSpec): void {
    this.#formers.set(spec.version, { spec: settlingSpec(spec), bounds: new Map() });
  }
}

/** The part of a specification that a result is settled by. */
export function settlingSpec({ name, version, output, error, emptyOutput }: SettlingSpec): SettlingSpec {
  return { name, version, output, error, emptyOutput };
}
