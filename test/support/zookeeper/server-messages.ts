import { JuteReader } from "../../../src/zookeeper/jute-reader.ts";
import { JuteWriter } from "../../../src/zookeeper/jute-writer.ts";
import type { WatchEventType } from "../../../src/zookeeper/replies.ts";

/* What a ZooKeeper server sends and gets, as bytes, for tests that play one. */

export const password = Uint8Array.from({ length: 16 }, (_, index) => index);

export function granted(id: bigint, sessionTimeoutMs: number): Uint8Array {
  return new JuteWriter().int(0).int(sessionTimeoutMs).long(id).buffer(password).boolean(false).finish();
}

/** What a server says to who comes back too late. */
export function expired(): Uint8Array {
  return new JuteWriter().int(0).int(0).long(0n).buffer(new Uint8Array(16)).boolean(false).finish();
}

export function reply(xid: number, body: Uint8Array = new Uint8Array(0), errorCode = 0, zxid = 0n): Uint8Array {
  return new JuteWriter().int(xid).long(zxid).int(errorCode).raw(body).finish();
}

const eventTypes: Readonly<Record<WatchEventType, number>> = {
  created: 1,
  deleted: 2,
  "data-changed": 3,
  "children-changed": 4,
};

export function watchEvent(type: WatchEventType, path: string): Uint8Array {
  return reply(-1, new JuteWriter().int(eventTypes[type]).int(3).text(path).finish(), 0, -1n);
}

export function encodedStat({ czxid = 1n, version = 0, ephemeralOwner = 0n } = {}): Uint8Array {
  const writer = new JuteWriter().long(czxid).long(czxid).long(0n).long(0n).int(version).int(0).int(0);
  return writer.long(ephemeralOwner).int(0).int(0).long(czxid).finish();
}

export interface ReadRequest {
  readonly xid: number;
  readonly opcode: number;
  readonly body: Uint8Array;
}

export function readRequest(message: Uint8Array): ReadRequest {
  const reader = new JuteReader(message);
  return { xid: reader.int(), opcode: reader.int(), body: message.subarray(8) };
}

export interface ReadHello {
  readonly lastZxid: bigint;
  readonly sessionTimeoutMs: number;
  readonly sessionId: bigint;
  readonly password: Uint8Array;
}

export function readHello(message: Uint8Array): ReadHello {
  const reader = new JuteReader(message);
  reader.int();
  return {
    lastZxid: reader.long(),
    sessionTimeoutMs: reader.int(),
    sessionId: reader.long(),
    password: reader.buffer(),
  };
}
