import { describe, expect, test } from "bun:test";
import { generateSchema, schemaPath } from "../../../scripts/generate-mesos-schema.ts";
import { schemaTable } from "../../../src/mesos/codec/schema.gen.ts";
import type { FieldEntry } from "../../../src/mesos/codec/schema-table.ts";
import reference from "./mesos-v1-fields.json" with { type: "json" };

/** Fields and values of Apache Mesos 1.12, by package and name. */
interface ReferenceMessage {
  readonly fields?: unknown;
  readonly values?: unknown;
  /** Numbers that are taken by fields which the reference does not tell: those for maintenance, among others. */
  readonly omitted?: readonly number[];
}
type ReferenceTable = Readonly<Record<string, Readonly<Record<string, ReferenceMessage>>>>;

/** Not in the reference: what stands there is from Mesos' own maintenance.proto and allocator.proto. */
const untold = /^mesos\.v1\.(maintenance|allocator)\.|\.(Get|Update|Start|Stop)Maintenance\w*$/;

/** Not in the API's own files, yet real masters write it: their own message has it. */
const leaked = { message: "mesos.v1.AgentInfo", field: "checkpoint", entry: [7, "bool", "optional"] } as const;

function fromReference(wholeName: string): ReferenceMessage | undefined {
  const packages = Object.keys(reference).filter((name) => wholeName.startsWith(`${name}.`));
  const space = packages.toSorted((a, b) => b.length - a.length)[0] ?? "";
  return (reference as unknown as ReferenceTable)[space]?.[wholeName.slice(space.length + 1)];
}

describe("proto/", () => {
  test("gives every field the number, type, label and default of Mesos 1.12", () => {
    for (const [message, fields] of Object.entries(schemaTable.messages)) {
      if (untold.test(message)) continue;
      const theirs = (fromReference(message)?.fields ?? {}) as Record<string, unknown>;
      for (const [field, entry] of Object.entries(fields)) {
        if (message === leaked.message && field === leaked.field) {
          expect({ message, field, entry }).toEqual({ ...leaked, entry: [...leaked.entry] });
          continue;
        }
        if (theirs[field] === undefined && fromReference(message)?.omitted?.includes(entry[0]) === true) continue;
        expect({ message, field, entry }).toEqual({ message, field, entry: theirs[field] as FieldEntry });
      }
    }
  });

  test("names every value of its enums", () => {
    for (const [name, values] of Object.entries(schemaTable.enums)) {
      if (untold.test(name)) continue;
      expect([name, values]).toEqual([name, fromReference(name)?.values as Record<string, number>]);
    }
  });

  test("leaves out no required field of a message it has", () => {
    for (const [message, fields] of Object.entries(schemaTable.messages)) {
      const theirs = (fromReference(message)?.fields ?? {}) as Record<string, readonly [number, string, string]>;
      const required = Object.keys(theirs).filter((field) => theirs[field]?.[2] === "required");
      expect(Object.keys(fields)).toEqual(expect.arrayContaining(required));
    }
  });

  test("is what the generated table was made from", async () => {
    expect(await Bun.file(schemaPath).text()).toBe(generateSchema());
  });
});
