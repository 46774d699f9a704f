import { EngineLostError } from "./errors.ts";

/* What is read of the JSON that the Engine answers with. `action` is what was asked, for messages. */

export function field(value: unknown, name: string, action: string): unknown {
  if (typeof value !== "object" || value === null) throw unexpected(action);
  return (value as Readonly<Record<string, unknown>>)[name];
}

export function text(value: unknown, action: string): string {
  if (typeof value !== "string") throw unexpected(action);
  return value;
}

/** null: none. */
export function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

/** -1: it says none. */
export function number(value: unknown): number {
  return typeof value === "number" ? value : -1;
}

export function unexpected(action: string): EngineLostError {
  return new EngineLostError(`Cannot ${action}: the Docker Engine's answer has another shape than its API`);
}
