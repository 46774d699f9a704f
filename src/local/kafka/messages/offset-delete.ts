import type { ErrorCode } from "../protocol/error-codes.ts";
import type { Message } from "../protocol/message.ts";

/*
 * OffsetDeleteRequest => groupId:string [topics]
 *   topics => name:string [partitions]
 *     partitions => index:int32
 *
 * OffsetDeleteResponse => errorCode:int16 throttleTimeMs:int32 [topics]
 *   topics => name:string [partitions]
 *     partitions => index:int32 errorCode:int16
 */

export interface OffsetDeleteRequest {
  readonly groupId: string;
  readonly topics: readonly { readonly name: string; readonly partitions: readonly number[] }[];
}

export interface OffsetDeleteResponse {
  readonly errorCode: ErrorCode;
  readonly topics: readonly {
    readonly name: string;
    readonly partitions: readonly { readonly index: number; readonly errorCode: ErrorCode }[];
  }[];
}

export const offsetDelete: Message<OffsetDeleteRequest, OffsetDeleteResponse> = {
  apiKey: 47,
  name: "OffsetDelete",
  minVersion: 0,
  maxVersion: 0,
  flexibleFrom: 1,
  decodeRequest(reader) {
    const groupId = reader.string();
    const topics = reader.array(() => ({ name: reader.string(), partitions: reader.array(() => reader.int32()) }));
    return { groupId, topics };
  },
  encodeResponse(writer, { errorCode, topics }) {
    writer.int16(errorCode);
    writer.int32(0);
    writer.array(topics, ({ name, partitions }) => {
      writer.string(name);
      writer.array(partitions, (partition) => {
        writer.int32(partition.index);
        writer.int16(partition.errorCode);
      });
    });
  },
};
