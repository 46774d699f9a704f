import { readFile } from "node:fs/promises";
import * as v from "valibot";
import { InputError } from "../base/errors.ts";
import type { SaslUsers } from "../local/kafka/sasl/plain.ts";
import { parseSecretJson } from "./secret-json.ts";

// NUL separates them on the wire.
const text = v.pipe(v.string(), v.nonEmpty(), v.excludes("\0"));
const schema = v.object({ users: v.pipe(v.array(v.object({ username: text, password: text })), v.nonEmpty()) });

/**
 * Who may use the embedded Kafka, with their passwords.
 *
 * @throws {InputError} the file cannot be read; never with what stands in it
 */
export async function readUsers(path: string): Promise<SaslUsers> {
  try {
    return parseUsers(await readFile(path, "utf8"), path);
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    throw new InputError(`Cannot read users from ${path}: it must be a readable file in JSON`, { cause });
  }
}

/** @throws {InputError} */
export function parseUsers(text: string, path: string): SaslUsers {
  const json = parseSecretJson(text);
  if (json === undefined) throw new InputError(`Cannot read users from ${path}: it must be a readable file in JSON`);
  const parsed = v.safeParse(schema, json);
  if (!parsed.success) {
    const place = v.getDotPath(parsed.issues[0]) ?? "its root";
    throw new InputError(
      `Cannot read users from ${path}: ${place} is not as in {"users":[{"username":"…","password":"…"}]}`,
    );
  }
  const { users } = parsed.output;
  const known = new Map(users.map(({ username, password }) => [username, password]));
  if (known.size < users.length) throw new InputError(`Cannot use users from ${path}: a user is there twice`);
  return known;
}
