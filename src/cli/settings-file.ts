import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { InputError } from "../base/errors.ts";
import { type LoadedSettings, loadSettings } from "../config/settings-schema.ts";
import type { CliIo } from "./command.ts";

/**
 * The settings of `--config FILE` (or of the environment alone) and their problems.
 *
 * @throws {InputError} the file cannot be read
 */
export async function loadSettingsFile(
  path: string | undefined,
  io: Pick<CliIo, "cwd" | "env">,
): Promise<LoadedSettings> {
  if (path === undefined) return loadSettings({ env: io.env });
  let text: string;
  try {
    text = await readFile(resolve(io.cwd, path), "utf8");
  } catch (cause) {
    throw new InputError(`Cannot read settings from ${path}: it must be a readable properties file`, { cause });
  }
  return loadSettings({ file: { path, text }, env: io.env });
}
