import type { ErrorCode } from "../protocol/error-codes.ts";
import type { Message } from "../protocol/message.ts";

/*
 * DeleteRecordsRequest => [topics] timeoutMs:int32 tags
 *   topics => name:string [partitions] tags
 *     partitions => index:int32 offset:int64 tags
 *
 * DeleteRecordsResponse => throttleTimeMs:int32 [topics] tags
 *   topics => name:string [partitions] tags
 *     partitions => index:int32 lowWatermark:int64 errorCode:int16 tags
 */

export interface DeleteRecordsRequest {
  readonly topics: readonly {
    readonly name: string;
    readonly partitions: readonly {
      readonly index: number;
      /** Records before it are deleted; −1: all that there are. */
      readonly offset: number;
    }[];
  }[];
}

export interface DeleteRecordsResponse {
  readonly topics: readonly {
    readonly name: string;
    readonly partitions: readonly {
      readonly index: number;
      /** Where the log begins now; −1 after an error. */
      readonly lowWatermark: number;
      readonly errorCode: ErrorCode;
    }[];
  }[];
}

export const deleteRecords: Message<DeleteRecordsRequest, DeleteRecordsResponse> = {
  apiKey: 21,
  name: "DeleteRecords",
  minVersion: 0,
  maxVersion: 2,
  flexibleFrom: 2,
  decodeRequest(reader) {
    const topics = reader.array(() => {
      const name = reader.string();
      const partitions = reader.array(() => {
        const partition = { index: reader.int32(), offset: reader.int64() };
        reader.tags();
        return partition;
      });
      reader.tags();
      return { name, partitions };
    });
    reader.int32(); // timeoutMs: deletion is immediate
    reader.tags();
    return { topics };
  },
  encodeResponse(writer, { topics }) {
    writer.int32(0);
    writer.array(topics, ({ name, partitions }) => {
      writer.string(name);
      writer.array(partitions, ({ index, lowWatermark, errorCode }) => {
        writer.int32(index);
        writer.int64(lowWatermark);
        writer.int16(errorCode);
        writer.tags();
      });
      writer.tags();
    });
    writer.tags();
  },
};
