import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InputError } from "../base/errors.ts";

export interface DataFolder {
  readonly path: string;
  /** Removes it, if it is a temporary one. */
  release(): Promise<void>;
}

/**
 * The folder of `--data`, made if need be; without it a temporary one.
 *
 * @throws {InputError}
 */
export async function openDataFolder(given: string | undefined): Promise<DataFolder> {
  try {
    if (given !== undefined) {
      await mkdir(given, { recursive: true });
      return { path: given, release: () => Promise.resolve() };
    }
    const path = await mkdtemp(join(tmpdir(), "brigade-local-"));
    return { path, release: () => rm(path, { recursive: true, force: true, maxRetries: 3 }) };
  } catch (cause) {
    throw new InputError(`Cannot use data folder ${given ?? tmpdir()}: it must be writable`, { cause });
  }
}
