import { BrigadeError } from "../base/errors.ts";

/** What came from a server is not ZooKeeper's protocol, or more than its bounds allow. */
export class ZooKeeperProtocolError extends BrigadeError {
  override readonly name = "ZooKeeperProtocolError";
  readonly code = "zookeeper-protocol";
  readonly fault = "infrastructure";
}

/** No server answers now. The session may live on: the same can be asked again. */
export class ZooKeeperUnavailableError extends BrigadeError {
  override readonly name = "ZooKeeperUnavailableError";
  readonly code = "zookeeper-unavailable";
  readonly fault = "infrastructure";
  /** Whether it was sent, and so may have been carried out: to be found out by reading before a write is repeated. */
  readonly mayBeDone: boolean;

  constructor(message: string, mayBeDone: boolean, options?: ErrorOptions) {
    super(message, options);
    this.mayBeDone = mayBeDone;
  }
}

/**
 * - expired: ZooKeeper ended it, because it had not heard of us for the session time-out
 * - abandoned: we have not heard of ZooKeeper for too long to believe in it any more
 * - refused: ZooKeeper does not want our credentials
 * - closed: by us
 */
export type SessionEnd = "expired" | "abandoned" | "refused" | "closed";

/** The session is over, and with it its ephemeral nodes and watches. A new one has to be begun. */
export class SessionEndedError extends BrigadeError {
  override readonly name = "SessionEndedError";
  readonly code = "zookeeper-session-ended";
  readonly fault = "infrastructure";
  readonly end: SessionEnd;

  constructor(end: SessionEnd, message: string, options?: ErrorOptions) {
    super(message, options);
    this.end = end;
  }
}

/** Why ZooKeeper did not do what it was asked: its error codes, as far as anyone here tells them apart. */
export type RefusalReason =
  | "no-node"
  | "no-auth"
  | "bad-version"
  | "no-children-for-ephemerals"
  | "node-exists"
  | "not-empty"
  | "session-ended"
  | "other";

const reasons: ReadonlyMap<number, RefusalReason> = new Map([
  [-101, "no-node"],
  [-102, "no-auth"],
  [-103, "bad-version"],
  [-108, "no-children-for-ephemerals"],
  [-110, "node-exists"],
  [-111, "not-empty"],
  [-112, "session-ended"],
]);

const texts: Readonly<Record<RefusalReason, string>> = {
  "no-node": "there is no such node",
  "no-auth": "these credentials may not do it (see the node's ACL)",
  "bad-version": "the node has changed since",
  "no-children-for-ephemerals": "its parent is ephemeral and can have no children",
  "node-exists": "the node exists",
  "not-empty": "the node has children",
  "session-ended": "the session is over",
  other: "ZooKeeper refuses",
};

/** ZooKeeper understood, and said no. */
export class ZooKeeperRefusedError extends BrigadeError {
  override readonly name = "ZooKeeperRefusedError";
  readonly code = "zookeeper-refused";
  readonly fault = "infrastructure";
  readonly reason: RefusalReason;
  readonly path: string;
  /** ZooKeeper's own: see KeeperException.Code. */
  readonly zooKeeperCode: number;

  constructor(action: string, path: string, zooKeeperCode: number) {
    const reason = reasons.get(zooKeeperCode) ?? "other";
    super(`Cannot ${action} ${path} in ZooKeeper: ${texts[reason]}${reason === "other" ? ` (${zooKeeperCode})` : ""}`);
    this.reason = reason;
    this.path = path;
    this.zooKeeperCode = zooKeeperCode;
  }
}

/** Whether it is that refusal. */
export function isRefusal(error: unknown, ...reasons: readonly RefusalReason[]): boolean {
  return error instanceof ZooKeeperRefusedError && reasons.includes(error.reason);
}
