import { decodeUtf8, utf8 } from "../base/bytes.ts";
import { InputError } from "../base/errors.ts";
import { isJsonObject } from "../base/json.ts";
import type { Header, InputRecord } from "../engine/ports.ts";

/*
 * A record as one line of JSON, as `brigade consume --json` prints it and `brigade produce --json` reads it:
 *
 *     {"topic":"in","partition":0,"offset":7,"timestamp":1700000000000,"key":"k","value":"v",
 *      "headers":[{"name":"h","value":"1"}]}
 *
 * Bytes that are no UTF-8 stand in base64 under another name: keyBase64, valueBase64.
 */

export interface RecordContent {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly Header[];
}

export function recordToJson({ topic, partition, offset, timestampMs, key, value, headers }: InputRecord): string {
  return JSON.stringify({
    topic,
    partition,
    offset,
    timestamp: timestampMs,
    ...bytesField("key", key),
    ...bytesField("value", value),
    headers: headers.map(([name, content]) => ({ name, ...bytesField("value", content) })),
  });
}

function bytesField(name: string, bytes: Uint8Array | null): Record<string, string | null> {
  if (bytes === null) return { [name]: null };
  const text = decodeUtf8(bytes);
  return text === undefined ? { [`${name}Base64`]: Buffer.from(bytes).toString("base64") } : { [name]: text };
}

/**
 * Topic, partition, offset and timestamp are ignored, so that what was consumed can be produced elsewhere.
 * @throws {InputError} where `line` is the number of the line, for the message
 */
export function recordFromJson(text: string, line: number): RecordContent {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new InputError(`Cannot produce line ${line}: it is not JSON`, { cause });
  }
  if (!isJsonObject(json)) throw new InputError(`Cannot produce line ${line}: it is not a JSON object`);
  const headers = json.headers ?? [];
  if (!Array.isArray(headers)) throw new InputError(`Cannot produce line ${line}: headers is not an array`);
  return {
    key: readBytes(json, "key", line),
    value: readBytes(json, "value", line),
    headers: headers.map((header: unknown) => {
      if (!isJsonObject(header) || typeof header.name !== "string") {
        throw new InputError(`Cannot produce line ${line}: a header is not an object with a name`);
      }
      return [header.name, readBytes(header, "value", line)] as const;
    }),
  };
}

function readBytes(json: Readonly<Record<string, unknown>>, name: string, line: number): Uint8Array | null {
  const base64 = json[`${name}Base64`];
  if (typeof base64 === "string") return new Uint8Array(Buffer.from(base64, "base64"));
  const text = json[name] ?? null;
  if (text === null) return null;
  if (typeof text !== "string") throw new InputError(`Cannot produce line ${line}: ${name} is not a string or null`);
  return utf8(text);
}
