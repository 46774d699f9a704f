import { isJsonObject } from "../../../base/json.ts";
import { CodecError, decodeMessage, encodeMessage } from "../../../mesos/codec.ts";
import { LinkProtocolError } from "./errors.ts";

/*
 * Parts of a message between master and agent: how each is written as JSON, and read from whatever came. Mesos' own
 * messages are in protobuf, in base64, by the codec that everybody else is read by.
 */

export interface Part<T> {
  write(value: T): unknown;
  /** @throws {LinkProtocolError} */
  read(json: unknown, where: string): T;
}

export function text<T extends string = string>(): Part<T> {
  return {
    write: (value) => value,
    read: (json, where) => (typeof json === "string" ? (json as T) : refuse(where, "text", json)),
  };
}

export const number: Part<number> = {
  write: (value) => value,
  read: (json, where) => (typeof json === "number" && Number.isFinite(json) ? json : refuse(where, "a number", json)),
};

export const flag: Part<boolean> = {
  write: (value) => value,
  read: (json, where) => (typeof json === "boolean" ? json : refuse(where, "true or false", json)),
};

export function oneOf<const T extends string>(words: readonly T[]): Part<T> {
  return {
    write: (value) => value,
    read: (json, where) => words.find((word) => word === json) ?? refuse(where, `one of ${words.join(", ")}`, json),
  };
}

export const bytes: Part<Uint8Array> = {
  write: (value) => Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64"),
  read: (json, where) => new Uint8Array(Buffer.from(text().read(json, where), "base64")),
};

/** A message of Mesos' v1 API. @param name `TaskInfo` */
export function message<T extends object>(name: string): Part<T> {
  const whole = `mesos.v1.${name}`;
  return {
    write: (value) => bytes.write(encodeMessage(whole, value, "application/x-protobuf", "server")),
    read(json, where) {
      try {
        return decodeMessage(whole, bytes.read(json, where), "application/x-protobuf") as T;
      } catch (error) {
        if (!(error instanceof CodecError)) throw error;
        throw new LinkProtocolError(`Cannot read ${where}: it is no ${name}`, { cause: error });
      }
    },
  };
}

/** JSON has no undefined: it is null, or missing. */
export function optional<T>(part: Part<T>): Part<T | undefined> {
  return {
    write: (value) => (value === undefined ? null : part.write(value)),
    read: (json, where) => (json === null || json === undefined ? undefined : part.read(json, where)),
  };
}

export function list<T>(item: Part<T>): Part<readonly T[]> {
  return {
    write: (values) => values.map((value) => item.write(value)),
    read: (json, where) =>
      Array.isArray(json)
        ? json.map((each: unknown, index) => item.read(each, `${where}[${index}]`))
        : refuse(where, "a list", json),
  };
}

export type Parts<T extends object> = { readonly [Key in keyof T]-?: Part<T[Key]> };

export function object<T extends object>(parts: Parts<T>): Part<T> {
  const entries = Object.entries(parts) as unknown as readonly (readonly [keyof T & string, Part<T[keyof T]>])[];
  return {
    write: (value) => Object.fromEntries(entries.map(([name, part]) => [name, part.write(value[name])])),
    read(json, where) {
      if (!isJsonObject(json)) return refuse(where, "an object", json);
      return Object.fromEntries(entries.map(([name, part]) => [name, part.read(json[name], `${where}.${name}`)])) as T;
    },
  };
}

interface Typed {
  readonly type: string;
}

/** For each type what it has beside that. */
export type Variants<T extends Typed> = {
  readonly [Type in T["type"]]: Part<Omit<Extract<T, { readonly type: Type }>, "type">>;
};

/** One of a union that is told apart by its `type`. */
export function variant<T extends Typed>(variants: Variants<T>): Part<T> {
  const byType = new Map<string, Part<object>>(Object.entries(variants));
  return {
    write: (value) => ({ type: value.type, ...(byType.get(value.type)?.write(value) as object) }),
    read(json, where) {
      const type = isJsonObject(json) ? json["type"] : undefined;
      const part = typeof type === "string" ? byType.get(type) : undefined;
      if (part === undefined) return refuse(`${where}.type`, `one of ${[...byType.keys()].join(", ")}`, type);
      return { type, ...part.read(json, where) } as T;
    },
  };
}

function refuse(where: string, wanted: string, json: unknown): never {
  const shown = (JSON.stringify(json) ?? "missing").slice(0, 100);
  throw new LinkProtocolError(`Cannot read ${where}: it is ${shown}, must be ${wanted}`);
}
