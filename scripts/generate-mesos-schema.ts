/**
 * Writes src/mesos/codec/schema.gen.ts from proto/: the messages as a table that loads in no time, where parsing the
 * .proto files at each start of an executor would take longer than all the rest of its start.
 *
 *   bun scripts/generate-mesos-schema.ts          writes the file
 *   bun scripts/generate-mesos-schema.ts --check  exits 1 if it is not what proto/ says
 */
import { join, resolve } from "node:path";
import { Enum, type Field, MapField, type NamespaceBase, Root, Type } from "protobufjs";

const root = resolve(import.meta.dir, "..");
export const schemaPath = join(root, "src/mesos/codec/schema.gen.ts");
const files = [
  "mesos/v1/mesos.proto",
  "mesos/v1/scheduler/scheduler.proto",
  "mesos/v1/executor/executor.proto",
  "mesos/v1/master/master.proto",
  "mesos/v1/agent/agent.proto",
];

type FieldEntry = readonly [number: number, type: string, label: string, extra?: Record<string, unknown>];

/** The whole text of schema.gen.ts. */
export function generateSchema(): string {
  const parsed = new Root();
  parsed.resolvePath = (_origin, target) => join(root, "proto", target);
  // Not load(): that reads the files at once, and their order in the result would be chance.
  parsed.loadSync([...files], { keepCase: true });
  parsed.resolveAll();

  const messages: Record<string, Record<string, FieldEntry>> = {};
  const enums: Record<string, Record<string, number>> = {};
  const visit = (space: NamespaceBase): void => {
    for (const item of space.nestedArray) {
      const name = item.fullName.slice(1);
      if (item instanceof Enum) enums[name] = { ...item.values };
      else if (item instanceof Type) {
        messages[name] = Object.fromEntries(item.fieldsArray.map((field) => [field.name, entryOf(field)]));
        visit(item);
      } else if ("nestedArray" in item) visit(item as NamespaceBase);
    }
  };
  visit(parsed);

  const lines = (table: Record<string, unknown>): string[] =>
    Object.entries(table).map(([name, value]) => `    ${JSON.stringify(name)}: ${JSON.stringify(value)},`);
  return [
    "// Made by scripts/generate-mesos-schema.ts from proto/: edit those and run it again.",
    'import type { SchemaTable } from "./schema-table.ts";',
    "",
    "export const schemaTable: SchemaTable = {",
    "  messages: {",
    ...lines(messages),
    "  },",
    "  enums: {",
    ...lines(enums),
    "  },",
    "};",
    "",
  ].join("\n");
}

function entryOf(field: Field): FieldEntry {
  const own = field.resolvedType === null ? field.type : field.resolvedType.fullName.slice(1);
  const type = field instanceof MapField ? `map<${field.keyType},${own}>` : own;
  const label = field.repeated || field.map ? "repeated" : field.required ? "required" : "optional";
  const options = field.options ?? {};
  const extra: Record<string, unknown> = {};
  if (options["default"] !== undefined) extra["default"] = options["default"];
  if (options["deprecated"] === true) extra["deprecated"] = true;
  return Object.keys(extra).length === 0 ? [field.id, type, label] : [field.id, type, label, extra];
}

if (import.meta.main) {
  const text = generateSchema();
  if (process.argv.includes("--check")) {
    if ((await Bun.file(schemaPath).text()) !== text) {
      console.error(`${schemaPath} is not what proto/ says; run bun scripts/generate-mesos-schema.ts`);
      process.exit(1);
    }
  } else {
    await Bun.write(schemaPath, text);
    console.log(`wrote ${schemaPath}`);
  }
}
