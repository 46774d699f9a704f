import { type BackoffOptions, backoffMs } from "../base/backoff.ts";
import type { Clock } from "../base/clock.ts";
import { invariant } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import type { Acl } from "../zookeeper/acl.ts";
import { showZooKeeper, type ZooKeeperAddress } from "../zookeeper/address.ts";
import { ZooKeeperClient } from "../zookeeper/client.ts";
import {
  isRefusal,
  SessionEndedError,
  ZooKeeperProtocolError,
  ZooKeeperRefusedError,
  ZooKeeperUnavailableError,
} from "../zookeeper/errors.ts";
import { anyVersion, checkNode, createNode, deleteNode, type Operation, writeNode } from "../zookeeper/operations.ts";
import { childPath } from "../zookeeper/paths.ts";
import type { ZooKeeper } from "../zookeeper/zookeeper.ts";
import { ChangeOrder } from "./change-order.ts";
import { StateLockedError, StateLostError, StateTooLargeError, StateUnavailableError } from "./errors.ts";
import { keysOfNames, nameOfKey } from "./keys.ts";
import type { StateStore } from "./store.ts";
import { decodeStored, encodeStored } from "./stored-value.ts";
import { lockZooKeeper, type ZooKeeperLock } from "./zookeeper-lock.ts";

/*
 * The nodes below the address' path:
 *
 *     owner                           see zookeeper-lock.ts; its data tells people who that is
 *     fence                           see there
 *     values/processors+thumbs+id     the value of the key processors/thumbs/id: a version byte, then the bytes
 */

/** What a node holds at most, as ZooKeeper comes; a request has to carry its path as well. */
const MAX_VALUE_BYTES = 1_000_000;
/** How long ZooKeeper may be away before what was asked fails. */
const PATIENCE_MS = 30_000;
const SESSION_TIMEOUT_MS = 10_000;
/** By how much longer than its session a dead owner's node may be there. */
const LOCK_MARGIN_MS = 5000;
const PAUSES: BackoffOptions = { initialMs: 50, maxMs: 2000 };

export interface ZooKeeperStoreOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** The lock is not ours any more; nothing can be read or written from now on. Called once. */
  readonly onLost: (error: StateLostError) => void;
  /** Default 10 s. */
  readonly sessionTimeoutMs?: number;
  /** How long the lock's owner is waited for, who may just have died. Default: 5 s more than the session time-out. */
  readonly lockPatienceMs?: number;
  /** Default: a session at the address, which goes on until ZooKeeper itself ends it. */
  readonly connect?: (onEnd: (error: SessionEndedError) => void) => ZooKeeper;
}

/**
 * Opens (and makes, if need be) a folder of ZooKeeper as the state of one deployment, and locks it until
 * {@link StateStore.close} or the end of the session.
 *
 * @throws {StateLockedError} someone else has it open
 * @throws {StateUnavailableError} ZooKeeper does not answer, or does not let us
 */
export async function openZooKeeperStore(
  address: ZooKeeperAddress,
  options: ZooKeeperStoreOptions,
): Promise<StateStore> {
  const { clock, random, log, sessionTimeoutMs = SESSION_TIMEOUT_MS } = options;
  const shown = showZooKeeper(address);
  let store: ZooKeeperStore | undefined;
  const connect = (onEnd: (error: SessionEndedError) => void): ZooKeeper => {
    const { servers, credentials } = address;
    const session = { servers, credentials: credentials ?? undefined, sessionTimeoutMs, abandon: false };
    const client = new ZooKeeperClient({ ...session, clock, random, log, onEnd });
    client.start();
    return client;
  };
  const client = (options.connect ?? connect)((error) => store?.lose(error));
  const acl: Acl = address.credentials === null ? "open" : "creator-all";
  try {
    const patienceMs = options.lockPatienceMs ?? sessionTimeoutMs + LOCK_MARGIN_MS;
    const lock = await lockZooKeeper({ client, path: address.path, shown, acl, patienceMs, clock, log });
    store = new ZooKeeperStore(client, address.path, shown, acl, lock, options);
    await store.makeFolder();
  } catch (error) {
    await client.close();
    if (error instanceof StateLockedError || error instanceof StateUnavailableError) throw error;
    throw new StateUnavailableError(`Cannot use state ${shown}`, { cause: error });
  }
  log.info("state in ZooKeeper locked", { state: shown });
  return store;
}

class ZooKeeperStore implements StateStore {
  readonly #client: ZooKeeper;
  readonly #folder: string;
  readonly #shown: string;
  readonly #acl: Acl;
  readonly #check: Operation<void>;
  readonly #options: ZooKeeperStoreOptions;
  readonly #changes = new ChangeOrder();
  #phase: "open" | "closed" | StateLostError = "open";

