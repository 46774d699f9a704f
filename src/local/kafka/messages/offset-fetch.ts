import type { ErrorCode } from "../protocol/error-codes.ts";
import type { Message } from "../protocol/message.ts";

/*
 * OffsetFetchRequest => groupId:string [topics]:nullable(2+) requireStable:boolean(7+) tags
 *   topics => name:string [partitionIndexes:int32] tags
 *
 * OffsetFetchResponse => throttleTimeMs:int32(3+) [topics] errorCode:int16(2+) tags
 *   topics => name:string [partitions] tags
 *     partitions => index:int32 committedOffset:int64 committedLeaderEpoch:int32(5+) metadata:nullableString
 *                   errorCode:int16 tags
 */

export interface OffsetFetchRequest {
  readonly groupId: string;
  /** null asks for all that the group ever committed. */
  readonly topics: readonly { readonly name: string; readonly partitionIndexes: readonly number[] }[] | null;
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

export interface OffsetFetchResponse {
  readonly errorCode: ErrorCode;
  readonly topics: readonly { readonly name: string; readonly partitions: readonly FetchedOffset[] }[];
}

export const offsetFetch: Message<OffsetFetchRequest, OffsetFetchResponse> = {
  apiKey: 9,
  name: "OffsetFetch",
  minVersion: 1,
  maxVersion: 7,
  flexibleFrom: 6,
  decodeRequest(reader, version) {
    const groupId = reader.string();
    const topics = reader.nullableArray(() => {
      const topic = { name: reader.string(), partitionIndexes: reader.array(() => reader.int32()) };
      reader.tags();
      return topic;
    });
    const requireStable = version >= 7 ? reader.boolean() : false;
    reader.tags();
    return { groupId, topics, requireStable };
  },
  encodeResponse(writer, { errorCode, topics }, version) {
    if (version >= 3) writer.int32(0);
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
    if (version >= 2) writer.int16(errorCode);
    writer.tags();
  },
};
