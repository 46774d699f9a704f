import type { ErrorCode } from "../protocol/error-codes.ts";
import type { Message } from "../protocol/message.ts";

/*
 * CreatePartitionsRequest => [topics] timeoutMs:int32 validateOnly:boolean tags
 *   topics => name:string count:int32 [assignments]:nullable tags
 *     assignments => [brokerIds:int32] tags
 *
 * CreatePartitionsResponse => throttleTimeMs:int32 [results] tags
 *   results => name:string errorCode:int16 errorMessage:nullableString tags
 */

export interface CreatePartitionsTopic {
  readonly name: string;
  /** How many partitions the topic shall have, those that it has included. */
  readonly count: number;
  /** One list of brokers for each new partition; null lets the broker choose. */
  readonly assignments: readonly (readonly number[])[] | null;
}

export interface CreatePartitionsRequest {
  readonly topics: readonly CreatePartitionsTopic[];
  readonly validateOnly: boolean;
}

export interface CreatePartitionsResponse {
  readonly results: readonly {
    readonly name: string;
    readonly errorCode: ErrorCode;
    readonly errorMessage: string | null;
  }[];
}

export const createPartitions: Message<CreatePartitionsRequest, CreatePartitionsResponse> = {
  apiKey: 37,
  name: "CreatePartitions",
  minVersion: 0,
  maxVersion: 3,
  flexibleFrom: 2,
  decodeRequest(reader) {
    const topics = reader.array(() => {
      const name = reader.string();
      const count = reader.int32();
      const assignments = reader.nullableArray(() => {
        const brokerIds = reader.array(() => reader.int32());
        reader.tags();
        return brokerIds;
      });
      reader.tags();
      return { name, count, assignments };
    });
    reader.int32(); // timeoutMs: creation is immediate
    const validateOnly = reader.boolean();
    reader.tags();
    return { topics, validateOnly };
  },
  encodeResponse(writer, { results }) {
    writer.int32(0);
    writer.array(results, ({ name, errorCode, errorMessage }) => {
      writer.string(name);
      writer.int16(errorCode);
      writer.nullableString(errorMessage);
      writer.tags();
    });
    writer.tags();
  },
};
