import type { ErrorCode } from "../protocol/error-codes.ts";
import type { Message } from "../protocol/message.ts";

/*
 * OffsetFetchRequest => group(0-7) [groups](8+) requireStable:boolean(7+) tags
 *   group => groupId:string [topics]:nullable(2+)
 *   groups => groupId:string memberId:nullableString(9+) memberEpoch:int32(9+) [topics]:nullable tags
 *     topics => name:string [partitionIndexes:int32] tags
 *
 * OffsetFetchResponse => throttleTimeMs:int32(3+) group(0-7) [groups](8+) tags
 *   group => [topics] errorCode:int16(2+)
 *   groups => groupId:string [topics] errorCode:int16 tags
 *     topics => name:string [partitions] tags
 *       partitions => index:int32 committedOffset:int64 committedLeaderEpoch:int32(5+) metadata:nullableString
 *                     errorCode:int16 tags
 */

export interface OffsetFetchGroup {
  readonly groupId: string;
  /** null asks for all that the group ever committed. */
  readonly topics: readonly { readonly name: string; readonly partitionIndexes: readonly number[] }[] | null;
}

export interface OffsetFetchRequest {
  /** Exactly one before version 8. */
  readonly groups: readonly OffsetFetchGroup[];
  /** Whether an offset is refused that an open transaction is about to replace. */
  readonly requireStable: boolean;
}

export interface FetchedOffset {
  readonly index: number;
  /** −1 where nothing was committed. */
  readonly offset: number;
  readonly leaderEpoch: number;
  readonly metadata: string;
  readonly errorCode: ErrorCode;
}

export interface FetchedGroup {
  readonly groupId: string;
  readonly errorCode: ErrorCode;
  readonly topics: readonly { readonly name: string; readonly partitions: readonly FetchedOffset[] }[];
}

export interface OffsetFetchResponse {
  /** One for each that was asked for, in order. */
  readonly groups: readonly FetchedGroup[];
}

export const offsetFetch: Message<OffsetFetchRequest, OffsetFetchResponse> = {
  apiKey: 9,
  name: "OffsetFetch",
  minVersion: 1,
  // 10 names topics by id.
  maxVersion: 9,
  flexibleFrom: 6,
  decodeRequest(reader, version) {
    const group = (): OffsetFetchGroup => {
      const groupId = reader.string();
      if (version >= 9) {
        reader.nullableString(); // member and epoch: of the group protocol of KIP-848
        reader.int32();
      }
      const topics = reader.nullableArray(() => {
        const topic = { name: reader.string(), partitionIndexes: reader.array(() => reader.int32()) };
        reader.tags();
        return topic;
      });
      if (version >= 8) reader.tags();
      return { groupId, topics };
    };
    const groups = version >= 8 ? reader.array(group) : [group()];
    const requireStable = version >= 7 ? reader.boolean() : false;
    reader.tags();
    return { groups, requireStable };
  },
  encodeResponse(writer, { groups }, version) {
    const writeTopics = ({ topics, errorCode }: FetchedGroup): void =>
      writer.array(topics, ({ name, partitions }) => {
        writer.string(name);
        writer.array(partitions, (partition) => {
          writer.int32(partition.index);
          writer.int64(partition.offset);
          if (version >= 5) writer.int32(partition.leaderEpoch);
          writer.nullableString(partition.metadata);
          // Before version 2 an error of the group has no place but here.
          writer.int16(version < 2 && errorCode !== 0 ? errorCode : partition.errorCode);
          writer.tags();
        });
        writer.tags();
      });
    if (version >= 3) writer.int32(0);
    if (version >= 8) {
      writer.array(groups, (group) => {
        writer.string(group.groupId);
        writeTopics(group);
        writer.int16(group.errorCode);
        writer.tags();
      });
    } else {
      for (const group of groups) {
        writeTopics(group);
        if (version >= 2) writer.int16(group.errorCode);
      }
    }
    writer.tags();
  },
};
