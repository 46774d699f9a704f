import { invariant } from "../base/errors.ts";

/*
 * A key's name where it is stored: a file's, or a ZooKeeper node's. `processors/thumbs/identity` is
 * `processors+thumbs+identity`; the separator is not allowed in a part of a key, so that names and keys map one to one.
 */

const SEPARATOR = "+";
/** A file name has at most 255 bytes. */
const MAX_KEY_LENGTH = 240;

export function nameOfKey(key: string): string {
  const parts = key.split("/");
  invariant(
    key.length <= MAX_KEY_LENGTH && parts.every((part) => /^[A-Za-z0-9._-]+$/.test(part)),
    `Cannot use "${key}" as a key of the state: must be parts of A-Z a-z 0-9 . _ - with "/" between, ${MAX_KEY_LENGTH} characters at most`,
  );
  const name = parts.join(SEPARATOR);
  invariant(name !== "." && name !== "..", `Cannot use "${key}" as a key of the state: it is a folder's name`);
  return name;
}

/** The keys of those names that begin with `prefix`, sorted. */
export function keysOfNames(names: readonly string[], prefix: string): readonly string[] {
  return names
    .map((name) => name.replaceAll(SEPARATOR, "/"))
    .filter((key) => key.startsWith(prefix))
    .sort();
}
