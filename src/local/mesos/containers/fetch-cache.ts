import { mkdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

interface CachedFile {
  readonly path: string;
  readonly fetched: Promise<void>;
  bytes: number;
  users: number;
}

/** As Mesos' flag `fetcher_cache_size`. */
const DEFAULT_MAX_BYTES = 2 * 1024 ** 3;

/**
 * Files that were fetched once and are used again, of one agent. They are never refreshed, and forgotten with the
 * process. Over its size, those that were unused for longest go.
 */
export class FetchCache {
  readonly #folder: string;
  readonly #maxBytes: number;
  /** Least recently used first. */
  readonly #files = new Map<string, CachedFile>();
  #count = 0;

  constructor(folder: string, maxBytes = DEFAULT_MAX_BYTES) {
    this.#folder = folder;
    this.#maxBytes = maxBytes;
    rmSync(folder, { recursive: true, force: true });
  }

  /**
   * Lets `consume` read the file of that key, fetched by `fill` if it is not there yet; others that ask meanwhile wait
   * for the same fetch.
   */
  async use(
    key: string,
    fill: (path: string) => Promise<void>,
    consume: (path: string) => Promise<void>,
  ): Promise<void> {
    const file = this.#files.get(key) ?? this.#fetch(key, fill);
    this.#files.delete(key);
    this.#files.set(key, file);
    file.users++;
    try {
      await file.fetched;
      await consume(file.path);
    } catch (error) {
      // What could not be fetched is tried again by the next one.
      if (file.bytes === 0 && this.#files.get(key) === file) this.#files.delete(key);
      throw error;
    } finally {
      file.users--;
      this.#shrink();
    }
  }

  #fetch(key: string, fill: (path: string) => Promise<void>): CachedFile {
    mkdirSync(this.#folder, { recursive: true });
    // The name's end stays, as archives are told by it.
    const path = join(this.#folder, `c${++this.#count}-${key.slice(key.lastIndexOf("/") + 1)}`);
    const file: CachedFile = {
      path,
      bytes: 0,
      users: 0,
      fetched: fill(path).then(() => {
        file.bytes = statSync(path).size;
      }),
    };
    return file;
  }

  #shrink(): void {
    let bytes = 0;
    for (const file of this.#files.values()) bytes += file.bytes;
    for (const [key, file] of this.#files) {
      if (bytes <= this.#maxBytes) return;
      if (file.users > 0) continue;
      this.#files.delete(key);
      rmSync(file.path, { force: true });
      bytes -= file.bytes;
    }
  }
}
