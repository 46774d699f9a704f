import { EncodeError } from "./errors.ts";
import { idParts } from "./ids.ts";
import { type Field, type MessageType, messageType } from "./schema.ts";

/*
 * The JSON of the Mesos v1 API, which is not proto3's: snake_case members in declared order, enums by name, 64-bit
 * integers as numbers, bytes as base64, doubles with a point, empty lists left out.
 */

type Fields = Readonly<Record<string, unknown>>;

/**
 * - `server`: as Mesos writes. Unset fields with a declared default are there, infinite numbers are bare (not JSON)
 * - `operator`: the same, and lists that are empty are there, where the value has them
 * - `client`: as Mesos reads. Only what is set, infinite numbers are strings
 */
export type JsonStyle = "server" | "operator" | "client";

/** @throws {EncodeError} a required field is missing */
export function encodeJson(name: string, value: object, style: JsonStyle): string {
  return writeObject(messageType(name), value as Fields, style);
}

function writeObject(type: MessageType, value: Fields, style: JsonStyle): string {
  let text = "{";
  for (const field of type.fields) {
    const item = value[field.name] ?? (style === "client" ? undefined : field.writtenDefault);
    if (item === undefined) {
      if (field.required) throw new EncodeError(type.name, field.wireName, "is missing, must be set");
      continue;
    }
    const written = field.repeated
      ? writeList(field, item as readonly unknown[], style)
      : writeValue(field, item, style);
    if (written === "") continue;
    if (text.length > 1) text += ",";
    text += `"${field.wireName}":${written}`;
  }
  return `${text}}`;
}

function writeList(field: Field, items: readonly unknown[], style: JsonStyle): string {
  if (items.length === 0) return style === "operator" ? "[]" : "";
  return `[${items.map((item) => writeValue(field, item, style)).join(",")}]`;
}

function writeValue(field: Field, value: unknown, style: JsonStyle): string {
  const type = field.type;
  switch (type.kind) {
    case "message":
      return writeObject(type.message, value as Fields, style);
    case "id":
      return writeId(type.message, value as string);
    case "bytes": {
      const bytes = value as Uint8Array;
      return `"${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64")}"`;
    }
    case "map": {
      const entries = Object.entries(value as Fields);
      if (entries.length === 0) return style === "operator" ? "{}" : "";
      return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${writeValue(type.value, item, style)}`).join(",")}}`;
    }
    case "double":
      return writeDouble(value as number, style);
    case "string":
    case "enum":
    case "bool":
    case "int32":
    case "uint32":
    case "int64":
    case "uint64":
      return JSON.stringify(value);
  }
}

function writeId(type: MessageType, id: string): string {
  const { value, parent } = idParts(type, id);
  const own = `"value":${JSON.stringify(value)}`;
  return parent === undefined ? `{${own}}` : `{${own},"parent":${writeId(type, parent)}}`;
}

function writeDouble(value: number, style: JsonStyle): string {
  if (Number.isFinite(value)) return Number.isInteger(value) && Math.abs(value) < 1e21 ? `${value}.0` : String(value);
  return style !== "client" || Number.isNaN(value) ? String(value) : `"${value}"`;
}
