import { noBytes, showUtf8, utf8 } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { Acl } from "../zookeeper/acl.ts";
import { isRefusal, ZooKeeperUnavailableError } from "../zookeeper/errors.ts";
import { childPath, pathsAbove } from "../zookeeper/paths.ts";
import type { ZooKeeper } from "../zookeeper/zookeeper.ts";
import { StateLockedError } from "./errors.ts";
import { describeOwner, thisOwner } from "./owner.ts";

/*
 * The lock of a state in ZooKeeper is an ephemeral node: it goes with the session of its owner. To be sure of it each
 * change of the state also checks the version of a second node, which every owner raises when it takes the lock: a former
 * owner that has not noticed yet, because it was stopped or somebody deleted its node, can write nothing.
 */

export interface ZooKeeperLock {
  /** The node that every change has to check, and its version while the lock is ours. */
  readonly fence: { readonly path: string; readonly version: number };
}

export interface ZooKeeperLockOptions {
  readonly client: ZooKeeper;
  readonly path: string;
  /** For messages: without credentials. */
  readonly shown: string;
  readonly acl: Acl;
  /** How long an owner is waited for that may have died: its node outlives it by its session time-out. */
  readonly patienceMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * @throws {StateLockedError} another process holds it, and goes on holding it
 * @throws what {@link ZooKeeper} rejects with
 */
export async function lockZooKeeper(options: ZooKeeperLockOptions): Promise<ZooKeeperLock> {
  const { client, path, acl, clock } = options;
  const fencePath = childPath(path, "fence");
  for (const above of [...pathsAbove(path), path]) await make(client, above, "creator-all-everyone-read", acl);
  await make(client, fencePath, acl, acl);
  await take(options, childPath(path, "owner"), clock.monotonicMs() + options.patienceMs);
  const { version } = await client.write(fencePath, noBytes);
  return { fence: { path: fencePath, version } };
}

async function take(options: ZooKeeperLockOptions, ownerPath: string, giveUpAtMs: number): Promise<void> {
  const { client, acl, clock, log, shown } = options;
  for (let told = false; ; ) {
    const changed = Promise.withResolvers<void>();
    try {
      await client.create(ownerPath, utf8(thisOwner(clock.wallMs())), { acl, ephemeral: true });
      return;
    } catch (error) {
      // It may have been made by a request whose answer was lost.
      if (!isRefusal(error, "node-exists") && !isLost(error)) throw error;
    }
    const held = await client.read(ownerPath, { onChange: changed.resolve });
    if (held === undefined) continue;
    if (held.stat.ephemeralOwner === client.sessionId) return;
    const holder = describeOwner(showUtf8(held.data));
    const leftMs = giveUpAtMs - clock.monotonicMs();
    if (leftMs <= 0) {
      throw new StateLockedError(`Cannot use state ${shown}: ${holder} holds its lock, must end first`);
    }
    if (!told) log.info("state is locked; its owner may have died a moment ago", { state: shown, holder, leftMs });
    told = true;
    const cancel = clock.schedule(leftMs, changed.resolve);
    await changed.promise;
    cancel();
  }
}

function isLost(error: unknown): boolean {
  return error instanceof ZooKeeperUnavailableError && error.mayBeDone;
}

/** Makes a node, unless it is there. Others may share what lies above; without credentials everything is everybody's. */
async function make(client: ZooKeeper, path: string, wanted: Acl, own: Acl): Promise<void> {
  if ((await client.exists(path)) !== undefined) return;
  try {
    await client.create(path, noBytes, { acl: own === "open" ? "open" : wanted });
  } catch (error) {
    if (!isRefusal(error, "node-exists")) throw error;
  }
}
