const UNITS: readonly (readonly [unit: string, ms: number])[] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
];

/**
 * Reads `"3s"`, `"250ms"`, `"1.5h"`, `"2m30s"`, `"7d"` (and Mesos' `"10mins"`, `"2hrs"`, `"5secs"`, `"1days"`,
 * `"1weeks"`) as milliseconds.
 *
 * @returns undefined where the text is no duration; the caller knows how to say so
 */
export function parseDuration(text: string): number | undefined {
  const part = /(\d+(?:\.\d+)?)\s*(ms|secs?|s|mins?|m|hrs?|h|days?|d|weeks?|w)\s*/y;
  const input = text.trim();
  if (input === "") return undefined;
  let total = 0;
  while (part.lastIndex < input.length) {
    const match = part.exec(input);
    if (match === null) return undefined;
    total += Number(match[1]) * unitMs(match[2] ?? "");
  }
  return Number.isFinite(total) ? total : undefined;
}

function unitMs(unit: string): number {
  if (unit === "ms") return 1;
  if (unit.startsWith("s")) return 1000;
  if (unit.startsWith("m")) return 60_000;
  if (unit.startsWith("h")) return 3_600_000;
  return unit.startsWith("d") ? 86_400_000 : 604_800_000;
}

/** The shortest exact form: `90000` is `"1m30s"`. Fractions of a millisecond are dropped. */
export function formatDuration(ms: number): string {
  let rest = Math.round(ms);
  if (rest <= 0) return "0s";
  let text = "";
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text;
}
