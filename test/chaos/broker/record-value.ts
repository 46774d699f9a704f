const BYTES = 200;

/** A record of 200 bytes that carries its number. */
export function valueOf(number: number): string {
  return `${number}`.padEnd(BYTES, ".");
}

/** @throws where no writer made this value */
export function numberOf(value: string): number {
  const number = Number(/^(\d+)\.+$/.exec(value)?.[1] ?? Number.NaN);
  if (value !== valueOf(number)) throw new Error(`nobody wrote the record "${value}"`);
  return number;
}
