import { decodeUtf8, utf8 } from "../base/bytes.ts";
import { BrigadeError, invariant } from "../base/errors.ts";
import type { FrameworkId } from "../mesos/types.ts";
import type { StateStore } from "../state/store.ts";
import type { FormerFramework } from "./former-framework.ts";

/**
 * Who a processor's framework is to Mesos, kept over restarts (promise I3).
 *
 * Stored under `processors/<name>/identity` as JSON. The epoch is part of every task id and is raised, and stored, before
 * each new process subscribes: so no id is ever used twice.
 */
export interface Identity {
  /** undefined until the master gave one. */
  readonly frameworkId: FrameworkId | undefined;
  /** 1 for the first process; the seconds since 1970 after the state was lost. */
  readonly epoch: number;
}

/** Task ids have room for so many digits, and none may be used up. */
const LAST_EPOCH = 1e15;

/** The stored identity cannot be read: going on would launch everything again under a new framework. */
export class IdentityUnreadableError extends BrigadeError {
  override readonly name = "IdentityUnreadableError";
  readonly code = "identity-unreadable";
  readonly fault = "infrastructure";
}

export interface TakeIdentityOptions {
  readonly store: StateStore;
  readonly processor: string;
  /** Asked where no framework id is stored: whether the master has a framework of an earlier life. */
  readonly lookUp: () => Promise<FormerFramework | undefined>;
  /** Now, since 1970. */
  readonly wallMs: number;
}

/** Reads the identity, or finds it again in the master, and raises its epoch. */
export async function takeIdentity(options: TakeIdentityOptions): Promise<Identity> {
  const { store, processor } = options;
  const stored = await read(store, processor);
  const identity = stored?.frameworkId === undefined ? await find(options, stored) : raised(stored, stored.epoch);
  await saveIdentity(store, processor, identity);
  return identity;
}

/**
 * The epochs of a framework that was found are known by its tasks alone, and not of all that have ended. The seconds
 * since 1970 lie above whatever was counted up from 1, and above an epoch that an earlier loss began with.
 */
async function find({ lookUp, wallMs }: TakeIdentityOptions, stored: Identity | undefined): Promise<Identity> {
  const found = await lookUp();
  if (found === undefined) return raised({ frameworkId: undefined }, stored?.epoch ?? 0);
  const { id: frameworkId, lastEpoch } = found;
  return raised({ frameworkId }, Math.max(stored?.epoch ?? 0, lastEpoch, Math.floor(wallMs / 1000) - 1));
}

function raised({ frameworkId }: Pick<Identity, "frameworkId">, epoch: number): Identity {
  return { frameworkId, epoch: epoch + 1 };
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
  if (typeof epoch !== "number" || !Number.isSafeInteger(epoch) || epoch < 0 || epoch >= LAST_EPOCH) {
    const found = JSON.stringify(epoch) ?? "missing";
    throw new IdentityUnreadableError(`Cannot read state "${key}": epoch is ${found}, must be an integer from 0 on`);
  }
  return { epoch, frameworkId: typeof frameworkId === "string" ? (frameworkId as FrameworkId) : undefined };
}

function keyOf(processor: string): string {
  return `processors/${processor}/identity`;
}
