import type { ErrorCode } from "../protocol/error-codes.ts";
import type { Message } from "../protocol/message.ts";

/*
 * ListOffsetsRequest => replicaId:int32 isolationLevel:int8(2+) [topics] timeoutMs:int32(10+) tags
 *   topics => name:string [partitions] tags
 *     partitions => index:int32 currentLeaderEpoch:int32(4+) timestamp:int64 tags
 *
 * ListOffsetsResponse => throttleTimeMs:int32(2+) [topics] tags
 *   topics => name:string [partitions] tags
 *     partitions => index:int32 errorCode:int16 timestamp:int64 offset:int64 leaderEpoch:int32(4+) tags
 */

/** Values of `timestamp` that are no times. */
export const LATEST_TIMESTAMP = -1;
export const EARLIEST_TIMESTAMP = -2;
/** The record with the largest timestamp (7+). */
export const MAX_TIMESTAMP = -3;
/** The first record that is not in remote storage only (8+). */
export const EARLIEST_LOCAL_TIMESTAMP = -4;
/** The last record in remote storage (9+), and the first that is not there yet (11+): there is none. */
export const LATEST_TIERED_TIMESTAMP = -5;
export const EARLIEST_PENDING_UPLOAD_TIMESTAMP = -6;

export interface ListOffsetsPartition {
  readonly index: number;
  /** −1: not checked. */
  readonly currentLeaderEpoch: number;
  /** Milliseconds since 1970, or one of the values above. */
  readonly timestamp: number;
}

export interface ListOffsetsRequest {
  readonly isolationLevel: number;
  readonly topics: readonly { readonly name: string; readonly partitions: readonly ListOffsetsPartition[] }[];
}

export interface ListOffsetsPartitionResult {
  readonly index: number;
  readonly errorCode: ErrorCode;
  /** −1 where no record answers the question, or where no time was asked for. */
  readonly timestamp: number;
  readonly offset: number;
  readonly leaderEpoch: number;
}

export interface ListOffsetsResponse {
  readonly topics: readonly { readonly name: string; readonly partitions: readonly ListOffsetsPartitionResult[] }[];
}

export const listOffsets: Message<ListOffsetsRequest, ListOffsetsResponse> = {
  apiKey: 2,
  name: "ListOffsets",
  minVersion: 1,
  maxVersion: 11,
  flexibleFrom: 6,
  decodeRequest(reader, version) {
    reader.int32(); // replicaId
    const isolationLevel = version >= 2 ? reader.int8() : 0;
    const topics = reader.array(() => {
      const name = reader.string();
      const partitions = reader.array(() => {
        const index = reader.int32();
        const currentLeaderEpoch = version >= 4 ? reader.int32() : -1;
        const partition = { index, currentLeaderEpoch, timestamp: reader.int64() };
        reader.tags();
        return partition;
      });
      reader.tags();
      return { name, partitions };
    });
    if (version >= 10) reader.int32(); // timeoutMs: of remote storage
    reader.tags();
    return { isolationLevel, topics };
  },
  encodeResponse(writer, { topics }, version) {
    if (version >= 2) writer.int32(0);
    writer.array(topics, ({ name, partitions }) => {
      writer.string(name);
      writer.array(partitions, (partition) => {
        writer.int32(partition.index);
        writer.int16(partition.errorCode);
        writer.int64(partition.timestamp);
        writer.int64(partition.offset);
        if (version >= 4) writer.int32(partition.leaderEpoch);
        writer.tags();
      });
      writer.tags();
    });
    writer.tags();
  },
};
