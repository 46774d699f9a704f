import * as v from "valibot";
import { formatDuration, parseDuration } from "../base/duration.ts";
import { parseSize } from "../base/size.ts";
import { showValue } from "./problem.ts";

/*
 * The kinds of values that people write in processor files and settings. Each one knows how it is read, what a message
 * says of it, and its JSON Schema; valibot puts them together.
 */

/** The part of JSON Schema (draft 2020-12) that we write. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

/** What a schema carries besides its reading; see {@link kindOf}. */
export interface KindMetadata {
  /** Ends the sentence "must be …", and is the type in the reference. */
  readonly expects: string;
  readonly jsonSchema: JsonSchema;
}

/** The output of a schema whose input is whatever a user wrote. */
export type Reader<T> = v.GenericSchema<unknown, T>;

/**
 * A kind from a function that reads a value or gives undefined where it is none. The refused value is shown in the
 * message, unless `show` hides it.
 */
export function kind<T>(
  { expects, jsonSchema }: KindMetadata,
  read: (input: unknown) => T | undefined,
  show: (input: unknown) => string = showValue,
): Reader<T> {
  return v.pipe(
    v.unknown(),
    v.rawTransform<unknown, T>(({ dataset, addIssue, NEVER }) => {
      const value = read(dataset.value);
      if (value !== undefined) return value;
      addIssue({ message: `is ${show(dataset.value)}, must be ${expects}` });
      return NEVER;
    }),
    v.metadata({ expects, jsonSchema }),
  );
}

/** Expectation and JSON Schema of a schema, where it was given any. */
export function kindOf(schema: v.GenericSchema): Partial<KindMetadata> {
  return v.getMetadata(schema);
}

/** The schema inside `v.optional`, which is what carries the metadata. */
export function withoutOptional(schema: v.GenericSchema): v.GenericSchema {
  const { wrapped = schema } = schema as { readonly wrapped?: v.GenericSchema };
  return wrapped;
}

/** With the sentence that the JSON Schema and the reference have for it. */
export function described<T>(schema: Reader<T>, description: string): Reader<T> {
  return v.pipe(schema, v.description(description));
}

export interface TextOptions {
  readonly expects: string;
  /** Anchored. Default: anything but the empty text. */
  readonly pattern?: RegExp;
}

export function text({ expects, pattern = /^[^]+$/ }: TextOptions): Reader<string> {
  return kind({ expects, jsonSchema: { type: "string", pattern: pattern.source } }, (input) =>
    typeof input === "string" && pattern.test(input) ? input : undefined,
  );
}

export function absolutePath(): Reader<string> {
  return text({ expects: "an absolute path", pattern: /^\/[^\0]*$/ });
}

/** One of a few words, in any case where `ignoreCase` is set; the result is spelt as in `words`. */
export function oneOf<const T extends string>(words: readonly T[], options: { ignoreCase?: boolean } = {}): Reader<T> {
  const expects = words.map((word) => `"${word}"`).join(words.length === 2 ? " or " : ", ");
  const fold = (word: string): string => (options.ignoreCase === true ? word.toLowerCase() : word);
  return kind({ expects: words.length > 2 ? `one of ${expects}` : expects, jsonSchema: { enum: words } }, (input) =>
    words.find((word) => typeof input === "string" && fold(word) === fold(input)),
  );
}

/** true and false, also as text: the original's forms write both. */
export function flag(): Reader<boolean> {
  const words: Readonly<Record<string, boolean>> = { true: true, false: false };
  return kind({ expects: "true or false", jsonSchema: { enum: [true, false, "true", "false"] } }, (input) =>
    typeof input === "boolean" ? input : typeof input === "string" ? words[input.trim().toLowerCase()] : undefined,
  );
}

export interface NumberOptions {
  readonly min: number;
  readonly max: number;
  /** Whole numbers only. */
  readonly whole?: boolean;
}

const NUMBER_PATTERN = /^\s*\d+(\.\d+)?\s*$/;

