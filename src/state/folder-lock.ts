import { Database, SQLiteError } from "bun:sqlite";
import { readFile, stat, writeFile } from "node:fs/promises";
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
  /** False where somebody removed or replaced the lock's file: another process can then lock the folder beside this one. */
  isWhole(): Promise<boolean>;
  /** Idempotent. */
  release(): void;
}

/**
 * @throws {StateLockedError} another process, or another part of this one, holds it
 * @throws {StateUnavailableError} the folder is not writable
 */
export async function lockFolder(folder: string, sinceMs: number): Promise<FolderLock> {
  const ownerFile = join(folder, "owner.json");
  const lockFile = join(folder, "lock.sqlite");
  let database: Database | undefined;
  let identity: string;
  try {
    database = new Database(lockFile, { create: true });
    // Without journal nothing is left beside the file, and nothing has to be rolled back after a kill.
    database.run("PRAGMA journal_mode = MEMORY");
    database.run("PRAGMA busy_timeout = 0");
    database.run("BEGIN EXCLUSIVE");
    identity = (await identityOf(lockFile)) ?? "";
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
  return { isWhole: async () => (await identityOf(lockFile)) === identity, release: () => held.close() };
}

/** Which file is there by this name; undefined where there is none. */
async function identityOf(path: string): Promise<string | undefined> {
  try {
    const { dev, ino } = await stat(path);
    return `${dev}:${ino}`;
  } catch (error) {
    if (errorCode(error) === "ENOENT" || errorCode(error) === "ENOTDIR") return undefined;
    throw error;
  }
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
