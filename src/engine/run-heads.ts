import { isJsonObject } from "../base/json.ts";
import type { RunOutcome } from "./ports.ts";

/* The JSON at the head of what travels with a run (run-wire.ts): all of its shape that reading it relies on. */

export interface RequestHead<Spec> {
  readonly spec: Spec;
  readonly attempt: number;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  readonly keyBytes: number | null;
  readonly valueBytes: number | null;
  /** A null value has no length; releases that do not expect that read it as empty. */
  readonly headers: readonly (readonly [name: string, bytes: number | null])[];
}

export interface ResultHead {
  readonly outcome: RunOutcome;
  readonly durationMs: number;
  readonly specVersion: string;
  readonly attempt?: number;
  readonly notice?: string;
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
}

/** The specification itself is the sender's, a Brigade of this version or the one before: its fields are its own. */
export function isRequestHead(json: unknown): json is RequestHead<object> {
  if (!isJsonObject(json) || !isJsonObject(json["spec"]) || !isJsonObject(json["spec"]["program"])) return false;
  const { attempt, topic, partition, offset, timestampMs, keyBytes, valueBytes, headers } = json;
  return (
    [attempt, partition, offset].every(isCount) &&
    typeof topic === "string" &&
    isNumber(timestampMs) &&
    [keyBytes, valueBytes].every(isLength) &&
    Array.isArray(headers) &&
    headers.every((header) => Array.isArray(header) && typeof header[0] === "string" && isLength(header[1]))
  );
}

export function isResultHead(json: unknown): json is ResultHead {
  if (!isJsonObject(json)) return false;
  const { outcome, durationMs, specVersion, attempt, notice, stdoutBytes, stderrBytes } = json;
  return (
    isOutcome(outcome) &&
    isNumber(durationMs) &&
    typeof specVersion === "string" &&
    (attempt === undefined || isCount(attempt)) &&
    (notice === undefined || typeof notice === "string") &&
    isCount(stdoutBytes) &&
    isCount(stderrBytes)
  );
}

/** What each outcome tells besides its type. */
const outcomeFields: { readonly [Type in RunOutcome["type"]]: Readonly<Record<string, "number" | "string">> } = {
  succeeded: {},
  exited: { code: "number" },
  signaled: { signal: "string" },
  "timed-out": { afterMs: "number" },
  "out-of-memory": {},
  "output-too-large": { limitBytes: "number" },
  "not-startable": { reason: "string", message: "string" },
  killed: {},
};

function isOutcome(outcome: unknown): outcome is RunOutcome {
  if (!isJsonObject(outcome)) return false;
  const { type } = outcome;
  if (typeof type !== "string" || !Object.hasOwn(outcomeFields, type)) return false;
  const fields = Object.entries(outcomeFields[type as RunOutcome["type"]]);
  return fields.every(([name, wanted]) => typeof outcome[name] === wanted);
}

function isNumber(value: unknown): value is number {
  return typeof value === "number";
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isLength(value: unknown): value is number | null {
  return value === null || isCount(value);
}
