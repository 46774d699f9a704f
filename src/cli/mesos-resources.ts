import { UsageError } from "../base/errors.ts";
import type { Attribute, Resource } from "../mesos/types.ts";

/*
 * What Mesos' own flags `--resources` and `--attributes` are written in: `name:value` with `;` between, where a value is
 * a number, ranges `[31000-32000,33000-33100]`, or (of attributes) text.
 */

type Value =
  | { readonly type: "SCALAR"; readonly scalar: { readonly value: number } }
  | { readonly type: "RANGES"; readonly ranges: { readonly range: { readonly begin: number; readonly end: number }[] } }
  | { readonly type: "TEXT"; readonly text: { readonly value: string } };

/** @throws {UsageError} */
export function parseResources(text: string): readonly Resource[] {
  const resources = pairs("--resources", text).map(([name, value]): Resource => {
    if (/[()]/.test(name)) throw wrong("--resources", `${name}:${value}`, "reserved resources are not known here");
    const parsed = parseValue(value);
    if (parsed.type === "TEXT") throw wrong("--resources", `${name}:${value}`, "must be a number or ranges");
    return { name, ...parsed };
  });
  if (new Set(resources.map(({ name }) => name)).size < resources.length) {
    throw wrong("--resources", text, "each may be there once");
  }
  return resources;
}

/** @throws {UsageError} */
export function parseAttributes(text: string): readonly Attribute[] {
  return pairs("--attributes", text).map(([name, value]): Attribute => ({ name, ...parseValue(value) }));
}

function pairs(option: string, text: string): readonly (readonly [name: string, value: string])[] {
  const parts = text.split(";").filter((part) => part.trim() !== "");
  return parts.map((part) => {
    const [, name, value] = /^\s*([^:\s]+)\s*:\s*(.*\S)\s*$/.exec(part) ?? [];
    if (name === undefined || value === undefined) throw wrong(option, part, "must be name:value");
    return [name, value];
  });
}

function parseValue(text: string): Value {
  const ranges = /^\[(.*)\]$/.exec(text)?.[1];
  if (ranges !== undefined) return { type: "RANGES", ranges: { range: ranges.split(",").map(parseRange) } };
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && Number.isFinite(value)) return { type: "SCALAR", scalar: { value } };
  return { type: "TEXT", text: { value: text } };
}

function parseRange(text: string): { begin: number; end: number } {
  const [, begin, end] = /^\s*(\d+)\s*-\s*(\d+)\s*$/.exec(text) ?? [];
  const range = { begin: Number(begin), end: Number(end) };
  if (range.begin <= range.end && Number.isSafeInteger(range.end)) return range;
  throw new UsageError(`Range ${text} is none, must be like 31000-32000`);
}

function wrong(option: string, part: string, why: string): UsageError {
  return new UsageError(`${option} has "${part}": ${why}`);
}
