import type { Message } from "../protocol/message.ts";
import type { OffsetCommitPartition, OffsetCommitResponse } from "./offset-commit.ts";

/*
 * TxnOffsetCommitRequest => transactionalId:string groupId:string producerId:int64 producerEpoch:int16
 *                           generationId:int32(3+) memberId:string(3+) groupInstanceId:nullableString(3+) [topics] tags
 *   topics => name:string [partitions] tags
 *     partitions => index:int32 committedOffset:int64 committedLeaderEpoch:int32(2+) metadata:nullableString tags
 *
 * TxnOffsetCommitResponse => throttleTimeMs:int32 [topics] tags
 *   topics => name:string [partitions] tags
 *     partitions => index:int32 errorCode:int16 tags
 */

export interface TxnOffsetCommitRequest {
  readonly transactionalId: string;
  readonly groupId: string;
  readonly producerId: number;
  readonly producerEpoch: number;
  /** −1 where the client does not tell it: then it is not checked. */
  readonly generationId: number;
  /** Empty where the client does not tell it: then it is not checked. */
  readonly memberId: string;
  readonly topics: readonly { readonly name: string; readonly partitions: readonly OffsetCommitPartition[] }[];
}

export const txnOffsetCommit: Message<TxnOffsetCommitRequest, OffsetCommitResponse> = {
  apiKey: 28,
  name: "TxnOffsetCommit",
  minVersion: 0,
  maxVersion: 4,
  flexibleFrom: 3,
  decodeRequest(reader, version) {
    const transactionalId = reader.string();
    const groupId = reader.string();
    const producerId = reader.int64();
    const producerEpoch = reader.int16();
    const generationId = version >= 3 ? reader.int32() : -1;
    const memberId = version >= 3 ? reader.string() : "";
    if (version >= 3) reader.nullableString(); // groupInstanceId: every member is dynamic here
    const topics = reader.array(() => {
      const name = reader.string();
      const partitions = reader.array(() => {
        const partition = {
          index: reader.int32(),
          offset: reader.int64(),
          leaderEpoch: version >= 2 ? reader.int32() : -1,
          metadata: reader.nullableString(),
        };
        reader.tags();
        return partition;
      });
      reader.tags();
      return { name, partitions };
    });
    reader.tags();
    return { transactionalId, groupId, producerId, producerEpoch, generationId, memberId, topics };
  },
  encodeResponse(writer, { topics }) {
    writer.int32(0);
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
