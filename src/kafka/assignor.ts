import { AssignerProtocol } from "kafkajs";
import { noBytes } from "../base/bytes.ts";
import { ProtocolError } from "./protocol/errors.ts";
import { Reader } from "./protocol/reader.ts";

/*
 * Who reads which partition. The group's leader decides for all, with what each member says it holds already: a
 * partition stays where it is as far as an even spread allows, so that its tracker, and its runs, go on.
 *
 * Subscription and assignment have the shapes of Kafka's own consumer protocol, so that `kafka-consumer-groups.sh`
 * can show them. What a member holds stands in the user data: a version byte, then the generation in which it was
 * assigned and the partitions, each as u32.
 */

export const ASSIGNOR_NAME = "brigade-sticky";

const USER_DATA_VERSION = 1;

export interface Holding {
  /** Generation in which the partitions were assigned; of two members that claim one, the later assigned holds it. */
  readonly generation: number;
  readonly partitions: readonly number[];
}

export interface GroupMemberState extends Holding {
  readonly memberId: string;
}

/** Partitions of each member, ascending; sizes differ by one at most. */
export function assignPartitions(
  members: readonly GroupMemberState[],
  partitions: readonly number[],
): ReadonlyMap<string, readonly number[]> {
  const byId = [...members].sort((a, b) => compare(a.memberId, b.memberId));
  const result = new Map<string, number[]>(byId.map(({ memberId }) => [memberId, []]));
  if (byId.length === 0) return result;

  const holder = new Map<number, GroupMemberState>();
  for (const member of byId) {
    for (const partition of member.partitions) {
      const other = holder.get(partition);
      if (other === undefined || member.generation > other.generation) holder.set(partition, member);
    }
  }

  const least = Math.floor(partitions.length / byId.length);
  // So many members get one more: first those that hold more already.
  let extra = partitions.length % byId.length;
  const ascending = [...partitions].sort((a, b) => a - b);
  const held = new Map(byId.map(({ memberId }) => [memberId, 0]));
  for (const partition of ascending) {
    const memberId = holder.get(partition)?.memberId;
    if (memberId !== undefined) held.set(memberId, (held.get(memberId) ?? 0) + 1);
  }
  const quota = new Map<string, number>();
  const byHeld = [...byId].sort((a, b) => (held.get(b.memberId) ?? 0) - (held.get(a.memberId) ?? 0));
  for (const { memberId } of byHeld) quota.set(memberId, least + (extra-- > 0 ? 1 : 0));

  const free: number[] = [];
  for (const partition of ascending) {
    const memberId = holder.get(partition)?.memberId;
    const mine = memberId === undefined ? undefined : result.get(memberId);
    if (mine !== undefined && mine.length < (quota.get(memberId ?? "") ?? 0)) mine.push(partition);
    else free.push(partition);
  }
  for (const { memberId } of byId) {
    const mine = result.get(memberId) ?? [];
    while (mine.length < (quota.get(memberId) ?? 0)) {
      const partition = free.shift();
      if (partition === undefined) break;
      mine.push(partition);
    }
    mine.sort((a, b) => a - b);
  }
  return result;
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

export function encodeSubscription(topic: string, holding: Holding): Buffer {
  const userData = Buffer.alloc(5 + 4 * holding.partitions.length);
  userData.writeUInt8(USER_DATA_VERSION, 0);
  userData.writeUInt32BE(Math.max(0, holding.generation), 1);
  holding.partitions.forEach((partition, index) => userData.writeUInt32BE(partition, 5 + 4 * index));
  return AssignerProtocol.MemberMetadata.encode({ version: 0, topics: [topic], userData });
}

/** A member of a newer version, or of another program, whose user data cannot be read, holds nothing. */
export function decodeSubscription(memberId: string, metadata: Uint8Array): GroupMemberState {
  const userData = readUserData(metadata);
  if (userData.byteLength < 5 || userData.readUInt8(0) !== USER_DATA_VERSION) {
    return { memberId, generation: 0, partitions: [] };
  }
  const partitions: number[] = [];
  for (let at = 5; at + 4 <= userData.byteLength; at += 4) partitions.push(userData.readUInt32BE(at));
  return { memberId, generation: userData.readUInt32BE(1), partitions };
}

/** `Subscription => version:int16 [topics:string] userData:nullableBytes …` */
function readUserData(metadata: Uint8Array): Buffer {
  try {
    const reader = new Reader(metadata);
    reader.int16();
    reader.array(() => reader.string());
    return Buffer.from(reader.nullableBytes() ?? noBytes);
  } catch (error) {
    if (error instanceof ProtocolError) return Buffer.alloc(0);
    throw error;
  }
}

export function encodeAssignment(topic: string, partitions: readonly number[]): Buffer {
  return AssignerProtocol.MemberAssignment.encode({
    version: 0,
    assignment: { [topic]: [...partitions] },
    userData: Buffer.alloc(0),
  });
}

/**
 * An empty buffer is what a member gets that came too late for the leader's decision: nothing.
 *
 * `Assignment => version:int16 [topic:string [partition:int32]] userData:nullableBytes …`
 *
 * @throws {ProtocolError} the leader is no consumer, or broken
 */
export function decodeAssignment(topic: string, bytes: Uint8Array): readonly number[] {
  if (bytes.byteLength === 0) return [];
  const reader = new Reader(bytes);
  reader.int16();
  const topics = reader.array(() => ({ name: reader.string(), partitions: reader.array(() => reader.int32()) }));
  return topics.flatMap(({ name, partitions }) => (name === topic ? partitions : [])).sort((a, b) => a - b);
}
