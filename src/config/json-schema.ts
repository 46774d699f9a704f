import * as v from "valibot";
import { processorForm } from "./processor-form.ts";
import { type JsonSchema, kindOf, withoutOptional } from "./schema-kinds.ts";
import { type Fields, shapeOf } from "./schema-shapes.ts";

/*
 * JSON Schema from the metadata that each schema carries. `@valibot/to-json-schema` is not used: our leaves are readers
 * that accept several spellings ("64", 64, "64MB"), of which it sees nothing but `unknown`.
 */

/** A field as JSON Schema and the reference show it. */
export interface FieldDescription {
  readonly name: string;
  readonly required: boolean;
  /** As the user would write it. Undefined: there is none. */
  readonly default: unknown;
  readonly description: string;
  /** Ends the sentence "must be …". */
  readonly expects: string;
  readonly schema: v.GenericSchema;
}

export function describeFields(fields: Fields): readonly FieldDescription[] {
  return Object.entries(fields).map(([name, field]) => {
    const schema = withoutOptional(field);
    return {
      name,
      required: schema === field,
      default: v.getDefault(field),
      description: v.getDescription(schema) ?? "",
      expects: kindOf(schema).expects ?? "",
      schema,
    };
  });
}

export function jsonSchemaOf(schema: v.GenericSchema): JsonSchema {
  const { fields, item, value, options } = shapeOf(schema);
  if (fields !== undefined) return objectSchema(fields);
  if (value !== undefined) return { type: "object", additionalProperties: jsonSchemaOf(value) };
  if (item !== undefined) return { type: "array", items: jsonSchemaOf(item) };
  if (options !== undefined) return { anyOf: options.map(jsonSchemaOf) };
  return kindOf(schema).jsonSchema ?? {};
}

/** The JSON Schema (draft 2020-12) of a processor file: one processor, or an array of them. */
export function processorFileJsonSchema(): JsonSchema {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Brigade processor file",
    description: "One processor, or an array of processors.",
    anyOf: [{ $ref: "#/$defs/processor" }, { type: "array", items: { $ref: "#/$defs/processor" } }],
    $defs: {
      processor: {
        ...jsonSchemaOf(processorForm),
        anyOf: ["docker", "command", "extractor"].map((name) => ({ required: [name] })),
      },
    },
  };
}

function objectSchema(fields: Fields): JsonSchema {
  const described = describeFields(fields);
  return {
    type: "object",
    properties: Object.fromEntries(
      described.map(({ name, schema, description, default: value }) => [
        name,
        {
          ...jsonSchemaOf(schema),
          ...(description === "" ? {} : { description }),
          ...(value === undefined ? {} : { default: value }),
        },
      ]),
    ),
    required: described.filter(({ required }) => required).map(({ name }) => name),
    // What we ignore: editors' schema reference, and notes of users and other tools.
    patternProperties: { "^(\\$schema$|x-)": true },
    additionalProperties: false,
  };
}
