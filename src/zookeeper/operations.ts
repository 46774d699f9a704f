import { type Acl, writeAcl } from "./acl.ts";
import { ZooKeeperProtocolError } from "./errors.ts";
import type { JuteReader } from "./jute-reader.ts";
import { JuteWriter } from "./jute-writer.ts";
import { readStat, type Stat } from "./stat.ts";

/*
 * The requests that are used here. Each is an opcode, a body and a way to read the answer's body; headers are the
 * session's. What ZooKeeper calls them stands above each one, with the grammar of zookeeper.jute.
 */

export interface Operation<Answer> {
  /** For messages: `read`, `create`. */
  readonly action: string;
  readonly path: string;
  readonly opcode: number;
  readonly body: Uint8Array;
  /** @throws {ZooKeeperProtocolError} */
  readonly read: (reader: JuteReader) => Answer;
}

/** Any version of a node's data. */
export const anyVersion = -1;

export interface NodeKind {
  /** Goes with the session. */
  readonly ephemeral?: boolean;
  /** ZooKeeper puts ten digits behind the path, ever higher ones. */
  readonly sequential?: boolean;
}

export interface NodeData {
  readonly data: Uint8Array;
  readonly stat: Stat;
}

export interface Children {
  /** Names, in no order. */
  readonly names: readonly string[];
  readonly stat: Stat;
}

/** `create` (1): ustring path; buffer data; vector<ACL> acl; int flags → ustring path */
export function createNode(path: string, data: Uint8Array, acl: Acl, kind: NodeKind = {}): Operation<string> {
  const writer = new JuteWriter().text(path).buffer(data);
  writeAcl(writer, acl);
  const flags = (kind.ephemeral === true ? 1 : 0) + (kind.sequential === true ? 2 : 0);
  return { action: "create", path, opcode: 1, body: writer.int(flags).finish(), read: (reader) => reader.text() };
}

/** `delete` (2): ustring path; int version → nothing */
export function deleteNode(path: string, version: number): Operation<void> {
  const body = new JuteWriter().text(path).int(version).finish();
  return { action: "delete", path, opcode: 2, body, read: () => undefined };
}

/** `exists` (3): ustring path; boolean watch → Stat. A node that is missing is an error, and watched all the same. */
export function nodeExists(path: string, watch: boolean): Operation<Stat> {
  const body = new JuteWriter().text(path).boolean(watch).finish();
  return { action: "look for", path, opcode: 3, body, read: readStat };
}

/** `getData` (4): ustring path; boolean watch → buffer data; Stat stat */
export function readNode(path: string, watch: boolean): Operation<NodeData> {
  const body = new JuteWriter().text(path).boolean(watch).finish();
  return {
    action: "read",
    path,
    opcode: 4,
    body,
    read: (reader) => ({ data: reader.buffer(), stat: readStat(reader) }),
  };
}

/** `setData` (5): ustring path; buffer data; int version → Stat */
export function writeNode(path: string, data: Uint8Array, version: number): Operation<Stat> {
  const body = new JuteWriter().text(path).buffer(data).int(version).finish();
  return { action: "write", path, opcode: 5, body, read: readStat };
}

/** `sync` (9): ustring path → ustring path. Whoever reads next on this connection sees all that was written before. */
export function syncPath(path: string): Operation<void> {
  const body = new JuteWriter().text(path).finish();
  return { action: "sync", path, opcode: 9, body, read: (reader) => void reader.text() };
}

/** `getChildren2` (12): ustring path; boolean watch → vector<ustring> children; Stat stat */
export function readChildren(path: string, watch: boolean): Operation<Children> {
  const body = new JuteWriter().text(path).boolean(watch).finish();
  return {
    action: "list",
    path,
    opcode: 12,
    body,
    read: (reader) => ({ names: reader.vector(4, () => reader.text()), stat: readStat(reader) }),
  };
}

/** `check` (13): ustring path; int version. Part of a {@link transaction} alone. */
export function checkNode(path: string, version: number): Operation<void> {
  const body = new JuteWriter().text(path).int(version).finish();
  return { action: "check", path, opcode: 13, body, read: () => undefined };
}

/** What a transaction came to: all of it was done, or nothing, because of the operation at that place. */
export type TransactionOutcome =
  | { readonly type: "done" }
  | { readonly type: "refused"; readonly at: number; readonly errorCode: number };

const TRANSACTION_END = -1;
const ERROR_RESULT = -1;
const RUNTIME_INCONSISTENCY = -2;

/**
 * `multi` (14): for each operation `int type; boolean done; int err` and its body, then the same with type −1 and done;
 * the answer has the same form. Where one is refused all others say so as well: 0 before it, −2 behind it.
 */
export function transaction(operations: readonly Operation<unknown>[]): Operation<TransactionOutcome> {
  const writer = new JuteWriter();
  for (const { opcode, body } of operations) writer.int(opcode).boolean(false).int(-1).raw(body);
  const body = writer.int(TRANSACTION_END).boolean(true).int(-1).finish();
  const [first] = operations;
  return {
    action: "change",
    path: first?.path ?? "nothing",
    opcode: 14,
    body,
    read: (reader) => readOutcome(reader, operations),
  };
}

function readOutcome(reader: JuteReader, operations: readonly Operation<unknown>[]): TransactionOutcome {
  let outcome: TransactionOutcome = { type: "done" };
  for (const [at, operation] of operations.entries()) {
    const type = reader.int();
    reader.boolean();
    reader.int();
    if (type === ERROR_RESULT) {
      const errorCode = reader.int();
      if (outcome.type === "done" && errorCode !== 0 && errorCode !== RUNTIME_INCONSISTENCY) {
        outcome = { type: "refused", at, errorCode };
      }
    } else if (type === operation.opcode) {
      operation.read(reader);
    } else {
      throw new ZooKeeperProtocolError(`Cannot read transaction: answer ${at} is of type ${type}`);
    }
  }
  return outcome;
}
