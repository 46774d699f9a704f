import type { ErrorCode } from "../protocol/error-codes.ts";
import type { Message } from "../protocol/message.ts";

/*
 * InitProducerIdRequest => transactionalId:nullableString transactionTimeoutMs:int32 producerId:int64(3+)
 *                          producerEpoch:int16(3+) tags
 *
 * InitProducerIdResponse => throttleTimeMs:int32 errorCode:int16 producerId:int64 producerEpoch:int16 tags
 */

export interface InitProducerIdRequest {
  readonly transactionalId: string | null;
  readonly transactionTimeoutMs: number;
  /** What the producer has so far; −1 where it has nothing. */
  readonly producerId: number;
  readonly producerEpoch: number;
}

export interface InitProducerIdResponse {
  readonly errorCode: ErrorCode;
  readonly producerId: number;
  readonly producerEpoch: number;
}

export const initProducerId: Message<InitProducerIdRequest, InitProducerIdResponse> = {
  apiKey: 22,
  name: "InitProducerId",
  minVersion: 0,
  maxVersion: 5,
  flexibleFrom: 2,
  decodeRequest(reader, version) {
    const request = {
      transactionalId: reader.nullableString(),
      transactionTimeoutMs: reader.int32(),
      producerId: version >= 3 ? reader.int64() : -1,
      producerEpoch: version >= 3 ? reader.int16() : -1,
    };
    reader.tags();
    return request;
  },
  encodeResponse(writer, { errorCode, producerId, producerEpoch }) {
    writer.int32(0);
    writer.int16(errorCode);
    writer.int64(producerId);
    writer.int16(producerEpoch);
    writer.tags();
  },
};
