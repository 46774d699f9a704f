import { ZooKeeperProtocolError } from "./errors.ts";
import { JuteReader } from "./jute-reader.ts";

/** Numbers of messages that are no answers to numbered requests. */
export const xids = { watchEvent: -1, ping: -2, auth: -4 } as const;

/** What happened to a node that is watched. */
export type WatchEventType = "created" | "deleted" | "data-changed" | "children-changed";

export interface WatchEvent {
  readonly type: WatchEventType;
  readonly path: string;
}

export interface Reply {
  readonly xid: number;
  /** 0 or less: this answer comes of no transaction. */
  readonly zxid: bigint;
  /** 0: done. */
  readonly errorCode: number;
  /** What follows the header. */
  readonly body: Uint8Array;
}

const HEADER_BYTES = 16;
const eventTypes: ReadonlyMap<number, WatchEventType> = new Map([
  [1, "created"],
  [2, "deleted"],
  [3, "data-changed"],
  [4, "children-changed"],
]);

/**
 * Every message of a server after its first: `int xid; long zxid; int err`, then the body.
 *
 * @throws {ZooKeeperProtocolError}
 */
export function decodeReply(message: Uint8Array): Reply {
  const reader = new JuteReader(message);
  return { xid: reader.int(), zxid: reader.long(), errorCode: reader.int(), body: message.subarray(HEADER_BYTES) };
}

/**
 * `int type; int state; ustring path`. The state repeats what the connection tells already.
 *
 * @returns undefined: of a kind that nobody here asks for
 * @throws {ZooKeeperProtocolError}
 */
export function decodeWatchEvent(body: Uint8Array): WatchEvent | undefined {
  const reader = new JuteReader(body);
  const type = eventTypes.get(reader.int());
  reader.int();
  const path = reader.text();
  if (!path.startsWith("/")) throw new ZooKeeperProtocolError(`Cannot read watch event: its path is "${path}"`);
  return type === undefined ? undefined : { type, path };
}
