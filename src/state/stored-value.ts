import { concatBytes } from "../base/bytes.ts";
import { StateFormatError } from "./errors.ts";

/* A value as it is stored: a version byte, then its bytes. */

const FORMAT_VERSION = 1;

export function encodeStored(value: Uint8Array): Uint8Array {
  return concatBytes([Uint8Array.of(FORMAT_VERSION), value]);
}

/**
 * @param where for the message: file or node
 * @throws {StateFormatError} it is of another version, or none
 */
export function decodeStored(stored: Uint8Array, key: string, where: string): Uint8Array {
  if (stored[0] === FORMAT_VERSION) return new Uint8Array(stored.subarray(1));
  const found = stored[0] === undefined ? "empty" : `of version ${stored[0]}`;
  throw new StateFormatError(
    `Cannot read state "${key}" from ${where}: it is ${found}, must be of version ${FORMAT_VERSION}`,
  );
}
