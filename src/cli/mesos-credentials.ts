import * as v from "valibot";
import { InputError } from "../base/errors.ts";
import type { Credentials } from "../local/mesos/http/authentication.ts";
import { parseSecretFile, readSecretFile } from "./secret-file.ts";

const text = v.pipe(v.string(), v.nonEmpty());
const file = {
  what: "credentials",
  schema: v.object({ credentials: v.array(v.object({ principal: text, secret: text })) }),
  example: '{"credentials":[{"principal":"…","secret":"…"}]}',
};

/**
 * Principals and their secrets from a file in the form of Mesos' flag `--credentials`.
 *
 * @throws {InputError} it cannot be read; never with what stands in it
 */
export async function readCredentials(path: string): Promise<Credentials> {
  return parseCredentials(await readSecretFile(path, file.what), path);
}

/** @throws {InputError} */
export function parseCredentials(text: string, path: string): Credentials {
  const { credentials } = parseSecretFile(text, path, file);
  const known = new Map(credentials.map(({ principal, secret }) => [principal, secret]));
  if (known.size < credentials.length)
    throw new InputError(`Cannot use credentials from ${path}: a principal is there twice`);
  // A secret with a colon could never match: basic authentication has no place for it, in Mesos' reading.
  for (const { principal, secret } of credentials) {
    if (!principal.includes(":") && !secret.includes(":")) continue;
    throw new InputError(`Cannot use credentials from ${path}: those of "${principal.split(":")[0]}" have a colon`);
  }
  return known;
}
