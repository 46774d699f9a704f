import { Database, SQLiteError } from "bun:sqlite";
import { existsSync } from "node:fs";

/*
 * How an executor shows that it lives: an exclusive transaction, held open, on an empty SQLite database in its sandbox.
 * The kernel releases it when the process ends, however it ends; a process id could be another's by now, or mean nothing
 * in another process namespace.
 *
 * POSIX locks have a trap: they are lost as soon as the process closes *any* descriptor of the file. So an executor never
 * looks at its own lock.
 */

export interface OwnerLock {
  readonly file: string;
  /** Idempotent. */
  release(): void;
}

/** @throws {SQLiteError} the file cannot be made, or another holds it */
export function holdOwnerLock(file: string): OwnerLock {
  const database = openLock(file, { create: true });
  return { file, release: () => database.close() };
}

/**
 * Whether the executor that held this lock is gone. A missing file says so as well: executors of one agent see each
 * other's sandboxes, and the agent clears away only those of executors that ended.
 */
export function isOwnerGone(file: string): boolean {
  if (!existsSync(file)) return true;
  try {
    openLock(file, { readwrite: true }).close();
    return true;
  } catch (error) {
    // Held; or it cannot be told, which must not cost a live executor its containers.
    if (error instanceof SQLiteError) return false;
    throw error;
  }
}

function openLock(file: string, options: { create: true } | { readwrite: true }): Database {
  const database = new Database(file, options);
  try {
    // Without journal nothing is left beside the file, and nothing has to be rolled back after a kill.
    database.run("PRAGMA journal_mode = MEMORY");
    database.run("PRAGMA busy_timeout = 0");
    database.run("BEGIN EXCLUSIVE");
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}
