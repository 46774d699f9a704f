import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { noBytes } from "../base/bytes.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { errorCode, invariant } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import { ChangeOrder } from "./change-order.ts";
import { StateLostError, StateUnavailableError } from "./errors.ts";
import { type FolderLock, lockFolder } from "./folder-lock.ts";
import { keysOfNames, nameOfKey } from "./keys.ts";
import type { StateStore } from "./store.ts";
import { decodeStored, encodeStored } from "./stored-value.ts";

/*
 * The folder:
 *
 *     lock.sqlite                    see folder-lock.ts
 *     owner.json                     who holds the lock, for people
 *     values/processors+thumbs+id    the value of the key processors/thumbs/id: a version byte, then the bytes
 *     values/~3                      a value that is being written, or was when its writer died
 */

/** How soon it is noticed that the folder was removed or replaced. */
const WATCH_EVERY_MS = 5000;
/** Not allowed in a key. */
const TEMPORARY = "~";

export interface FolderStoreOptions {
  readonly log: Logger;
  readonly clock?: Clock;
  /** The folder was removed or replaced: from now on all changes fail. Called once. */
  readonly onLost?: (error: StateLostError) => void;
}

/**
 * Opens (and makes, if need be) a folder as the state of one deployment, and locks it until {@link StateStore.close} or
 * the end of the process.
 *
 * @throws {StateLockedError} someone else has it open
 * @throws {StateUnavailableError} it cannot be made, locked or written
 */
export async function openFolderStore(
  folder: string,
  { log, clock = systemClock, onLost }: FolderStoreOptions,
): Promise<StateStore> {
  const values = join(folder, "values");
  await attempt(`Cannot use state folder ${folder}: it cannot be made`, () =>
    mkdir(values, { recursive: true, mode: 0o700 }),
  );
  const lock = await lockFolder(folder, clock.wallMs());
  const store = new FolderStore(folder, { lock, clock, onLost });
  try {
    const torn = await store.sweep();
    if (torn > 0) log.warn("unfinished writes removed from the state folder", { folder, files: torn });
    await store.probe();
  } catch (error) {
    lock.release();
    throw error;
  }
  store.watch();
  log.info("state folder locked", { folder });
  return store;
}

interface FolderStoreParts {
  readonly lock: FolderLock;
  readonly clock: Clock;
  readonly onLost: ((error: StateLostError) => void) | undefined;
}

class FolderStore implements StateStore {
  /** Of the values. */
  readonly #folder: string;
  readonly #root: string;
  readonly #parts: FolderStoreParts;
  readonly #changes = new ChangeOrder();
  #temporaries = 0;
  #phase: "open" | "closed" | StateLostError = "open";
  #cancelWatch: (() => void) | undefined;

  constructor(root: string, parts: FolderStoreParts) {
    this.#root = root;
    this.#folder = join(root, "values");
    this.#parts = parts;
  }

  async read(key: string): Promise<Uint8Array | undefined> {
    const path = this.#path(key);
    const bytes = await attempt(`Cannot read state "${key}" from ${path}`, () => unlessMissing(readFile(path)));
    return bytes && decodeStored(bytes, key, path);
  }

  async write(key: string, value: Uint8Array): Promise<void> {
    const path = this.#path(key);
    // The caller may reuse its buffer while this waits for an earlier change.
    const bytes = encodeStored(value);
    return this.#change(key, () =>
      attempt(`Cannot store state "${key}" in ${path}`, async () => {
        const temporary = join(this.#folder, `${TEMPORARY}${this.#temporaries++}`);
        try {
          await writeDurably(temporary, bytes);
          await rename(temporary, path);
        } catch (error) {
          await rm(temporary, { force: true });
          throw error;
        }
        // The new name is durable once the folder is.
        await syncFolder(this.#folder);
      }),
    );
  }

  async delete(key: string): Promise<void> {
    const path = this.#path(key);
    return this.#change(key, () =>
      attempt(`Cannot delete state "${key}" in ${path}`, async () => {
        await rm(path, { force: true });
        await syncFolder(this.#folder);
      }),
    );
  }

  async list(prefix: string): Promise<readonly string[]> {
    this.#assertOpen();
    const names = await attempt(`Cannot list state in ${this.#folder}`, () => readdir(this.#folder));
    return keysOfNames(
      names.filter((name) => !name.startsWith(TEMPORARY)),
      prefix,
    );
  }

  async close(): Promise<void> {
    if (this.#phase === "open") this.#phase = "closed";
    this.#cancelWatch?.();
    await this.#changes.idle();
    this.#parts.lock.release();
  }

  /** Looks now and then whether the folder is still the one that is locked, though nothing may be stored for long. */
  watch(): void {
    this.#cancelWatch = this.#parts.clock.schedule(WATCH_EVERY_MS, () => {
      const goOn = (): void => {
        if (this.#phase === "open") this.watch();
      };
      // A loss was told; whatever else is wrong, the next change tells.
      this.#assertWhole().then(goOn, goOn);
    });
  }

  #change(key: string, change: () => Promise<void>): Promise<void> {
    return this.#changes.run(key, async () => {
      await this.#assertWhole();
      await change();
    });
  }

  /** @throws {StateLostError} */
  async #assertWhole(): Promise<void> {
    if (this.#phase instanceof StateLostError) throw this.#phase;
    if (await attempt(`Cannot use state folder ${this.#root}`, () => this.#parts.lock.isWhole())) return;
    if (this.#phase !== "open") throw this.#lostError();
    this.#phase = this.#lostError();
    this.#parts.onLost?.(this.#phase);
    throw this.#phase;
  }

  #lostError(): StateLostError {
    return new StateLostError(
      `Cannot use state folder ${this.#root}: its lock file was removed or replaced while this process held it; ` +
        "start again, and nothing that runs is lost",
    );
  }

  /** Removes what writers left that died; the number of files. */
  sweep(): Promise<number> {
    return attempt(`Cannot use state folder ${this.#folder}: it cannot be tidied up`, async () => {
      const left = (await readdir(this.#folder)).filter((name) => name.startsWith(TEMPORARY));
      for (const name of left) await rm(join(this.#folder, name));
      return left.length;
    });
  }

  /** Shows at the start, and not at the first framework id, that values can be stored. */
  async probe(): Promise<void> {
    const path = join(this.#folder, `${TEMPORARY}probe`);
    await attempt(`Cannot use state folder ${this.#folder}: it is not writable`, async () => {
      await writeDurably(path, encodeStored(noBytes));
      await rm(path);
      await syncFolder(this.#folder);
    });
  }

  #path(key: string): string {
    this.#assertOpen();
    return join(this.#folder, nameOfKey(key));
  }

  #assertOpen(): void {
    invariant(this.#phase !== "closed", "Cannot use the state: it is closed");
  }
}

async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, "w", 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function unlessMissing<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function attempt<T>(message: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    throw new StateUnavailableError(message, { cause });
  }
}