/** A number, also as text ("0.45"): the original's samples write it so. */
export function number({ min, max, whole = false }: NumberOptions): Reader<number> {
  const expects = `a ${whole ? "whole " : ""}number from ${min} to ${max}`;
  const jsonSchema: JsonSchema = {
    type: [whole ? "integer" : "number", "string"],
    minimum: min,
    maximum: max,
    pattern: NUMBER_PATTERN.source,
  };
  return kind({ expects, jsonSchema }, (input) => {
    const value = readNumber(input);
    return value !== undefined && value >= min && value <= max && (!whole || Number.isInteger(value))
      ? value
      : undefined;
  });
}

export interface DurationOptions {
  readonly minMs: number;
  readonly maxMs: number;
  /** Whether a bare number counts as seconds: for settings, whose originals have no units. */
  readonly bareSeconds?: boolean;
}

/** Milliseconds from `"3s"`. */
export function duration({ minMs, maxMs, bareSeconds = false }: DurationOptions): Reader<number> {
  const range = `from ${formatDuration(minMs)} to ${formatDuration(maxMs)}`;
  const expects = `a duration such as "90s", "5m" or "1h30m", ${range}`;
  const jsonSchema = { type: "string", pattern: String.raw`^(\s*\d+(\.\d+)?\s*(ms|s|m|h|d|w))+\s*$` };
  return kind({ expects, jsonSchema }, (input) => {
    if (typeof input !== "string") return undefined;
    const ms = bareSeconds && NUMBER_PATTERN.test(input) ? Number(input) * 1000 : parseDuration(input);
    return ms !== undefined && ms >= minMs && ms <= maxMs ? ms : undefined;
  });
}

export interface SizeOptions {
  readonly minBytes: number;
  readonly maxBytes: number;
  /** How the bounds are written in messages: `"1 B to 4 MiB"`. */
  readonly range: string;
}

/** Bytes from `"900kB"`, `"4MiB"`, or a bare number of bytes. */
export function size({ minBytes, maxBytes, range }: SizeOptions): Reader<number> {
  const jsonSchema = { type: ["string", "integer"], pattern: String.raw`^\s*\d+(\.\d+)?\s*[kKmMgG]?i?[bB]?\s*$` };
  return kind({ expects: `a size such as "900kB" or "1MB", ${range}`, jsonSchema }, (input) => {
    const bytes = typeof input === "string" ? parseSize(input) : readNumber(input);
    return bytes !== undefined && Number.isInteger(bytes) && bytes >= minBytes && bytes <= maxBytes ? bytes : undefined;
  });
}

const MEMORY_PATTERN = /^\s*(\d+(?:\.\d+)?)\s*(?:([mg])i?b?)?\s*$/i;
/** 16 TB: more is bytes written where megabytes are meant. */
const MAX_MEMORY_MB = 16 * 1024 * 1024;

/**
 * Megabytes as Mesos and Docker count them (2^20 bytes): `64`, `"64"`, `"64MB"`, `"1GB"` (1024). The `i` of `MiB` is
 * accepted and changes nothing.
 */
export function memory({ minMb }: { readonly minMb: number }): Reader<number> {
  const jsonSchema = {
    type: ["number", "string"],
    minimum: minMb,
    maximum: MAX_MEMORY_MB,
    pattern: String.raw`^\s*\d+(\.\d+)?\s*([mMgG]i?[bB]?)?\s*$`,
  };
  const expects = `a number of MB, or a size such as "64MB" or "1GB", at least ${minMb} MB and at most 16 TB`;
  return kind({ expects, jsonSchema }, (input) => {
    const match = MEMORY_PATTERN.exec(
      typeof input === "number" ? String(input) : typeof input === "string" ? input : "",
    );
    if (match === null) return undefined;
    const mb = Number(match[1]) * (match[2]?.toLowerCase() === "g" ? 1024 : 1);
    return mb >= minMb && mb <= MAX_MEMORY_MB ? mb : undefined;
  });
}

function readNumber(input: unknown): number | undefined {
  if (typeof input === "number") return input;
  return typeof input === "string" && NUMBER_PATTERN.test(input) ? Number(input) : undefined;
}
