import type { JuteReader } from "./jute-reader.ts";

/** What ZooKeeper knows of a node beside its data. */
export interface Stat {
  /** The transaction that made it: another node at the same path has another one. */
  readonly czxid: bigint;
  /** The transaction that last changed its data. */
  readonly mzxid: bigint;
  /** Changes of its data. */
  readonly version: number;
  /** The session that it lives with; 0 where it does not. */
  readonly ephemeralOwner: bigint;
  readonly dataLength: number;
  readonly childCount: number;
}

/** Bytes of an encoded {@link Stat}. */
export const statBytes = 68;

/**
 *     long czxid; long mzxid; long ctime; long mtime; int version; int cversion; int aversion; long ephemeralOwner;
 *     int dataLength; int numChildren; long pzxid
 */
export function readStat(reader: JuteReader): Stat {
  const czxid = reader.long();
  const mzxid = reader.long();
  reader.long();
  reader.long();
  const version = reader.int();
  reader.int();
  reader.int();
  const ephemeralOwner = reader.long();
  const dataLength = reader.int();
  const childCount = reader.int();
  reader.long();
  return { czxid, mzxid, version, ephemeralOwner, dataLength, childCount };
}
