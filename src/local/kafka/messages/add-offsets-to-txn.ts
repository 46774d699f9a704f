import type { ErrorCode } from "../protocol/error-codes.ts";
import type { Message } from "../protocol/message.ts";

/*
 * AddOffsetsToTxnRequest => transactionalId:string producerId:int64 producerEpoch:int16 groupId:string tags
 *
 * AddOffsetsToTxnResponse => throttleTimeMs:int32 errorCode:int16 tags
 */

export interface AddOffsetsToTxnRequest {
  readonly transactionalId: string;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly groupId: string;
}

export interface AddOffsetsToTxnResponse {
  readonly errorCode: ErrorCode;
}

export const addOffsetsToTxn: Message<AddOffsetsToTxnRequest, AddOffsetsToTxnResponse> = {
  apiKey: 25,
  name: "AddOffsetsToTxn",
  minVersion: 0,
  maxVersion: 4,
  flexibleFrom: 3,
  decodeRequest(reader) {
    const request = {
      transactionalId: reader.string(),
      producerId: reader.int64(),
      producerEpoch: reader.int16(),
      groupId: reader.string(),
    };
    reader.tags();
    return request;
  },
  encodeResponse(writer, { errorCode }) {
    writer.int32(0);
    writer.int16(errorCode);
    writer.tags();
  },
};
