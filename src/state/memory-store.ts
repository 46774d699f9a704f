import { nameOfKey } from "./keys.ts";
import type { StateStore } from "./store.ts";

/** A state that ends with its process. */
export class MemoryStore implements StateStore {
  readonly #values = new Map<string, Uint8Array>();

  async read(key: string): Promise<Uint8Array | undefined> {
    nameOfKey(key);
    return this.#values.get(key)?.slice();
  }

  async write(key: string, value: Uint8Array): Promise<void> {
    nameOfKey(key);
    this.#values.set(key, value.slice());
  }

  async delete(key: string): Promise<void> {
    this.#values.delete(key);
  }

  async list(prefix: string): Promise<readonly string[]> {
    return [...this.#values.keys()].filter((key) => key.startsWith(prefix)).sort();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
