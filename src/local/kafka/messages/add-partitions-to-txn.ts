import type { ErrorCode } from "../protocol/error-codes.ts";
import type { Message } from "../protocol/message.ts";

/*
 * AddPartitionsToTxnRequest => transactionalId:string producerId:int64 producerEpoch:int16 [topics] tags
 *   topics => name:string [partitions:int32] tags
 *
 * AddPartitionsToTxnResponse => throttleTimeMs:int32 [topics] tags
 *   topics => name:string [partitions] tags
 *     partitions => index:int32 errorCode:int16 tags
 *
 * From version 4 on it is a request among brokers.
 */

export interface AddPartitionsToTxnRequest {
  readonly transactionalId: string;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly topics: readonly { readonly name: string; readonly partitions: readonly number[] }[];
}

export interface AddPartitionsToTxnResponse {
  readonly topics: readonly {
    readonly name: string;
    readonly partitions: readonly { readonly index: number; readonly errorCode: ErrorCode }[];
  }[];
}

export const addPartitionsToTxn: Message<AddPartitionsToTxnRequest, AddPartitionsToTxnResponse> = {
  apiKey: 24,
  name: "AddPartitionsToTxn",
  minVersion: 0,
  maxVersion: 3,
  flexibleFrom: 3,
  decodeRequest(reader) {
    const transactionalId = reader.string();
    const producerId = reader.int64();
    const producerEpoch = reader.int16();
    const topics = reader.array(() => {
      const topic = { name: reader.string(), partitions: reader.array(() => reader.int32()) };
      reader.tags();
      return topic;
    });
    reader.tags();
    return { transactionalId, producerId, producerEpoch, topics };
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
