import type { ValueRange } from "../../mesos/types.ts";

/*
 * Sets of integers as ranges with inclusive ends. A normal list is sorted and its ranges do not touch; every result
 * here is normal, and so must be every operand but that of `normalize`.
 */

export function normalize(ranges: readonly ValueRange[]): readonly ValueRange[] {
  const result: ValueRange[] = [];
  for (const range of ranges.toSorted((a, b) => a.begin - b.begin)) {
    const last = result.at(-1);
    if (last !== undefined && range.begin <= last.end + 1) {
      result[result.length - 1] = { begin: last.begin, end: Math.max(last.end, range.end) };
    } else {
      result.push({ begin: range.begin, end: range.end });
    }
  }
  return result;
}

export function subtractRanges(from: readonly ValueRange[], taken: readonly ValueRange[]): readonly ValueRange[] {
  let rest = from;
  for (const { begin, end } of taken) {
    rest = rest.flatMap((range) => {
      if (end < range.begin || begin > range.end) return [range];
      const pieces: ValueRange[] = [];
      if (range.begin < begin) pieces.push({ begin: range.begin, end: begin - 1 });
      if (range.end > end) pieces.push({ begin: end + 1, end: range.end });
      return pieces;
    });
  }
  return rest;
}

/** Every range of `inner` lies within one range of `outer`. */
export function rangesContain(outer: readonly ValueRange[], inner: readonly ValueRange[]): boolean {
  return inner.every(({ begin, end }) => outer.some((range) => range.begin <= begin && end <= range.end));
}
