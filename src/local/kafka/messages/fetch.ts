import { giveBack } from "../../../base/bytes.ts";
import type { Reader } from "../../../kafka/protocol/reader.ts";
import type { ErrorCode } from "../protocol/error-codes.ts";
import type { Message } from "../protocol/message.ts";

/*
 * FetchRequest => replicaId:int32(4-14) maxWaitMs:int32 minBytes:int32 maxBytes:int32 isolationLevel:int8
 *                 sessionId:int32(7+) sessionEpoch:int32(7+) [topics] [forgotten](7+) rackId:string(11+) tags
 *   topics => name:string(4-12) topicId:uuid(13+) [partitions] tags
 *     partitions => index:int32 currentLeaderEpoch:int32(9+) fetchOffset:int64 lastFetchedEpoch:int32(12+)
 *                   logStartOffset:int64(5+) maxBytes:int32 tags
 *   forgotten => name:string(7-12) topicId:uuid(13+) [partitions:int32] tags
 *
 * FetchResponse => throttleTimeMs:int32 errorCode:int16(7+) sessionId:int32(7+) [topics] tags
 *   topics => name:string(4-12) topicId:uuid(13+) [partitions] tags
 *     partitions => index:int32 errorCode:int16 highWatermark:int64 lastStableOffset:int64 logStartOffset:int64(5+)
 *                   [abortedTransactions]:nullable preferredReadReplica:int32(11+) records:nullableBytes tags
 *       abortedTransactions => producerId:int64 firstOffset:int64 tags
 */

/** First version that names topics by their ids. */
export const BY_ID_SINCE = 13;

/** A topic by its name before version 13, by its id from then on. The other one is empty. */
export interface FetchTopicName {
  readonly name: string;
  readonly topicId: string;
}

export interface FetchPartition {
  readonly index: number;
  /** −1: not checked. */
  readonly currentLeaderEpoch: number;
  readonly fetchOffset: number;
  readonly maxBytes: number;
}

export interface FetchRequest {
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  /** 0: read uncommitted; 1: read committed. */
  readonly isolationLevel: number;
  /** 0: none. */
  readonly sessionId: number;
  /** −1: no session wanted; 0: a new one wanted; more: the next fetch of a session. */
  readonly sessionEpoch: number;
  readonly topics: readonly FetchTopic[];
  /** Leave the session. */
  readonly forgotten: readonly ForgottenTopic[];
}

export interface FetchTopic extends FetchTopicName {
  readonly partitions: readonly FetchPartition[];
}

export interface ForgottenTopic extends FetchTopicName {
  readonly partitions: readonly number[];
}

export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

export interface FetchPartitionResult {
  readonly index: number;
  readonly errorCode: ErrorCode;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  /** null under read uncommitted. */
  readonly abortedTransactions: readonly AbortedTransaction[] | null;
  /** Whole record batches, in offset order. */
  readonly batches: readonly Uint8Array[];
}

export interface FetchTopicResult extends FetchTopicName {
  readonly partitions: readonly FetchPartitionResult[];
}

export interface FetchResponse {
  readonly errorCode: ErrorCode;
  /** 0: none. */
  readonly sessionId: number;
  readonly topics: readonly FetchTopicResult[];
}

/** Room for the fields around a partition's batches, so that the response is written without growing. */
const PARTITION_OVERHEAD_BYTES = 64;

function readTopicName(reader: Reader, version: number): FetchTopicName {
  return version >= BY_ID_SINCE ? { name: "", topicId: reader.uuid() } : { name: reader.string(), topicId: "" };
}

export const fetch: Message<FetchRequest, FetchResponse> = {
  apiKey: 1,
  name: "Fetch",
  minVersion: 4,
  // 18 lets followers tell how far they are.
  maxVersion: 17,
  flexibleFrom: 12,
  decodeRequest(reader, version) {
    if (version <= 14) reader.int32(); // replicaId: −1 from consumers
    const maxWaitMs = reader.int32();
    const minBytes = reader.int32();
    const maxBytes = reader.int32();
    const isolationLevel = reader.int8();
    const sessionId = version >= 7 ? reader.int32() : 0;
    const sessionEpoch = version >= 7 ? reader.int32() : -1;
    const topics = reader.array(() => {
      const topic = readTopicName(reader, version);
      const partitions = reader.array(() => {
        const index = reader.int32();
        const currentLeaderEpoch = version >= 9 ? reader.int32() : -1;
        const fetchOffset = reader.int64();
        if (version >= 12) reader.int32(); // lastFetchedEpoch: for truncation, which one node never does
        if (version >= 5) reader.int64(); // logStartOffset: of a follower
        const partition = { index, currentLeaderEpoch, fetchOffset, maxBytes: reader.int32() };
        reader.tags();
        return partition;
      });
      reader.tags();
      return { ...topic, partitions };
    });
    const forgotten = version < 7 ? [] : reader.array(() => readForgotten(reader, version));
    if (version >= 11) reader.string();
    reader.tags();
    return { maxWaitMs, minBytes, maxBytes, isolationLevel, sessionId, sessionEpoch, topics, forgotten };
  },
  encodeResponse(writer, { errorCode, sessionId, topics }, version) {
    writer.reserve(responseBytes(topics));
    writer.int32(0);
    if (version >= 7) {
      writer.int16(errorCode);
      writer.int32(sessionId);
    }
    writer.array(topics, ({ name, topicId, partitions }) => {
      if (version >= BY_ID_SINCE) writer.uuid(topicId);
      else writer.string(name);
      writer.array(partitions, (partition) => {
        writer.int32(partition.index);
        writer.int16(partition.errorCode);
        writer.int64(partition.highWatermark);
        writer.int64(partition.lastStableOffset);
        if (version >= 5) writer.int64(partition.logStartOffset);
        writer.nullableArray(partition.abortedTransactions, ({ producerId, firstOffset }) => {
          writer.int64(producerId);
          writer.int64(firstOffset);
          writer.tags();
        });
        if (version >= 11) writer.int32(-1); // no preferred read replica
        writer.bytesOf(partition.batches);
        for (const batch of partition.batches) giveBack(batch);
        writer.tags();
      });
      writer.tags();
    });
    writer.tags();
  },
};

function readForgotten(reader: Reader, version: number): ForgottenTopic {
  const topic = readTopicName(reader, version);
  const partitions = reader.array(() => reader.int32());
  reader.tags();
  return { ...topic, partitions };
}

function responseBytes(topics: FetchResponse["topics"]): number {
  let total = PARTITION_OVERHEAD_BYTES;
  for (const { name, partitions } of topics) {
    total += name.length * 3 + PARTITION_OVERHEAD_BYTES;
    for (const { batches } of partitions) {
      total += PARTITION_OVERHEAD_BYTES;
      for (const batch of batches) total += batch.byteLength;
    }
  }
  return total;
}
