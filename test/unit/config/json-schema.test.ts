import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { referencePages } from "../../../scripts/docs.ts";
import { processorFileJsonSchema } from "../../../src/config/json-schema.ts";
import { parseProcessors } from "../../../src/config/processor-schema.ts";

interface ObjectSchema {
  readonly properties: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly required: readonly string[];
  readonly additionalProperties: boolean;
}

const processor = (processorFileJsonSchema() as { $defs: { processor: ObjectSchema } }).$defs.processor;

describe("the JSON Schema", () => {
  test("describes every field, and requires those without a default that must be there", () => {
    expect(processor.required).toEqual(["name", "input"]);
    expect(processor.additionalProperties).toBe(false);
    for (const [name, schema] of Object.entries(processor.properties)) {
      expect([name, typeof schema["description"]]).toEqual([name, "string"]);
      expect([name, "type" in schema || "enum" in schema || "anyOf" in schema]).toEqual([name, true]);
    }
  });

  test("has defaults that are accepted where they are written out", () => {
    const defaults = Object.entries(processor.properties).flatMap(([name, schema]) =>
      "default" in schema && name !== "extractor" ? [[name, schema["default"]] as const] : [],
    );
    const written = { name: "a", input: "b", docker: "c", ...Object.fromEntries(defaults) };
    const bare = { name: "a", input: "b", docker: "c" };
    const { processors, problems } = parseProcessors(JSON.stringify(written), "a.json");
    expect(problems).toEqual([]);
    expect(processors).toEqual(parseProcessors(JSON.stringify(bare), "a.json").processors);
  });

  test("has patterns and bounds that tell right from wrong as the reader does", () => {
    const cases: readonly (readonly [field: string, value: string | number])[] = [
      ["name", "a.b"],
      ["name", ".."],
      ["input", "a b"],
      ["cpus", "0.45"],
      ["cpus", "x"],
      ["cpus", 0],
      ["mem", "1GB"],
      ["mem", "a lot"],
      ["mem", 0.5],
      ["timeout", "1h30m"],
      ["timeout", "soon"],
      ["max-output", "900kB"],
      ["max-output", "900 apples"],
    ];
    for (const [field, value] of cases) {
      const schema = processor.properties[field] ?? {};
      const inSchema =
        typeof value === "string"
          ? new RegExp(String(schema["pattern"]), "u").test(value)
          : value >= Number(schema["minimum"]) && value <= Number(schema["maximum"]);
      const form = { name: "a", input: "b", command: "c", [field]: value };
      const accepted = parseProcessors(JSON.stringify(form), "a.json").problems.length === 0;
      expect([field, value, inSchema]).toEqual([field, value, accepted]);
    }
  });
});

test.each([...referencePages()])("%s is up to date (bun scripts/docs.ts)", async (path, content) => {
  expect(await Bun.file(join(import.meta.dir, "../../..", path)).text()).toBe(content);
});
