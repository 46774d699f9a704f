import { describeError } from "../base/errors.ts";
import type { LogEntry } from "../base/log.ts";

/**
 * The entry with fields that surely survive postMessage: errors, functions and the like become text. An Error could be
 * cloned, but would arrive without its class and cause.
 */
export function portableEntry(entry: LogEntry): LogEntry {
  const fields = Object.entries(entry.fields).map(([name, value]) => [name, portable(value)] as const);
  return { ...entry, fields: Object.fromEntries(fields) };
}

function portable(value: unknown): unknown {
  if (value instanceof Error) return describeError(value);
  if (typeof value === "function" || typeof value === "symbol") return String(value);
  if (typeof value !== "object" || value === null) return value;
  try {
    return structuredClone(value);
  } catch (error) {
    if (error instanceof DOMException) return Bun.inspect(value);
    throw error;
  }
}
