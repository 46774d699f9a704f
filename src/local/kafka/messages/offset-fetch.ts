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
}

export interface FetchedOffset {
  readonly index: number;
  /** −1 where nothing was committed. */
  readonly offset: number;
  readonly leaderEpoch: number;
  readonly metadata: string;
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
    if (version >= 7) reader.boolean(); // requireStable: no offset here is ever part of an open transaction
    reader.tags();
    return { groupId, topics };
  },
  encodeResponse(writer, { errorCode, topics }, version) {
    if (version >= 3) writer.int32(0);
    writer.array(topics, ({ name, partitions }) => {
      writer.string(name);
      writer.array(partitions, ({ index, offset, leaderEpoch, metadata }) => {
        writer.int32(index);
        writer.int64(offset);
        if (version >= 5) writer.int32(leaderEpoch);
        writer.nullableString(metadata);
        // Before version 2 an error of the group has no place but here.
        writer.int16(version < 2 ? errorCode : 0);
        writer.tags();
      });
      writer.tags();
    });
    if (version >= 2) writer.int16(errorCode);
    writer.tags();
  },
};
