import { readFile } from "node:fs/promises";
import * as v from "valibot";
import { InputError } from "../base/errors.ts";
import type { Credentials } from "../local/mesos/http/authentication.ts";
import { parseSecretJson } from "./secret-json.ts";

const text = v.pipe(v.string(), v.nonEmpty());
const schema = v.object({ credentials: v.array(v.object({ principal: text, secret: text })) });

/**
 * Principals and their secrets from a file in the form of Mesos' flag `--credentials`.
 *
 * @throws {InputError} it cannot be read; never with what stands in it
 */
export async function readCredentials(path: string): Promise<Credentials> {
  try {
    return parseCredentials(await readFile(path, "utf8"), path);
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    throw new InputError(`Cannot read credentials from ${path}: it must be a readable file in JSON`, { cause });
  }
}

/** @throws {InputError} */
export function parseCredentials(text: string, path: string): Credentials {
  const json = parseSecretJson(text);
  if (json === undefined)
    throw new InputError(`Cannot read credentials from ${path}: it must be a readable file in JSON`);
  const parsed = v.safeParse(schema, json);
  if (!parsed.success) {
    const place = v.getDotPath(parsed.issues[0]) ?? "its root";
    throw new InputError(
      `Cannot read credentials from ${path}: ${place} is not as in {"credentials":[{"principal":"…","secret":"…"}]}`,
    );
  }
  const { credentials } = parsed.output;
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
