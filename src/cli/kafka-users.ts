import * as v from "valibot";
import { InputError } from "../base/errors.ts";
import type { SaslUsers } from "../local/kafka/sasl/plain.ts";
import { parseSecretFile, readSecretFile } from "./secret-file.ts";

// NUL separates them on the wire.
const text = v.pipe(v.string(), v.nonEmpty(), v.excludes("\0"));
const file = {
  what: "users",
  schema: v.object({ users: v.pipe(v.array(v.object({ username: text, password: text })), v.nonEmpty()) }),
  example: '{"users":[{"username":"…","password":"…"}]}',
};

/**
 * Who may use the embedded Kafka, with their passwords.
 *
 * @throws {InputError} the file cannot be read; never with what stands in it
 */
export async function readUsers(path: string): Promise<SaslUsers> {
  return parseUsers(await readSecretFile(path, file.what), path);
}

/** @throws {InputError} */
export function parseUsers(text: string, path: string): SaslUsers {
  const { users } = parseSecretFile(text, path, file);
  const known = new Map(users.map(({ username, password }) => [username, password]));
  if (known.size < users.length) throw new InputError(`Cannot use users from ${path}: a user is there twice`);
  return known;
}
