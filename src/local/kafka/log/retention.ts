import type { BatchPosition } from "./batch-types.ts";

/** How long, and how much of it, a topic keeps its records. */
export interface RetentionRules {
  /** Records go when they are older; undefined: never for their age. */
  readonly ms: number | undefined;
  /** The oldest go while so much is left without them; undefined: never for their size. */
  readonly bytes: number | undefined;
}

export interface SizedPosition extends BatchPosition {
  readonly sizeBytes: number;
}

/** A partition's batches as retention looks at them. */
export interface Retained {
  readonly logStartOffset: number;
  /** Nothing from here on may go: it is not readable for everybody yet. */
  readonly stableOffset: number;
  /** All that there is. */
  readonly sizeBytes: number;
  /** Some batches from an offset on, in their order; none behind the last. */
  batchesFrom(offset: number): readonly SizedPosition[];
}

/**
 * Where the log should begin: behind the batches that are too old or too many. Only what stands at its beginning goes,
 * batch by batch; a real broker does it by its segment files, and so a little later.
 */
export function retainedFrom(log: Retained, { ms, bytes }: RetentionRules, nowMs: number): number {
  let start = log.logStartOffset;
  if (ms === undefined && bytes === undefined) return start;
  let left = bytes === undefined ? 0 : log.sizeBytes;
  for (;;) {
    const batches = log.batchesFrom(start);
    if (batches.length === 0) return start;
    for (const { lastOffset, maxTimestampMs, sizeBytes } of batches) {
      const isTooOld = ms !== undefined && maxTimestampMs < nowMs - ms;
      const isTooMuch = bytes !== undefined && left - sizeBytes >= bytes;
      if (lastOffset >= log.stableOffset || !(isTooOld || isTooMuch)) return start;
      left -= sizeBytes;
      start = lastOffset + 1;
    }
  }
}
