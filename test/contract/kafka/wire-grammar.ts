/**
 * Kafka's protocol a second time, driven by grammars as text instead of code: what the broker's codec is held against,
 * and what lets a test send a request that no client library would.
 *
 * A grammar is a list of fields: `name:type`, or `name[fields]` for an array of structures. After the type come
 * - `?`: may be null
 * - `(3+)`, `(0-3)`: the versions that have the field
 * - `~x`: what the field is where the version lacks it
 * - `=x`: a constant, written and skipped, no part of the value
 */
export type FieldType = "int8" | "int16" | "int32" | "int64" | "boolean" | "string" | "bytes" | "uuid" | "struct";

export interface Field {
  readonly name: string;
  readonly type: FieldType;
  readonly isArray: boolean;
  readonly isNullable: boolean;
  readonly firstVersion: number;
  readonly lastVersion: number;
  readonly absent: unknown;
  readonly constant: unknown;
  readonly fields: readonly Field[];
}

export type WireValue = { readonly [name: string]: unknown };

const FIELD = /\s*(\w+)(?::(\w+)(\[\])?|(\[))/y;
const MARKS = /(\?)?(?:\((\d+)(\+|-\d+)?\))?(?:~(\[\]|"\w*"|[\w-]+))?(?:=(\[\]|""|[\w-]+))?/y;

export function parseGrammar(text: string): readonly Field[] {
  let at = 0;
  const fields = (): Field[] => {
    const parsed: Field[] = [];
    for (;;) {
      FIELD.lastIndex = at;
      const match = FIELD.exec(text);
      if (match === null) return parsed;
      at = FIELD.lastIndex;
      const inner = match[4] === "[" ? fields() : [];
      if (match[4] === "[") at = text.indexOf("]", at) + 1;
      MARKS.lastIndex = at;
      const marks = MARKS.exec(text);
      at = MARKS.lastIndex;
      const first = marks?.[2] === undefined ? 0 : Number(marks[2]);
      const last = marks?.[3] === undefined ? first : marks[3] === "+" ? 99 : Number(marks[3].slice(1));
      parsed.push({
        name: match[1] ?? "",
        type: match[4] === "[" ? "struct" : (match[2] as FieldType),
        isArray: match[4] === "[" || match[3] === "[]",
        isNullable: marks?.[1] === "?",
        firstVersion: first,
        lastVersion: marks?.[2] === undefined ? 99 : last,
        absent: literal(marks?.[4]),
        constant: literal(marks?.[5]),
        fields: inner,
      });
    }
  };
  const parsed = fields();
  if (text.slice(at).trim() !== "") throw new Error(`Cannot parse the grammar from "${text.slice(at, at + 20)}" on`);
  return parsed;
}

function literal(text: string | undefined): unknown {
  return text === undefined ? undefined : JSON.parse(text);
}

export function has(field: Field, version: number): boolean {
  return version >= field.firstVersion && version <= field.lastVersion;
}

/** The value without what a version cannot carry: defaults where the grammar names them, else nothing. */
export function asCarried(fields: readonly Field[], value: WireValue, version: number): WireValue {
  const carried: Record<string, unknown> = {};
  for (const field of fields) {
    if (field.constant !== undefined) continue;
    if (!has(field, version)) {
      if (field.absent !== undefined) carried[field.name] = field.absent;
      continue;
    }
    const own = value[field.name];
    carried[field.name] =
      field.type === "struct" && own !== null
        ? (own as WireValue[]).map((item) => asCarried(field.fields, item, version))
        : own;
  }
  return carried;
}

export function encode(fields: readonly Field[], value: WireValue, version: number, flexible: boolean): Buffer {
  const parts: Buffer[] = [];
  const length = (count: number, plainBytes: 2 | 4): Buffer => (flexible ? uvarint(count + 1) : int(count, plainBytes));
  const one = (field: Field, item: unknown): void => {
    switch (field.type) {
      case "int8":
      case "int16":
      case "int32":
      case "int64":
        parts.push(int(Number(item), (Number(field.type.slice(3)) / 8) as 1 | 2 | 4 | 8));
        return;
      case "boolean":
        parts.push(int(item === true ? 1 : 0, 1));
        return;
      case "uuid":
        parts.push(Buffer.from(item as string, "hex"));
        return;
      case "string":
      case "bytes": {
        const bytes = item === null ? null : Buffer.from(item as string);
        parts.push(length(bytes?.byteLength ?? -1, field.type === "string" ? 2 : 4), bytes ?? Buffer.alloc(0));
        return;
      }
      case "struct":
        parts.push(encode(field.fields, item as WireValue, version, flexible));
        return;
    }
  };
  for (const field of fields) {
    if (!has(field, version)) continue;
    const own = field.constant === undefined ? value[field.name] : field.constant;
    if (!field.isArray) {
      one(field, own);
      continue;
    }
    const items = own as readonly unknown[] | null;
    parts.push(length(items?.length ?? -1, 4));
    for (const item of items ?? []) one(field, item);
  }
  if (flexible) parts.push(uvarint(0));
  return Buffer.concat(parts);
}

/** Reads a value and demands that it fills the bytes. */
export function decode(fields: readonly Field[], bytes: Buffer, version: number, flexible: boolean): WireValue {
  let at = 0;
  const uvarintHere = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes.readUInt8(at++);
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  const intHere = (size: 1 | 2 | 4 | 8): number => {
    const value = size === 8 ? Number(bytes.readBigInt64BE(at)) : bytes.readIntBE(at, size);
    at += size;
    return value;
  };
  const lengthHere = (plainBytes: 2 | 4): number => (flexible ? uvarintHere() - 1 : intHere(plainBytes));
  const one = (field: Field): unknown => {
    switch (field.type) {
      case "int8":
      case "int16":
      case "int32":
      case "int64":
        return intHere((Number(field.type.slice(3)) / 8) as 1 | 2 | 4 | 8);
      case "boolean":
        return intHere(1) !== 0;
      case "uuid":
        at += 16;
        return bytes.toString("hex", at - 16, at);
      case "string":
      case "bytes": {
        const length = lengthHere(field.type === "string" ? 2 : 4);
        if (length < 0) return null;
        at += length;
        const own = bytes.subarray(at - length, at);
        return field.type === "string" ? own.toString() : new Uint8Array(own);
      }
      case "struct":
        return struct(field.fields);
    }
  };
  const struct = (inner: readonly Field[]): WireValue => {
    const value: Record<string, unknown> = {};
    for (const field of inner) {
      if (!has(field, version)) continue;
      const count = field.isArray ? lengthHere(4) : 1;
      const items = Array.from({ length: Math.max(0, count) }, () => one(field));
      const own = field.isArray ? (count < 0 ? null : items) : items[0];
      if (field.constant === undefined) value[field.name] = own;
    }
    for (let tags = flexible ? uvarintHere() : 0; tags > 0; tags--) {
      uvarintHere();
      const size = uvarintHere();
      at += size;
    }
    return value;
  };
  const value = struct(fields);
  if (at !== bytes.byteLength) throw new Error(`${bytes.byteLength - at} bytes are left after the value`);
  return value;
}

function int(value: number, size: 1 | 2 | 4 | 8): Buffer {
  const bytes = Buffer.alloc(size);
  if (size === 8) bytes.writeBigInt64BE(BigInt(value));
  else bytes.writeIntBE(value, 0, size);
  return bytes;
}

export function uvarint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Buffer.from([...bytes, rest]);
}
