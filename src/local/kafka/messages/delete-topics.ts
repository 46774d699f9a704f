import type { ErrorCode } from "../protocol/error-codes.ts";
import type { Message } from "../protocol/message.ts";

/*
 * DeleteTopicsRequest => [topicNames:string] timeoutMs:int32 tags
 *
 * DeleteTopicsResponse => throttleTimeMs:int32(1+) [topics] tags
 *   topics => name:string errorCode:int16 errorMessage:nullableString(5+) tags
 */

export interface DeleteTopicsRequest {
  readonly topicNames: readonly string[];
}

export interface DeleteTopicsResponse {
  readonly topics: readonly {
    readonly name: string;
    readonly errorCode: ErrorCode;
    readonly errorMessage: string | null;
  }[];
}

export const deleteTopics: Message<DeleteTopicsRequest, DeleteTopicsResponse> = {
  apiKey: 20,
  name: "DeleteTopics",
  minVersion: 0,
  maxVersion: 5,
  flexibleFrom: 4,
  decodeRequest(reader) {
    const topicNames = reader.array(() => reader.string());
    reader.int32(); // timeoutMs: deletion is immediate
    reader.tags();
    return { topicNames };
  },
  encodeResponse(writer, { topics }, version) {
    if (version >= 1) writer.int32(0);
    writer.array(topics, ({ name, errorCode, errorMessage }) => {
      writer.string(name);
      writer.int16(errorCode);
      if (version >= 5) writer.nullableString(errorMessage);
      writer.tags();
    });
    writer.tags();
  },
};
