import { Database, SQLiteError } from "bun:sqlite";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { errorCode } from "../base/errors.ts";
import { StateLockedError, StateUnavailableError } from "./errors.ts";
import { describeOwner, thisOwner } from "./owner.ts";

/*
 * The lock of a state folder: an exclusive transaction, held open, on an empty SQLite database. The kernel releases it
 * when the process ends, however it ends; a lock file with a process id could only be guessed to be stale.
 *
 * POSIX locks have a trap: they are lost as soon as the process closes *any* descriptor of the file. So nothing else may
 * open lock.sqlite, and who holds it is told by another file, owner.json.
 */

export interface FolderLock {
  /** Idempotent. */
  release(): void;
}

/**
 * @throws {StateLockedError} another process, or another part of this one, holds it
 * @throws {StateUnavailableError} the folder is not writable
 */
export async function lockFolder(folder: string, sinceMs: number): Promise<FolderLock> {
  const ownerFile = join(folder, "owner.json");
  let database: Database | undefined;
  try {
    database = new Database(join(folder, "lock.sqlite"), { create: true });
    // Without journal nothing is left beside the file, and nothing has to be rolled back after a kill.
    database.run("PRAGMA journal_mode = MEMORY");
    database.run("PRAGMA busy_timeout = 0");
    database.run("BEGIN EXCLUSIVE");
    await writeFile(ownerFile, thisOwner(sinceMs));
  } catch (error) {
    database?.close();
    if (error instanceof SQLiteError && error.code?.startsWith("SQLITE_BUSY") === true) {
      const holder = await readOwner(ownerFile);
      throw new StateLockedError(
        `Cannot use state folder ${folder}: ${holder} holds its lock, must end first (or use another STATE)`,
        { cause: error },
      );
    }
    throw new StateUnavailableError(`Cannot use state folder ${folder}: it cannot be locked, must be writable`, {
      cause: error,
    });
  }
  const held = database;
  return { release: () => held.close() };
}

/** For the message only: the lock itself is SQLite's. */
async function readOwner(ownerFile: string): Promise<string> {
  try {
    return describeOwner(await readFile(ownerFile, "utf8"));
  } catch (error) {
    if (errorCode(error) === "ENOENT") return describeOwner("");
    throw error;
  }
}
