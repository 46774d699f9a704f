import * as v from "valibot";
import { isJsonObject } from "../base/json.ts";
import { didYouMean } from "./nearest.ts";
import { showValue } from "./problem.ts";
import { kind, kindOf, type Reader } from "./schema-kinds.ts";

/*
 * How the kinds are put together: objects with named fields, lists, and `A=B` pairs. An unknown field is a mistake, unless
 * it is `$schema` or begins with `x-`.
 */

/** The fields of an object, by name. */
export type Fields = Readonly<Record<string, v.GenericSchema>>;

type FieldValues<T extends Fields> = { readonly [K in keyof T]: v.InferOutput<T[K]> };

/** Metadata by which the shapes are found again, to print the JSON Schema and the reference. */
export interface ShapeMetadata {
  readonly fields?: Fields;
  readonly item?: v.GenericSchema;
  /** Of an object whose names are the user's own. */
  readonly value?: v.GenericSchema;
  readonly options?: readonly v.GenericSchema[];
}

export function shapeOf(schema: v.GenericSchema): ShapeMetadata {
  return v.getMetadata(schema);
}

export function isForeignField(name: string): boolean {
  return name === "$schema" || name.startsWith("x-");
}

/** An object with exactly these fields. All of its mistakes are reported, those of its fields and unknown names alike. */
export function section<const T extends Fields>(fields: T): Reader<FieldValues<T>> {
  const names = Object.keys(fields);
  const missing = (issue: v.BaseIssue<unknown>): string => {
    const name = issue.path?.[0]?.key;
    const field = typeof name === "string" ? fields[name] : undefined;
    return `is missing, must be ${(field === undefined ? undefined : kindOf(field).expects) ?? "given"}`;
  };
  const schema = v.pipe(
    v.custom<Record<string, unknown>>(isJsonObject, (issue) => `is ${showValue(issue.input)}, must be an object`),
    v.looseObject(fields, missing),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!isJsonObject(dataset.value)) return;
      for (const [key, value] of Object.entries(dataset.value)) {
        if (Object.hasOwn(fields, key) || isForeignField(key)) continue;
        // `expected` carries the hint: see problemsOf.
        const hint = didYouMean(key, names);
        addIssue({
          message: `is no known field${hint === undefined ? `, must be one of ${names.join(", ")}` : ""}`,
          ...(hint === undefined ? {} : { expected: hint }),
          path: [{ type: "object", origin: "key", input: dataset.value, key, value }],
        });
      }
    }),
    v.metadata({ fields, expects: "an object" }),
  );
  // The loose object also lets `x-` fields through, which nobody reads; its index signature would hide misspelt names.
  return schema;
}

export function list<T>(item: Reader<T>, expects: string): Reader<readonly T[]> {
  return v.pipe(
    v.array(item, (issue) => `is ${showValue(issue.input)}, must be ${expects}`),
    v.metadata({ item, expects }),
  );
}

export interface TableOptions {
  /** Ends the sentence "must be …". */
  readonly expects: string;
  /** What the names may be. */
  readonly name: RegExp;
  readonly nameExpects: string;
}

/** An object whose names are the user's own. The result is in the order of the names, which means nothing. */
export function table<T>(
  value: Reader<T>,
  { expects, name, nameExpects }: TableOptions,
): Reader<readonly (readonly [name: string, value: T])[]> {
  return v.pipe(
    v.custom<Record<string, unknown>>(isJsonObject, (issue) => `is ${showValue(issue.input)}, must be ${expects}`),
    v.record(v.string(), value),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!isJsonObject(dataset.value)) return;
      for (const [key, own] of Object.entries(dataset.value)) {
        if (name.test(key)) continue;
        const message = `is under the name ${showValue(key)}, must be under ${nameExpects}`;
        addIssue({ message, path: [{ type: "object", origin: "key", input: dataset.value, key, value: own }] });
      }
    }),
    v.transform((entries) => Object.entries(entries).sort(([a], [b]) => (a < b ? -1 : 1))),
    v.metadata({ value, expects }),
  );
}

/** One of several schemas, chosen by looking at the input, so that the messages are those of the one that was meant. */
export function either<T>(
  options: readonly Reader<T>[],
  pick: (input: unknown) => Reader<T>,
  expects: string,
): Reader<T> {
  return v.pipe(v.lazy(pick), v.metadata({ options, expects }));
}

export type NameAndValue = readonly [name: string, value: string];

/** `["A=B", …]` as names and values; the value is what follows the first `=`. Values are secret and never shown. */
export function environment(): Reader<readonly NameAndValue[]> {
  const expects = 'text of the form "NAME=value"';
  const pair = kind<NameAndValue>(
    { expects, jsonSchema: { type: "string", pattern: String.raw`^[^=\s]+=` } },
    (input) => {
      const match = typeof input === "string" ? /^([^=\s\0]+)=([^\0]*)$/.exec(input) : null;
      return match === null ? undefined : [match[1] ?? "", match[2] ?? ""];
    },
    (input) =>
      typeof input === "string"
        ? `text without a name and "=" (its ${input.length} characters are not shown)`
        : showValue(input),
  );
  return v.pipe(
    list(pair, `an array of ${expects}`),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!Array.isArray(dataset.value)) return;
      const seen = new Map<string, number>();
      for (const [index, entry] of dataset.value.entries()) {
        // An item that was refused is still what the user wrote.
        if (!Array.isArray(entry)) continue;
        const name = String(entry[0]);
        const first = seen.get(name);
        if (first === undefined) {
          seen.set(name, index);
          continue;
        }
        addIssue({
          message: `sets "${name}", which entry ${first} sets already`,
          path: [{ type: "array", origin: "value", input: dataset.value, key: index, value: entry }],
        });
      }
    }),
  );
}
