import { readFile } from "node:fs/promises";
import * as v from "valibot";
import { InputError } from "../base/errors.ts";
import type { SaslUsers } from "../local/kafka/sasl/plain.ts";

// NUL separates them on the wire.
const text = v.pipe(v.string(), v.nonEmpty(), v.excludes("\0"));
const schema = v.object({ users: v.pipe(v.array(v.object({ username: text, password: text })), v.nonEmpty()) });

/**
 * Who may use the embedded Kafka, with their passwords.
 *
 * @throws {InputError} the file cannot be read; never with what stands in it
 */
export async function readUsers(path: string): Promise<SaslUsers> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    // The parser's message would show a piece of the file.
    const cause = error instanceof SyntaxError ? undefined : { cause: error };
    throw new InputError(`Cannot read users from ${path}: it must be a readable file in JSON`, cause);
  }
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
