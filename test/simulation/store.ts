import type { StateStore } from "../../src/state/store.ts";
import type { ProcessContext } from "./process-context.ts";

const WRITE_MS = 5;
const SLOW_WRITE_MS = 3000;

/** A site's disk; it outlives its schedulers. */
export interface Disk {
  readonly files: Map<string, Uint8Array>;
  /** Holds the folder's lock: nobody else writes. */
  owner: string;
}

export class StoreFailedError extends Error {}

/** A site's state store as one process sees it. A write counts once it is confirmed; a crash before that may lose it. */
export class SimulatedStore implements StateStore {
  readonly #context: ProcessContext;
  readonly #disk: Disk;
  readonly #unconfirmed = new Set<() => void>();

  constructor(context: ProcessContext, disk: Disk) {
    this.#context = context;
    this.#disk = disk;
    disk.owner = context.name;
    context.life.onDeath(() => {
      for (const lose of this.#unconfirmed) lose();
    });
  }

  async read(key: string): Promise<Uint8Array | undefined> {
    return this.#disk.files.get(key);
  }

  write(key: string, value: Uint8Array): Promise<void> {
    return this.#change(() => this.#disk.files.set(key, value));
  }

  delete(key: string): Promise<void> {
    return this.#change(() => this.#disk.files.delete(key));
  }

  async list(prefix: string): Promise<readonly string[]> {
    return [...this.#disk.files.keys()].filter((key) => key.startsWith(prefix)).sort();
  }

  async close(): Promise<void> {}

  #change(apply: () => void): Promise<void> {
    const { name, time, random, faults, life, effect } = this.#context;
    if (this.#disk.owner !== name) return Promise.reject(locked());
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    if (faults.strike("store-failed")) return Promise.reject(new StoreFailedError("no space left on device"));
    const writeMs = faults.strike("store-slow") ? SLOW_WRITE_MS : WRITE_MS;
    effect(() => {
      const cancel = time.schedule(writeMs * (0.5 + random.next()), () => {
        this.#unconfirmed.delete(lose);
        if (this.#disk.owner !== name) return life.deliver(() => reject(locked()));
        apply();
        life.deliver(resolve);
      });
      const lose = (): void => {
        if (random.next() < 0.5) return;
        faults.count("state-write-lost");
        cancel();
      };
      this.#unconfirmed.add(lose);
    });
    if (faults.strike("store-crash")) time.schedule(writeMs * random.next(), () => life.die());
    return promise;
  }
}

function locked(): StoreFailedError {
  return new StoreFailedError("another process has the lock");
}
