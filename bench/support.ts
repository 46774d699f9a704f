/** Runs `measure` so many times, so that a figure comes with its spread. */
export function rounds<T>(count: number, measure: () => T): T[] {
  return Array.from({ length: count }, measure);
}

/** Sorted, so that the median stands in the middle. */
export function spread(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}

/** `name   median   (least … most)`. */
export function report(name: string, sorted: readonly number[]): void {
  const median = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const range = sorted.length > 1 ? `   (${show(sorted[0])} … ${show(sorted.at(-1))})` : "";
  console.log(`${name.padEnd(56)} ${show(median).padStart(12)}${range}`);
}

function show(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return "–";
  if (value >= 1000) return Math.round(value).toLocaleString("en").replaceAll(",", " ");
  return value >= 10 ? value.toFixed(1) : value.toFixed(3);
}
