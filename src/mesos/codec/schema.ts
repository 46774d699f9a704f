import { InvariantError } from "../../base/errors.ts";
import { schemaTable } from "./schema.gen.ts";
import type { FieldEntry } from "./schema-table.ts";

const scalarKinds = ["string", "bytes", "bool", "double", "int32", "uint32", "int64", "uint64"] as const;
export type ScalarKind = (typeof scalarKinds)[number];

export interface EnumType {
  readonly name: string;
  readonly numbers: ReadonlyMap<string, number>;
  readonly names: ReadonlyMap<number, string>;
  /** Of an event or operation: a value that this library does not know is kept as it came, not dropped. */
  readonly open: boolean;
}

export type FieldType =
  | { readonly kind: ScalarKind }
  | { readonly kind: "enum"; readonly enum: EnumType }
  /** An id: `{value: "…"}` on the wire, the bare string here; with a `parent` it has that before a dot. */
  | { readonly kind: "id"; readonly message: MessageType }
  | { readonly kind: "message"; readonly message: MessageType }
  /** An object with a member for each key. On the wire a list of entries: key 1, value 2. */
  | { readonly kind: "map"; readonly value: Field };

export class Field {
  /** As in the .proto and in JSON: `task_id`. */
  readonly wireName: string;
  /** As in this program: `taskId`. */
  readonly name: string;
  readonly number: number;
  readonly repeated: boolean;
  readonly required: boolean;
  /** What Mesos' JSON writer puts where the field is unset: the declared default, unless the field is deprecated. */
  readonly writtenDefault: string | number | boolean | undefined;
  readonly #typeName: string;
  #type: FieldType | undefined;

  constructor(wireName: string, [number, typeName, label, extra]: FieldEntry) {
    this.wireName = wireName;
    this.name = wireName.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    this.number = number;
    this.repeated = label === "repeated" && !typeName.startsWith("map<");
    this.required = label === "required";
    this.writtenDefault = extra?.deprecated === true ? undefined : extra?.default;
    this.#typeName = typeName;
  }

  /** Found at its first use: a message may hold itself, and most are never met. */
  get type(): FieldType {
    return (this.#type ??= fieldType(this.#typeName));
  }
}

export interface MessageType {
  readonly name: string;
  /** In declared order, which is the order of the members in JSON. */
  readonly fields: readonly Field[];
  /** In the order of protobuf. */
  readonly byNumber: readonly Field[];
  readonly fieldOf: ReadonlyMap<number, Field>;
  readonly required: readonly Field[];
  /** The only field of a message that is nothing but a list (`Labels.labels`): present even where it is empty. */
  readonly list: Field | undefined;
}

const messageTypes = new Map<string, MessageType>();

/** The message of that whole name (`mesos.v1.TaskInfo`). Built at its first use, so that a start pays for no other. */
export function messageType(name: string): MessageType {
  const known = messageTypes.get(name);
  if (known !== undefined) return known;
  const table = schemaTable.messages[name];
  if (table === undefined) throw new InvariantError(`Cannot find message ${name}: proto/ has none of that name`);

  const fields = Object.entries(table).map(([wireName, entry]) => new Field(wireName, entry));
  const byNumber = fields.toSorted((a, b) => a.number - b.number);
  const type: MessageType = {
    name,
    fields,
    byNumber,
    fieldOf: new Map(fields.map((field) => [field.number, field])),
    required: fields.filter((field) => field.required),
    list: fields.length === 1 && fields[0]?.repeated === true ? fields[0] : undefined,
  };
  messageTypes.set(name, type);
  return type;
}

function fieldType(name: string): FieldType {
  const mapValue = /^map<string,(.*)>$/.exec(name)?.[1];
  if (mapValue !== undefined) return { kind: "map", value: new Field("value", [2, mapValue, "optional"]) };
  const scalar = scalarKinds.find((kind) => kind === name);
  if (scalar !== undefined) return { kind: scalar };
  const values = schemaTable.enums[name];
  if (values !== undefined) return { kind: "enum", enum: buildEnum(name, values) };
  const message = messageType(name);
  const isId = name.endsWith("ID") && schemaTable.messages[name]?.["value"]?.[1] === "string";
  return { kind: isId ? "id" : "message", message };
}

function buildEnum(name: string, values: Readonly<Record<string, number>>): EnumType {
  const entries = Object.entries(values);
  return {
    name,
    numbers: new Map(entries),
    names: new Map(entries.map(([value, number]) => [number, value])),
    open: /\.(Event|Operation)\.Type$/.test(name),
  };
}
