const UNITS: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1000,
  mb: 1000 ** 2,
  gb: 1000 ** 3,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
};

/**
 * Reads `"900kB"`, `"1MB"`, `"4MiB"`, `"512"` as bytes; k, M, G are powers of 1000, Ki, Mi, Gi of 1024.
 *
 * @returns undefined where the text is no size; the caller knows how to say so
 */
export function parseSize(text: string): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([kmg]?i?b?)\s*$/i.exec(text);
  if (match === null) return undefined;
  const unit = (match[2] ?? "").toLowerCase();
  const factor = UNITS[unit === "" || unit.endsWith("b") ? unit || "b" : `${unit}b`];
  if (factor === undefined) return undefined;
  const bytes = Math.round(Number(match[1]) * factor);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** For people: `"1.5 MB"`. */
export function formatSize(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  for (const [unit, factor] of [
    ["kB", 1000],
    ["MB", 1000 ** 2],
  ] as const) {
    if (bytes < factor * 1000) return `${trim(bytes / factor)} ${unit}`;
  }
  return `${trim(bytes / 1000 ** 3)} GB`;
}

function trim(value: number): string {
  return value.toFixed(value < 10 ? 1 : 0).replace(/\.0$/, "");
}
