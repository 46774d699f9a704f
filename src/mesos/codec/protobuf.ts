import { CodecError, EncodeError } from "./errors.ts";
import { idOf, idParts } from "./ids.ts";
import { type Field, type MessageType, messageType } from "./schema.ts";
import { WireReader } from "./wire-reader.ts";
import { WireWriter } from "./wire-writer.ts";

/*
 * Messages of proto/ straight to and from plain objects: camelCase names, enums as names, ids as bare strings, 64-bit
 * integers as numbers. What is unset on the wire is absent from the object, so that zero and false are told from
 * nothing (which classes with defaults cannot do).
 */

type Fields = Record<string, unknown>;

const WIRE_VARINT = 0;
const WIRE_64_BIT = 1;
const WIRE_LENGTH = 2;

/**
 * @param name whole name of the message: `mesos.v1.scheduler.Event`
 * @throws {CodecError} `malformed`: not protobuf, or a required field is missing
 */
export function decodeProtobuf(name: string, bytes: Uint8Array): object {
  return readMessage(new WireReader(bytes), messageType(name));
}

/** @throws {EncodeError} a required field is missing, or a name is not of its enum */
export function encodeProtobuf(name: string, value: object): Uint8Array {
  const writer = new WireWriter();
  writeMessage(writer, messageType(name), value as Fields);
  return writer.finish();
}

// ---------------------------------------------------------------------------------------------------------- reading

/** Reads up to the reader's end. Of a field that comes twice the last stands; Mesos writes each once. */
function readMessage(reader: WireReader, type: MessageType): Fields {
  const target: Fields = {};
  if (type.list !== undefined) target[type.list.name] = [];
  while (!reader.done) {
    const tag = reader.tag();
    const field = type.fieldOf.get(tag >>> 3);
    if (field === undefined || wireTypeOf(field) !== (tag & 7)) {
      reader.skip(tag & 7);
      continue;
    }
    const value = readValue(reader, field, target[field.name]);
    if (value === undefined) continue;
    if (!field.repeated) target[field.name] = value;
    else if (target[field.name] === undefined) target[field.name] = [value];
    else (target[field.name] as unknown[]).push(value);
  }
  for (const field of type.required) {
    if (target[field.name] === undefined) {
      throw new CodecError("malformed", `Missing required fields: ${type.name}.${field.wireName}`);
    }
  }
  return target;
}

/**
 * undefined stands for a value that this library does not know, which proto2 treats as unset.
 *
 * @param earlier what the field has so far: the entries of a map come one by one
 */
function readValue(reader: WireReader, field: Field, earlier?: unknown): unknown {
  const type = field.type;
  switch (type.kind) {
    case "string":
    case "bytes":
    case "bool":
    case "double":
    case "int32":
    case "uint32":
    case "int64":
    case "uint64":
      return reader[type.kind]();
    case "enum": {
      const number = reader.int32();
      return type.enum.names.get(number) ?? (type.enum.open ? number : undefined);
    }
    case "id": {
      const outer = reader.enter();
      const id = readMessage(reader, type.message);
      reader.leave(outer);
      return idOf(id);
    }
    case "map": {
      const map = (earlier ?? {}) as Fields;
      readEntry(reader, type.value, map);
      return map;
    }
    case "message": {
      const outer = reader.enter();
      const value = readMessage(reader, type.message);
      reader.leave(outer);
      return value;
    }
  }
}

/** One entry of a map; without its value it counts for nothing. */
function readEntry(reader: WireReader, valueField: Field, map: Fields): void {
  const outer = reader.enter();
  let key = "";
  let value: unknown;
  while (!reader.done) {
    const tag = reader.tag();
    if (tag === tagOf(1, WIRE_LENGTH)) key = reader.string();
    else if (tag === tagOf(2, wireTypeOf(valueField))) value = readValue(reader, valueField);
    else reader.skip(tag & 7);
  }
  reader.leave(outer);
  // Defined, not set: a key may be `__proto__`.
  if (value !== undefined) {
    Object.defineProperty(map, key, { value, enumerable: true, writable: true, configurable: true });
  }
}

// ---------------------------------------------------------------------------------------------------------- writing

function writeMessage(writer: WireWriter, type: MessageType, value: Fields): void {
  for (const field of type.byNumber) {
    const item = value[field.name];
    if (item === undefined) {
      if (field.required) throw new EncodeError(type.name, field.wireName, "is missing, must be set");
    } else if (field.repeated) {
      for (const element of item as readonly unknown[]) writeField(writer, type, field, element);
    } else {
      writeField(writer, type, field, item);
    }
  }
}

function writeField(writer: WireWriter, owner: MessageType, field: Field, value: unknown): void {
  const type = field.type;
  if (type.kind === "map") {
    for (const [key, item] of Object.entries(value as Fields)) {
      writer.tag(field.number, WIRE_LENGTH);
      const start = writer.open();
      writer.tag(1, WIRE_LENGTH);
      writer.string(key);
      writeField(writer, owner, type.value, item);
      writer.close(start);
    }
    return;
  }
  writer.tag(field.number, wireTypeOf(field));
  switch (type.kind) {
    case "string":
      writer.string(value as string);
      return;
    case "bytes":
      writer.bytes(value as Uint8Array);
      return;
    case "bool":
      writer.uint32(value === true ? 1 : 0);
      return;
    case "double":
      writer.double(value as number);
      return;
    case "int32":
    case "uint32":
    case "int64":
    case "uint64":
      writer.int64(value as number);
      return;
    case "enum": {
      const number = typeof value === "number" ? value : type.enum.numbers.get(value as string);
      if (number === undefined)
        throw new EncodeError(owner.name, field.wireName, `is ${String(value)}, not a name of its enum`);
      writer.int64(number);
      return;
    }
    case "id": {
      writeId(writer, type.message, value as string);
      return;
    }
    case "message": {
      const start = writer.open();
      writeMessage(writer, type.message, value as Fields);
      writer.close(start);
      return;
    }
  }
}

function writeId(writer: WireWriter, type: MessageType, id: string): void {
  const { value, parent } = idParts(type, id);
  const start = writer.open();
  writer.tag(1, WIRE_LENGTH);
  writer.string(value);
  if (parent !== undefined) {
    writer.tag(2, WIRE_LENGTH);
    writeId(writer, type, parent);
  }
  writer.close(start);
}

function tagOf(number: number, wireType: number): number {
  return (number << 3) | wireType;
}

function wireTypeOf(field: Field): number {
  switch (field.type.kind) {
    case "string":
    case "bytes":
    case "id":
    case "map":
    case "message":
      return WIRE_LENGTH;
    case "double":
      return WIRE_64_BIT;
    case "bool":
    case "int32":
    case "uint32":
    case "int64":
    case "uint64":
    case "enum":
      return WIRE_VARINT;
  }
}
