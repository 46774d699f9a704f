import { decodeUtf8, utf8 } from "../base/bytes.ts";
import { BrigadeError, invariant } from "../base/errors.ts";
import type { FrameworkId } from "../mesos/types.ts";
import type { StateStore } from "../state/store.ts";

/**
 * Who a processor's framework is to Mesos, kept over restarts (promise I3).
 *
 * Stored under `processors/<name>/identity` as JSON. The epoch is part of every task id and is raised, and stored, before
 * each new process subscribes: so no id is ever used twice.
 */
export interface Identity {
  /** undefined until the master gave one. */
  readonly frameworkId: FrameworkId | undefined;
  /** 1 for the first process. */
  readonly epoch: number;
}

/** The stored identity cannot be read: going on would launch everything again under a new framework. */
export class IdentityUnreadableError extends BrigadeError {
  override readonly name = "IdentityUnreadableError";
  readonly code = "identity-unreadable";
  readonly fault = "infrastructure";
}

/** Reads the identity and raises its epoch. */
export async function takeIdentity(store: StateStore, processor: string): Promise<Identity> {
  const stored = await read(store, processor);
  const identity = { frameworkId: stored?.frameworkId, epoch: (stored?.epoch ?? 0) + 1 };
  await saveIdentity(store, processor, identity);
  return identity;
}

export async function saveIdentity(store: StateStore, processor: string, identity: Identity): Promise<void> {
  invariant(identity.epoch >= 1, `Epoch is ${identity.epoch}, must be 1 or more`);
  await store.write(keyOf(processor), utf8(JSON.stringify({ version: 1, ...identity })));
}

export async function forgetIdentity(store: StateStore, processor: string): Promise<void> {
  await store.delete(keyOf(processor));
}

async function read(store: StateStore, processor: string): Promise<Identity | undefined> {
  const bytes = await store.read(keyOf(processor));
  if (bytes === undefined) return undefined;
  const key = keyOf(processor);
  let value: unknown;
  try {
    value = JSON.parse(decodeUtf8(bytes) ?? "");
  } catch (cause) {
    throw new IdentityUnreadableError(`Cannot read state "${key}": it is not JSON`, { cause });
  }
  if (typeof value !== "object" || value === null || !("version" in value) || value.version !== 1) {
    throw new IdentityUnreadableError(`Cannot read state "${key}": it is not of version 1`);
  }
  const { epoch, frameworkId } = value as { epoch?: unknown; frameworkId?: unknown };
  if (typeof epoch !== "number" || !Number.isSafeInteger(epoch)) {
    throw new IdentityUnreadableError(`Cannot read state "${key}": epoch is ${String(epoch)}, must be an integer`);
  }
  return { epoch, frameworkId: typeof frameworkId === "string" ? (frameworkId as FrameworkId) : undefined };
}

function keyOf(processor: string): string {
  return `processors/${processor}/identity`;
}
