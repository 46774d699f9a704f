import { Database, SQLiteError } from "bun:sqlite";
import { readFile, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { errorCode } from "../base/errors.ts";
import { StateLockedError, StateUnavailableError } from "./errors.ts";

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

interface Owner {
  readonly pid: number;
  readonly host: string;
  readonly since: string;
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
    const owner: Owner = { pid: process.pid, host: hostname(), since: new Date(sinceMs).toISOString() };
    await writeFile(ownerFile, `${JSON.stringify(owner)}\n`);
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
    const { pid, host, since } = JSON.parse(await readFile(ownerFile, "utf8")) as Partial<Owner>;
    return `process ${pid} on ${host} (since ${since})`;
  } catch (error) {
    if (errorCode(error) === "ENOENT" || error instanceof SyntaxError) return "another process";
    throw error;
  }
}
