import { type FaultCounts, type FaultKind, faultKinds } from "./faults.ts";
import type { History } from "./world.ts";

/** What many histories came to. */
export interface Summary {
  readonly histories: number;
  readonly records: number;
  /** Starts of programs, and what they and everything else did to the records. */
  readonly starts: number;
  readonly outputs: number;
  readonly faults: FaultCounts;
  readonly broken: readonly { readonly seed: number; readonly message: string }[];
}

export const emptySummary: Summary = { histories: 0, records: 0, starts: 0, outputs: 0, faults: new Map(), broken: [] };

export function summaryOf({ seed, records, starts, outputs, counts, broken }: History): Summary {
  const failures = broken === undefined ? [] : [{ seed, message: broken.message }];
  return { histories: 1, records, starts, outputs, faults: counts, broken: failures };
}

export function addSummaries(a: Summary, b: Summary): Summary {
  const faults = new Map(a.faults);
  for (const [kind, count] of b.faults) faults.set(kind, (faults.get(kind) ?? 0) + count);
  return {
    histories: a.histories + b.histories,
    records: a.records + b.records,
    starts: a.starts + b.starts,
    outputs: a.outputs + b.outputs,
    faults,
    broken: [...a.broken, ...b.broken],
  };
}

/** Faults that were meant to strike and never did: then nothing is known about them. */
export function missingFaults({ faults }: Summary): readonly FaultKind[] {
  return faultKinds.filter((kind) => !faults.has(kind));
}

export function replayCommand(seed: number): string {
  return `scripts/simulate --seed ${seed}`;
}