  constructor(
    client: ZooKeeper,
    path: string,
    shown: string,
    acl: Acl,
    { fence }: ZooKeeperLock,
    options: ZooKeeperStoreOptions,
  ) {
    this.#client = client;
    this.#folder = childPath(path, "values");
    this.#shown = shown;
    this.#acl = acl;
    this.#check = checkNode(fence.path, fence.version);
    this.#options = options;
  }

  makeFolder(): Promise<void> {
    return this.#attempt(`Cannot use state ${this.#shown}`, async () => {
      if ((await this.#client.exists(this.#folder)) !== undefined) return;
      await this.#client.transaction([this.#check, createNode(this.#folder, new Uint8Array(0), this.#acl)]);
    });
  }

  async read(key: string): Promise<Uint8Array | undefined> {
    const path = this.#path(key);
    return this.#attempt(`Cannot read state "${key}" from ${this.#shown}`, async () => {
      const node = await this.#client.read(path);
      return node && decodeStored(node.data, key, `ZooKeeper's ${path}`);
    });
  }

  async write(key: string, value: Uint8Array): Promise<void> {
    const path = this.#path(key);
    const bytes = encodeStored(value);
    if (bytes.byteLength > MAX_VALUE_BYTES) {
      throw new StateTooLargeError(
        `Cannot store state "${key}" in ${this.#shown}: it has ${bytes.byteLength} bytes, ZooKeeper takes ${MAX_VALUE_BYTES}`,
      );
    }
    return this.#change(key, "store", async () => {
      try {
        await this.#client.transaction([this.#check, writeNode(path, bytes, anyVersion)]);
      } catch (error) {
        if (!isRefusal(error, "no-node")) throw error;
        await this.#client.transaction([this.#check, createNode(path, bytes, this.#acl)]);
      }
    });
  }

  async delete(key: string): Promise<void> {
    const path = this.#path(key);
    return this.#change(key, "delete", async () => {
      try {
        await this.#client.transaction([this.#check, deleteNode(path, anyVersion)]);
      } catch (error) {
        if (!isRefusal(error, "no-node")) throw error;
      }
    });
  }

  async list(prefix: string): Promise<readonly string[]> {
    this.#assertOpen();
    return this.#attempt(`Cannot list state of ${this.#shown}`, async () => {
      const children = await this.#client.children(this.#folder);
      return keysOfNames(children?.names ?? [], prefix);
    });
  }

  async close(): Promise<void> {
    if (this.#phase === "open") this.#phase = "closed";
    await this.#changes.idle();
    await this.#client.close();
  }

  lose(cause: Error): void {
    if (this.#phase !== "open") return;
    this.#phase = new StateLostError(`Cannot use state ${this.#shown}: its lock was lost, and may be another's`, {
      cause,
    });
    this.#options.onLost(this.#phase);
  }

  #change(key: string, action: string, change: () => Promise<void>): Promise<void> {
    return this.#changes.run(key, () => this.#attempt(`Cannot ${action} state "${key}" in ${this.#shown}`, change));
  }

  /** Again and again while ZooKeeper is away. Everything here may be done twice: nobody else writes. */
  async #attempt<T>(message: string, action: () => Promise<T>): Promise<T> {
    const { clock, random } = this.#options;
    const giveUpAtMs = clock.monotonicMs() + PATIENCE_MS;
    for (let failures = 0; ; ) {
      this.#assertNotLost();
      try {
        return await action();
      } catch (error) {
        if (!isZooKeepers(error)) throw error;
        if (this.#isFenced(error)) this.lose(error);
        this.#assertNotLost();
        // What failed without an answer may have been done after all: then the node is there by now.
        const mayPass = error instanceof ZooKeeperUnavailableError || (failures > 0 && isRefusal(error, "node-exists"));
        if (!mayPass || clock.monotonicMs() >= giveUpAtMs) throw new StateUnavailableError(message, { cause: error });
        await clock.sleep(backoffMs(PAUSES, ++failures, random));
      }
    }
  }

  /** Another owner has raised the fence, or somebody has removed it. */
  #isFenced(error: unknown): boolean {
    if (error instanceof SessionEndedError) return true;
    return error instanceof ZooKeeperRefusedError && error.path === this.#check.path;
  }

  #path(key: string): string {
    this.#assertOpen();
    return childPath(this.#folder, nameOfKey(key));
  }

  #assertNotLost(): void {
    if (this.#phase instanceof StateLostError) throw this.#phase;
  }

  #assertOpen(): void {
    invariant(this.#phase !== "closed", "Cannot use the state: it is closed");
  }
}

function isZooKeepers(error: unknown): error is Error {
  return (
    error instanceof ZooKeeperUnavailableError ||
    error instanceof ZooKeeperRefusedError ||
    error instanceof SessionEndedError ||
    error instanceof ZooKeeperProtocolError
  );
}
