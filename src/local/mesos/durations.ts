const UNITS = [
  ["weeks", 604_800_000],
  ["days", 86_400_000],
  ["hrs", 3_600_000],
  ["mins", 60_000],
  ["secs", 1000],
  ["ms", 1],
] as const;

/** A duration as Mesos writes it: the largest unit that gives a whole number: `5secs`, `90secs`, `1500ms`, `1mins`. */
export function printDuration(ms: number): string {
  for (const [unit, size] of UNITS) {
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${ms}ms`;
}
