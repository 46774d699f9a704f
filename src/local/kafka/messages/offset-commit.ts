import type { ErrorCode } from "../protocol/error-codes.ts";
import type { Message } from "../protocol/message.ts";

/*
 * OffsetCommitRequest => groupId:string generationId:int32 memberId:string groupInstanceId:nullableString(7+)
 *                        retentionTimeMs:int64(2-4) [topics] tags
 *   topics => name:string [partitions] tags
 *     partitions => index:int32 committedOffset:int64 committedLeaderEpoch:int32(6+) metadata:nullableString tags
 *
 * OffsetCommitResponse => throttleTimeMs:int32(3+) [topics] tags
 *   topics => name:string [partitions] tags
 *     partitions => index:int32 errorCode:int16 tags
 */

export interface OffsetCommitPartition {
  readonly index: number;
  readonly offset: number;
  /** −1 where the client does not know it. */
  readonly leaderEpoch: number;
  readonly metadata: string | null;
}

export interface OffsetCommitRequest {
  readonly groupId: string;
  /** −1 without a member id: a commit by hand, allowed while nobody is in the group. */
  readonly generationId: number;
  readonly memberId: string;
  readonly topics: readonly { readonly name: string; readonly partitions: readonly OffsetCommitPartition[] }[];
}

export interface OffsetCommitResponse {
  readonly topics: readonly {
    readonly name: string;
    readonly partitions: readonly { readonly index: number; readonly errorCode: ErrorCode }[];
  }[];
}

export const offsetCommit: Message<OffsetCommitRequest, OffsetCommitResponse> = {
  apiKey: 8,
  name: "OffsetCommit",
  minVersion: 2,
  // 9 is for members of the group protocol of KIP-848 too, 10 names topics by id.
  maxVersion: 9,
  flexibleFrom: 8,
  decodeRequest(reader, version) {
    const groupId = reader.string();
    const generationId = reader.int32();
    const memberId = reader.string();
    if (version >= 7) reader.nullableString();
    if (version <= 4) reader.int64();
    const topics = reader.array(() => {
      const name = reader.string();
      const partitions = reader.array(() => {
        const partition = {
          index: reader.int32(),
          offset: reader.int64(),
          leaderEpoch: version >= 6 ? reader.int32() : -1,
          metadata: reader.nullableString(),
        };
        reader.tags();
        return partition;
      });
      reader.tags();
      return { name, partitions };
    });
    reader.tags();
    return { groupId, generationId, memberId, topics };
  },
  encodeResponse(writer, { topics }, version) {
    if (version >= 3) writer.int32(0);
    writer.array(topics, ({ name, partitions }) => {
      writer.string(name);
      writer.array(partitions, ({ index, errorCode }) => {
        writer.int32(index);
        writer.int16(errorCode);
        writer.tags();
      });
      writer.tags();
    });
    writer.tags();
  },
};
