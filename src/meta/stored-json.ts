import { decodeUtf8 } from "../base/bytes.ts";
import { isJsonObject } from "../base/json.ts";

/** What was stored as an object in JSON, to be looked at member by member; undefined: it is none, so it is damaged. */
export function readStoredJson(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(decodeUtf8(bytes) ?? "");
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
