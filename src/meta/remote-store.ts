import { BrigadeError, errorFromData, errorToData, invariant } from "../base/errors.ts";
import type { StateStore } from "../state/store.ts";
import type { FromWorker, StoreAnswer, StoreOperation, StoreResult } from "./protocol.ts";

/** The Worker stops, so nobody will answer any more. Whether a write was carried out is not known. */
export class StoreClosedError extends BrigadeError {
  override readonly name = "StoreClosedError";
  readonly code = "store-closed";
  readonly fault = "infrastructure";
}

interface Waiting {
  resolve(answer: StoreAnswer): void;
  reject(error: Error): void;
}

/**
 * The Worker's side of the state store: each call becomes a message to the main thread, which holds the lock.
 *
 * The owner hands every `stored` message to {@link RemoteStore.onStored}. Calls keep their order.
 */
export class RemoteStore implements StateStore {
  readonly #post: (message: FromWorker) => void;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  #closed = false;

  constructor(post: (message: FromWorker) => void) {
    this.#post = post;
  }

  async read(key: string): Promise<Uint8Array | undefined> {
    const answer = await this.#ask({ type: "read", key });
    invariant(answer.to === "read", `Store answered ${answer.to} to read`);
    return answer.value ?? undefined;
  }

  async write(key: string, value: Uint8Array): Promise<void> {
    await this.#ask({ type: "write", key, value });
  }

  async delete(key: string): Promise<void> {
    await this.#ask({ type: "delete", key });
  }

  async list(prefix: string): Promise<readonly string[]> {
    const answer = await this.#ask({ type: "list", prefix });
    invariant(answer.to === "list", `Store answered ${answer.to} to list`);
    return answer.keys;
  }

  /** Fails what is still waiting. The lock is not ours to give back. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const waiting of this.#waiting.values()) waiting.reject(closedError());
    this.#waiting.clear();
  }

  onStored(id: number, result: StoreResult): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return; // closed meanwhile
    this.#waiting.delete(id);
    if (result.ok) waiting.resolve(result.answer);
    else waiting.reject(errorFromData(result.error));
  }

  #ask(operation: StoreOperation): Promise<StoreAnswer> {
    if (this.#closed) return Promise.reject(closedError());
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#post({ type: "store", id, operation });
    });
  }
}

function closedError(): StoreClosedError {
  return new StoreClosedError("Cannot use the state store: this processor is stopping");
}

/** The main thread's side: carries one operation out. Never throws. */
export async function serveStore(store: StateStore, operation: StoreOperation): Promise<StoreResult> {
  try {
    return { ok: true, answer: await carryOut(store, operation) };
  } catch (error) {
    return { ok: false, error: errorToData(error) };
  }
}

async function carryOut(store: StateStore, operation: StoreOperation): Promise<StoreAnswer> {
  switch (operation.type) {
    case "read":
      return { to: "read", value: (await store.read(operation.key)) ?? null };
    case "write":
      await store.write(operation.key, operation.value);
      return { to: "write" };
    case "delete":
      await store.delete(operation.key);
      return { to: "delete" };
    case "list":
      return { to: "list", keys: await store.list(operation.prefix) };
  }
}
