import type { ErrorCode } from "../protocol/error-codes.ts";
import type { Message } from "../protocol/message.ts";

/*
 * EndTxnRequest => transactionalId:string producerId:int64 producerEpoch:int16 committed:boolean tags
 *
 * EndTxnResponse => throttleTimeMs:int32 errorCode:int16 tags
 *
 * Version 5 raises the epoch with every transaction. Clients use it only where ApiVersions names the feature
 * transaction.version 2, which this broker does not have.
 */

export interface EndTxnRequest {
  readonly transactionalId: string;
  readonly producerId: number;
  readonly producerEpoch: number;
  /** false aborts. */
  readonly committed: boolean;
}

export interface EndTxnResponse {
  readonly errorCode: ErrorCode;
}

export const endTxn: Message<EndTxnRequest, EndTxnResponse> = {
  apiKey: 26,
  name: "EndTxn",
  minVersion: 0,
  maxVersion: 4,
  flexibleFrom: 3,
  decodeRequest(reader) {
    const request = {
      transactionalId: reader.string(),
      producerId: reader.int64(),
      producerEpoch: reader.int16(),
      committed: reader.boolean(),
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
