import { EngineLostError } from "./errors.ts";

/* What is read of the JSON that the Engine answers with. `action` is what was asked, for messages. */

/** @throws {EngineLostError} it is no JSON */
export function parseAnswer(text: string, action: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new EngineLostError(`Cannot ${action}: the Docker Engine's answer is not JSON`, { cause });
  }
}

/** Why a call was refused: `{"message":"No such image: x"}`, or whatever a proxy in between says in its own words. */
export function refusalText(text: string): string {
  try {
    const { message } = (JSON.parse(text) ?? {}) as { message?: unknown };
    if (typeof message === "string") return message.trim();
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return text.trim();
}

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
