import { decodeUtf8, utf8 } from "../../base/bytes.ts";
import { CodecError } from "./errors.ts";
import { decodeJson } from "./json-reader.ts";
import { encodeJson, type JsonStyle } from "./json-writer.ts";
import { decodeProtobuf, encodeProtobuf } from "./protobuf.ts";

/** The two encodings of the API, as their headers name them. */
export type ContentType = "application/x-protobuf" | "application/json";

/**
 * @param name whole name of the message in proto/
 * @param style how JSON is written; the same in protobuf
 */
export function encodeMessage(name: string, value: object, type: ContentType, style: JsonStyle): Uint8Array {
  return type === "application/json" ? utf8(encodeJson(name, value, style)) : encodeProtobuf(name, value);
}

/**
 * The result has the shape that proto/ gives this message, which the caller states by a type; it points nowhere into
 * `bytes`.
 *
 * @throws {CodecError} `malformed` or `mismatched`
 */
export function decodeMessage(name: string, bytes: Uint8Array, type: ContentType): object {
  if (type !== "application/json") return decodeProtobuf(name, bytes);
  const text = decodeUtf8(bytes);
  if (text === undefined) throw new CodecError("malformed", "syntax error at line 1 near: text that is not UTF-8");
  return decodeJson(name, text);
}

/** The part of a message that its `type` demands. */
export function demand<T>(part: T | undefined, wireName: string): T {
  if (part === undefined) throw new CodecError("invalid", `Expecting '${wireName}' to be present`);
  return part;
}
