import { readFile } from "node:fs/promises";
import * as v from "valibot";
import { InputError } from "../base/errors.ts";

/** A file in JSON with secrets. No message tells what stands in it: the parser's would show a piece of it. */
export interface SecretFile<Content> {
  /** For messages: `users`. */
  readonly what: string;
  readonly schema: v.GenericSchema<unknown, Content>;
  /** Of its form. */
  readonly example: string;
}

/** @throws {InputError} it cannot be read */
export async function readSecretFile(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new InputError(`Cannot read ${what} from ${path}: it must be a readable file in JSON`, { cause });
  }
}

/** @throws {InputError} */
export function parseSecretFile<Content>(text: string, path: string, file: SecretFile<Content>): Content {
  const { what, schema, example } = file;
  const json = parseJson(text);
  if (json === undefined) throw new InputError(`Cannot read ${what} from ${path}: it must be a readable file in JSON`);
  const parsed = v.safeParse(schema, json);
  if (parsed.success) return parsed.output;
  const place = v.getDotPath(parsed.issues[0]) ?? "its root";
  throw new InputError(`Cannot read ${what} from ${path}: ${place} is not as in ${example}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
