import type { ClientMessage } from "./client-message.ts";

/*
 * FetchRequest => replicaId:int32 maxWaitMs:int32 minBytes:int32 maxBytes:int32 isolationLevel:int8
 *                 sessionId:int32(7+) sessionEpoch:int32(7+) [topics] [forgotten](7+) rackId:string(11+)
 *   topics => name:string [partitions]
 *     partitions => index:int32 currentLeaderEpoch:int32(9+) fetchOffset:int64 logStartOffset:int64(5+) maxBytes:int32
 *   forgotten => name:string [partitions:int32]
 *
 * FetchResponse => throttleMs:int32 errorCode:int16(7+) sessionId:int32(7+) [topics]
 *   topics => name:string [partitions]
 *     partitions => index:int32 errorCode:int16 highWatermark:int64 lastStableOffset:int64 logStartOffset:int64(5+)
 *                   [abortedTransactions]:nullable preferredReadReplica:int32(11+) records:nullableBytes
 *       abortedTransactions => producerId:int64 firstOffset:int64
 */

const CONSUMER = -1;
const READ_COMMITTED = 1;
/** No fetch session: every request names all that it wants. */
const NO_SESSION = { id: 0, epoch: -1 } as const;
const UNKNOWN_LEADER_EPOCH = -1;

/** Committed records of one topic. */
export interface FetchRequest {
  /** How long the broker may keep the answer back while it has less than `minBytes`. */
  readonly maxWaitMs: number;
  readonly minBytes: number;
  /** Of the answer. Its first batch is sent whole, whatever its size. */
  readonly maxBytes: number;
  readonly topic: string;
  /** The broker fills the answer in this order. */
  readonly partitions: readonly {
    readonly partition: number;
    readonly fetchOffset: number;
    readonly maxBytes: number;
  }[];
}

export interface AbortedTransaction {
  readonly producerId: number;
  /** Of its first record; its last is an abort mark. */
  readonly firstOffset: number;
}

export interface FetchedPartition {
  readonly partition: number;
  /** 0: none. */
  readonly errorCode: number;
  readonly highWatermark: number;
  /** Behind it are records of open transactions; they are not sent. */
  readonly lastStableOffset: number;
  readonly abortedTransactions: readonly AbortedTransaction[];
  /** Record batches, one after the other; the last may be cut off. A view of the whole answer. */
  readonly records: Uint8Array;
}

export interface FetchResponse {
  /** Of the request as a whole; 0: none. */
  readonly errorCode: number;
  readonly partitions: readonly FetchedPartition[];
}

export const fetchMessage: ClientMessage<FetchRequest, FetchResponse> = {
  apiKey: 1,
  name: "Fetch",
  // The first that carries record batches.
  minVersion: 4,
  maxVersion: 11,
  throttledFrom: 8,
  encodeRequest(writer, { maxWaitMs, minBytes, maxBytes, topic, partitions }, version) {
    writer.int32(CONSUMER);
    writer.int32(maxWaitMs);
    writer.int32(minBytes);
    writer.int32(maxBytes);
    writer.int8(READ_COMMITTED);
    if (version >= 7) {
      writer.int32(NO_SESSION.id);
      writer.int32(NO_SESSION.epoch);
    }
    writer.array([topic], (name) => {
      writer.string(name);
      writer.array(partitions, (wanted) => {
        writer.int32(wanted.partition);
        if (version >= 9) writer.int32(UNKNOWN_LEADER_EPOCH);
        writer.int64(wanted.fetchOffset);
        if (version >= 5) writer.int64(-1); // logStartOffset: of followers
        writer.int32(wanted.maxBytes);
      });
    });
    if (version >= 7) writer.array([], () => undefined);
    if (version >= 11) writer.string(""); // rackId: leaders only
  },
  decodeResponse(reader, version) {
    const throttleMs = reader.int32();
    const errorCode = version >= 7 ? reader.int16() : 0;
    if (version >= 7) reader.int32(); // sessionId
    const topics = reader.array(() => {
      reader.string();
      return reader.array((): FetchedPartition => {
        const partition = reader.int32();
        const errorCode = reader.int16();
        const highWatermark = reader.int64();
        const lastStableOffset = reader.int64();
        if (version >= 5) reader.int64(); // logStartOffset
        const abortedTransactions = reader.array(() => ({ producerId: reader.int64(), firstOffset: reader.int64() }));
        if (version >= 11) reader.int32(); // preferredReadReplica
        const records = reader.nullableBytes() ?? new Uint8Array(0);
        return { partition, errorCode, highWatermark, lastStableOffset, abortedTransactions, records };
      });
    });
    return { throttleMs, errorCode, partitions: topics.flat() };
  },
};
