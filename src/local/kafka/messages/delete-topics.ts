import type { ErrorCode } from "../protocol/error-codes.ts";
import type { Message } from "../protocol/message.ts";
import { NO_TOPIC_ID, type WantedTopic } from "./metadata.ts";

/*
 * DeleteTopicsRequest => [topics](6+) [topicNames:string](0-5) timeoutMs:int32 tags
 *   topics => name:nullableString topicId:uuid tags
 *
 * DeleteTopicsResponse => throttleTimeMs:int32(1+) [topics] tags
 *   topics => name:string, nullable(6+) topicId:uuid(6+) errorCode:int16 errorMessage:nullableString(5+) tags
 */

export interface DeleteTopicsRequest {
  readonly topics: readonly WantedTopic[];
}

export interface DeleteTopicsResponse {
  readonly topics: readonly {
    /** null where an id was named that no topic has. */
    readonly name: string | null;
    readonly topicId: string;
    readonly errorCode: ErrorCode;
    readonly errorMessage: string | null;
  }[];
}

export const deleteTopics: Message<DeleteTopicsRequest, DeleteTopicsResponse> = {
  apiKey: 20,
  name: "DeleteTopics",
  minVersion: 0,
  maxVersion: 6,
  flexibleFrom: 4,
  decodeRequest(reader, version) {
    const topics = reader.array((): WantedTopic => {
      if (version < 6) return { name: reader.string(), topicId: NO_TOPIC_ID };
      const topic = { name: reader.nullableString(), topicId: reader.uuid() };
      reader.tags();
      return topic;
    });
    reader.int32(); // timeoutMs: deletion is immediate
    reader.tags();
    return { topics };
  },
  encodeResponse(writer, { topics }, version) {
    if (version >= 1) writer.int32(0);
    writer.array(topics, ({ name, topicId, errorCode, errorMessage }) => {
      if (version >= 6) {
        writer.nullableString(name);
        writer.uuid(topicId);
      } else {
        writer.string(name ?? "");
      }
      writer.int16(errorCode);
      if (version >= 5) writer.nullableString(errorMessage);
      writer.tags();
    });
    writer.tags();
  },
};
