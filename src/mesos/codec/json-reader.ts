import { isJsonObject } from "../../base/json.ts";
import { CodecError } from "./errors.ts";
import { idOf } from "./ids.ts";
import { type EnumType, type Field, type MessageType, messageType } from "./schema.ts";

/*
 * Reads what json-writer.ts describes, as forgiving as Mesos itself is: strings in place of numbers and booleans, one
 * value in place of a list, null for unset. What it refuses is refused in Mesos' words.
 */

type Fields = Record<string, unknown>;

/** Objects inside objects that Mesos still reads. */
const MAX_DEPTH = 200;
/** Objects and lists inside one another: no message of MAX_DEPTH has more. */
const MAX_TEXT_DEPTH = 3 * MAX_DEPTH;

const TWO_TO_64 = 2 ** 64;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** What is known of the message while it is read. */
interface Reading {
  /** Paths of required members that are not there. */
  missing: string[];
  depth: number;
}

/**
 * @param name whole name of the message: `mesos.v1.scheduler.Event`
 * @throws {CodecError} `malformed`: not JSON; `mismatched`: JSON that does not fit the message
 */
export function decodeJson(name: string, text: string): object {
  const json = parseJson(text);
  if (!isJsonObject(json)) throw mismatched("Expecting a JSON object");
  const reading: Reading = { missing: [], depth: 0 };
  const value = readObject(messageType(name), json, "", reading);
  if (reading.missing.length > 0) throw mismatched(`Missing required fields: ${reading.missing.join(", ")}`);
  return value;
}

/** From this length on a text is looked at before it is parsed: what is nested by the million takes gigabytes. */
const LONG_TEXT = 64 * 1024;

function refuseDeepText(text: string): void {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (quoted) {
      if (code === BACKSLASH) at++;
      else if (code === QUOTE) quoted = false;
    } else if (code === QUOTE) quoted = true;
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      if (++depth > MAX_TEXT_DEPTH) throw new CodecError("malformed", "nesting too deep");
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) depth--;
  }
}

/** `JSON.parse`, and the bare `Infinity`, `-Infinity` and `NaN` that Mesos writes, which come out as strings. */
function parseJson(text: string): unknown {
  if (text.length > LONG_TEXT) refuseDeepText(text);
  try {
    return JSON.parse(text);
  } catch (error) {
    const bare = text.replace(/"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g, (part) =>
      part[0] === '"' ? part : `"${part}"`,
    );
    if (bare === text) throw syntaxError(error);
    try {
      return JSON.parse(bare);
    } catch (second) {
      throw syntaxError(second);
    }
  }
}

/** In the words of Mesos' parser; what follows the error's place it names too, but `JSON.parse` keeps the place. */
function syntaxError(cause: unknown): CodecError {
  return new CodecError("malformed", "syntax error at line 1 near: ", { cause });
}

/** @param path of the object within the message, with a dot at its end */
function readObject(type: MessageType, json: Fields, path: string, reading: Reading): Fields {
  if (++reading.depth > MAX_DEPTH) throw new CodecError("malformed", "nesting too deep");
  const target: Fields = {};
  const missingBefore = reading.missing.length;
  const ownMissing: string[] = [];
  if (type.list !== undefined) target[type.list.name] = [];
  for (const field of type.byNumber) {
    const value = Object.hasOwn(json, field.wireName) ? json[field.wireName] : undefined;
    const read = value === undefined || value === null ? undefined : readField(field, value, path, reading);
    if (read !== undefined) target[field.name] = read;
    else if (field.required) ownMissing.push(path + field.wireName);
  }
  // Mesos names what an object itself lacks before what its members lack.
  if (ownMissing.length > 0) reading.missing.splice(missingBefore, 0, ...ownMissing);
  reading.depth--;
  return target;
}

function readField(field: Field, value: unknown, path: string, reading: Reading): unknown {
  if (!field.repeated) return readValue(field, value, `${path}${field.wireName}`, reading);
  const items = Array.isArray(value) ? value : [value];
  const read = items
    .map((item, index) => readValue(field, item, `${path}${field.wireName}[${index}]`, reading))
    .filter((item) => item !== undefined);
  return read.length > 0 ? read : undefined;
}

/** undefined stands for a value that this library does not know, which counts as unset. */
function readValue(field: Field, value: unknown, path: string, reading: Reading): unknown {
  const type = field.type;
  switch (type.kind) {
    case "message":
      if (!isJsonObject(value)) throw unexpected(field, value);
      return readObject(type.message, value, `${path}.`, reading);
    case "id": {
      if (!isJsonObject(value)) throw unexpected(field, value);
      const id = readObject(type.message, value, `${path}.`, reading);
      // An id without value is reported as its own missing member, not as one of the object around it.
      return idOf(id) ?? "";
    }
    case "map": {
      if (!isJsonObject(value)) throw unexpected(field, value);
      const entries = Object.entries(value).map(
        ([key, item]) => [key, readValue(type.value, item, `${path}.${key}`, reading)] as const,
      );
      return entries.length > 0 ? Object.fromEntries(entries) : undefined;
    }
    case "string":
      if (typeof value !== "string") throw unexpected(field, value);
      return value;
    case "bytes":
      if (typeof value !== "string") throw unexpected(field, value);
      return readBase64(field, value);
    case "bool":
      if (value === "true" || value === "false") return value === "true";
      if (typeof value !== "boolean") throw unexpected(field, value);
      return value;
    case "enum":
      if (typeof value !== "string") throw unexpected(field, value);
      return readEnum(field, type.enum, value);
    case "double":
    case "int32":
    case "uint32":
    case "int64":
    case "uint64":
      return readNumber(field, value, type.kind === "double");
  }
}

function readEnum(field: Field, type: EnumType, name: string): string | undefined {
  if (type.numbers.has(name) || type.open) return name;
  if (field.required) throw mismatched(`Failed to find enum for '${name}'`);
  return undefined;
}

function readNumber(field: Field, value: unknown, fraction: boolean): number {
  if (typeof value !== "number" && typeof value !== "string") throw unexpected(field, value);
  const number = typeof value === "string" && value.trim() === "" ? Number.NaN : Number(value);
  if (fraction ? Number.isNaN(number) && value !== "NaN" : !(Math.abs(number) < TWO_TO_64)) {
    throw mismatched(`Failed to parse '${value}' as a JSON number for field '${field.wireName}'`);
  }
  return fraction ? number : Math.trunc(number);
}

function readBase64(field: Field, text: string): Uint8Array {
  const compact = text.replace(/\s/g, "");
  const wrong = /[^A-Za-z0-9+/=]/.exec(compact);
  if (wrong !== null) {
    throw mismatched(`Failed to base64 decode bytes field '${field.wireName}': Invalid character '${wrong[0]}'`);
  }
  return new Uint8Array(Buffer.from(compact, "base64"));
}

function unexpected(field: Field, value: unknown): CodecError {
  const kind = Array.isArray(value) ? "array" : typeof value;
  return mismatched(`Not expecting a JSON ${kind} for field '${field.wireName}'`);
}

function mismatched(detail: string): CodecError {
  return new CodecError("mismatched", detail);
}
