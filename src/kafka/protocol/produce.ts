import type { ClientMessage } from "./client-message.ts";

/*
 * ProduceRequest => transactionalId:nullableString acks:int16 timeoutMs:int32 [topics]
 *   topics => name:string [partitions]
 *     partitions => index:int32 records:bytes
 *
 * ProduceResponse => [topics] throttleMs:int32
 *   topics => name:string [partitions]
 *     partitions => index:int32 errorCode:int16 baseOffset:int64 logAppendTimeMs:int64 logStartOffset:int64(5+)
 */

const ALL_REPLICAS = -1;

/** Batches for one topic, to be acknowledged by all replicas in sync. */
export interface ProduceRequest {
  /** How long the leader waits for the other replicas. */
  readonly timeoutMs: number;
  readonly topic: string;
  /** One record batch for each partition. */
  readonly partitions: readonly { readonly partition: number; readonly batch: Uint8Array }[];
}

export interface ProduceResponse {
  /** `errorCode` 0: written. */
  readonly partitions: readonly { readonly partition: number; readonly errorCode: number }[];
}

export const produceMessage: ClientMessage<ProduceRequest, ProduceResponse> = {
  apiKey: 0,
  name: "Produce",
  // The first that carries record batches.
  minVersion: 3,
  maxVersion: 7,
  throttledFrom: 6,
  encodeRequest(writer, { timeoutMs, topic, partitions }) {
    writer.nullableString(null);
    writer.int16(ALL_REPLICAS);
    writer.int32(timeoutMs);
    writer.array([topic], (name) => {
      writer.string(name);
      writer.array(partitions, ({ partition, batch }) => {
        writer.int32(partition);
        writer.bytes(batch);
      });
    });
  },
  decodeResponse(reader, version) {
    const topics = reader.array(() => {
      reader.string();
      return reader.array(() => {
        const result = { partition: reader.int32(), errorCode: reader.int16() };
        reader.int64(); // baseOffset
        reader.int64(); // logAppendTimeMs
        if (version >= 5) reader.int64(); // logStartOffset
        return result;
      });
    });
    return { throttleMs: reader.int32(), partitions: topics.flat() };
  },
};
