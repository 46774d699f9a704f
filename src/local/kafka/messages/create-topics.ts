import type { ErrorCode } from "../protocol/error-codes.ts";
import type { Message } from "../protocol/message.ts";
import type { ConfigSource } from "./describe-configs.ts";

/*
 * CreateTopicsRequest => [topics] timeoutMs:int32 validateOnly:boolean(1+) tags
 *   topics => name:string numPartitions:int32 replicationFactor:int16 [assignments] [configs] tags
 *     assignments => partitionIndex:int32 [brokerIds:int32] tags
 *     configs => name:string value:nullableString tags
 *
 * CreateTopicsResponse => throttleTimeMs:int32(2+) [topics] tags
 *   topics => name:string topicId:uuid(7+) errorCode:int16 errorMessage:nullableString(1+) numPartitions:int32(5+)
 *             replicationFactor:int16(5+) [configs]:nullable(5+) tags
 *     configs => name:string value:nullableString readOnly:boolean configSource:int8 isSensitive:boolean tags
 */

export interface CreatableTopic {
  readonly name: string;
  /** −1: the broker's default. */
  readonly numPartitions: number;
  /** −1: the broker's default. */
  readonly replicationFactor: number;
  readonly assignments: readonly { readonly partitionIndex: number; readonly brokerIds: readonly number[] }[];
  readonly configs: readonly { readonly name: string; readonly value: string | null }[];
}

export interface CreateTopicsRequest {
  readonly topics: readonly CreatableTopic[];
  readonly validateOnly: boolean;
}

export interface CreatedTopic {
  readonly name: string;
  readonly topicId: string;
  readonly errorCode: ErrorCode;
  readonly errorMessage: string | null;
  /** −1 after an error. */
  readonly numPartitions: number;
  readonly replicationFactor: number;
  /** None after an error. */
  readonly configs: readonly CreatedConfig[];
}

export interface CreatedConfig {
  readonly name: string;
  readonly value: string;
  readonly readOnly: boolean;
  readonly source: ConfigSource;
}

export interface CreateTopicsResponse {
  readonly topics: readonly CreatedTopic[];
}

export const createTopics: Message<CreateTopicsRequest, CreateTopicsResponse> = {
  apiKey: 19,
  name: "CreateTopics",
  minVersion: 0,
  maxVersion: 7,
  flexibleFrom: 5,
  decodeRequest(reader, version) {
    const topics = reader.array(() => {
      const name = reader.string();
      const numPartitions = reader.int32();
      const replicationFactor = reader.int16();
      const assignments = reader.array(() => {
        const assignment = { partitionIndex: reader.int32(), brokerIds: reader.array(() => reader.int32()) };
        reader.tags();
        return assignment;
      });
      const configs = reader.array(() => {
        const config = { name: reader.string(), value: reader.nullableString() };
        reader.tags();
        return config;
      });
      reader.tags();
      return { name, numPartitions, replicationFactor, assignments, configs };
    });
    reader.int32(); // timeoutMs: creation is immediate
    const validateOnly = version >= 1 ? reader.boolean() : false;
    reader.tags();
    return { topics, validateOnly };
  },
  encodeResponse(writer, { topics }, version) {
    if (version >= 2) writer.int32(0);
    writer.array(topics, (topic) => {
      writer.string(topic.name);
      if (version >= 7) writer.uuid(topic.topicId);
      writer.int16(topic.errorCode);
      if (version >= 1) writer.nullableString(topic.errorMessage);
      if (version >= 5) {
        writer.int32(topic.numPartitions);
        writer.int16(topic.replicationFactor);
        writer.array(topic.configs, ({ name, value, readOnly, source }) => {
          writer.string(name);
          writer.nullableString(value);
          writer.boolean(readOnly);
          writer.int8(source);
          writer.boolean(false);
          writer.tags();
        });
      }
      writer.tags();
    });
    writer.tags();
  },
};
