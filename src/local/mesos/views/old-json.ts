/*
 * The JSON of Mesos' older endpoints (`/state` and its like), where numbers that are doubles always have a fraction.
 */

/** A number that is written `4.0`, never `4`. */
export class Double {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

export type View = Readonly<Record<string, unknown>>;

export function double(value: number): Double {
  return new Double(value);
}

/** Seconds since 1970, from milliseconds. */
export function seconds(ms: number): Double {
  return new Double(ms / 1000);
}

/** Members that are undefined are left out. */
export function writeOldJson(value: unknown): string {
  if (value instanceof Double) {
    const { value: number } = value;
    return Number.isInteger(number) && Math.abs(number) < 1e21 ? `${number}.0` : JSON.stringify(number);
  }
  if (Array.isArray(value)) return `[${value.map(writeOldJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${writeOldJson(member)}`).join(",")}}`;
}
