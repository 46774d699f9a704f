import type { ErrorCode } from "../protocol/error-codes.ts";
import type { Message } from "../protocol/message.ts";

/*
 * ProduceRequest => transactionalId:nullableString(3+) acks:int16 timeoutMs:int32 [topics] tags
 *   topics => name:string [partitions] tags
 *     partitions => index:int32 records:nullableBytes tags
 *
 * ProduceResponse => [topics] throttleTimeMs:int32(1+) tags
 *   topics => name:string [partitions] tags
 *     partitions => index:int32 errorCode:int16 baseOffset:int64 logAppendTimeMs:int64(2+) logStartOffset:int64(5+)
 *                   [recordErrors](8+) errorMessage:nullableString(8+) tags
 *       recordErrors => batchIndex:int32 message:nullableString tags
 */

export interface ProducePartition {
  readonly index: number;
  /** One record batch as the client made it, a view of the request. */
  readonly records: Uint8Array | null;
}

export interface ProduceRequest {
  readonly transactionalId: string | null;
  /** 0: no answer; 1: the leader has it; −1: all replicas have it. */
  readonly acks: number;
  readonly timeoutMs: number;
  readonly topics: readonly { readonly name: string; readonly partitions: readonly ProducePartition[] }[];
}

export interface ProducePartitionResult {
  readonly index: number;
  readonly errorCode: ErrorCode;
  /** −1 after an error. */
  readonly baseOffset: number;
  /** −1 unless the topic's timestamps are the broker's. */
  readonly logAppendTimeMs: number;
  readonly logStartOffset: number;
  readonly errorMessage: string | null;
}

export interface ProduceResponse {
  readonly topics: readonly { readonly name: string; readonly partitions: readonly ProducePartitionResult[] }[];
}

export const produce: Message<ProduceRequest, ProduceResponse> = {
  apiKey: 0,
  name: "Produce",
  // 0 to 2 carry message formats that are gone, and are refused; but librdkafka compresses only for a broker that
  // names version 0, and Kafka 4 names it for the same reason (KAFKA-18659).
  minVersion: 0,
  // 10 and 11 are written like 9; 12 is for transactions whose partitions need not be added, 13 names topics by id.
  maxVersion: 11,
  flexibleFrom: 9,
  decodeRequest(reader, version) {
    const transactionalId = version >= 3 ? reader.nullableString() : null;
    const acks = reader.int16();
    const timeoutMs = reader.int32();
    const topics = reader.array(() => {
      const name = reader.string();
      const partitions = reader.array(() => {
        const partition = { index: reader.int32(), records: reader.nullableBytes() };
        reader.tags();
        return partition;
      });
      reader.tags();
      return { name, partitions };
    });
    reader.tags();
    return { transactionalId, acks, timeoutMs, topics };
  },
  encodeResponse(writer, { topics }, version) {
    writer.array(topics, ({ name, partitions }) => {
      writer.string(name);
      writer.array(partitions, (partition) => {
        writer.int32(partition.index);
        writer.int16(partition.errorCode);
        writer.int64(partition.baseOffset);
        if (version >= 2) writer.int64(partition.logAppendTimeMs);
        if (version >= 5) writer.int64(partition.logStartOffset);
        if (version >= 8) {
          writer.array([], () => undefined);
          writer.nullableString(partition.errorMessage);
        }
        writer.tags();
      });
      writer.tags();
    });
    if (version >= 1) writer.int32(0);
    writer.tags();
  },
};
