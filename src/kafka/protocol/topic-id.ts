import type { ClientMessage } from "./client-message.ts";

/*
 * The part of Metadata that tells which topic of a name there is: one that is made anew has another id.
 *
 * MetadataRequest => [topics] allowAutoTopicCreation:boolean includeClusterAuthorizedOperations:boolean(10)
 *                    includeTopicAuthorizedOperations:boolean tags
 *   topics => topicId:uuid name:nullableString tags
 *
 * MetadataResponse => throttleMs:int32 [brokers] clusterId:nullableString controllerId:int32 [topics]
 *                     clusterAuthorizedOperations:int32(10) tags
 *   brokers => nodeId:int32 host:string port:int32 rack:nullableString tags
 *   topics => errorCode:int16 name:string, nullable(12+) topicId:uuid isInternal:boolean [partitions]
 *             authorizedOperations:int32 tags
 *     partitions => errorCode:int16 index:int32 leaderId:int32 leaderEpoch:int32 [replicas:int32] [isr:int32]
 *                   [offlineReplicas:int32] tags
 */

/** Stands for none. */
const NO_ID = "0".repeat(32);

export interface TopicIdResponse {
  /** 0: none. */
  readonly errorCode: number;
  /** 32 hexadecimal digits; undefined where the cluster gives topics no ids. */
  readonly topicId: string | undefined;
}

export const topicIdMessage: ClientMessage<string, TopicIdResponse> = {
  apiKey: 3,
  name: "Metadata",
  // The first that has ids.
  minVersion: 10,
  maxVersion: 12,
  throttledFrom: 6,
  flexibleFrom: 9,
  encodeRequest(writer, topic, version) {
    writer.array([topic], (name) => {
      writer.uuid(NO_ID);
      writer.nullableString(name);
      writer.tags();
    });
    writer.boolean(false);
    if (version === 10) writer.boolean(false);
    writer.boolean(false);
    writer.tags();
  },
  decodeResponse(reader, version) {
    const throttleMs = reader.int32();
    reader.array(() => {
      reader.int32();
      reader.string();
      reader.int32();
      reader.nullableString();
      reader.tags();
    });
    reader.nullableString();
    reader.int32();
    const [topic] = reader.array((): TopicIdResponse => {
      const errorCode = reader.int16();
      reader.nullableString();
      const topicId = reader.uuid();
      reader.boolean();
      reader.array(() => {
        for (const size of ["int16", "int32", "int32", "int32"] as const) reader[size]();
        for (let list = 0; list < 3; list++) reader.array(() => reader.int32());
        reader.tags();
      });
      reader.int32();
      reader.tags();
      return { errorCode, topicId: topicId === NO_ID ? undefined : topicId };
    });
    if (version === 10) reader.int32();
    reader.tags();
    return { throttleMs, errorCode: topic?.errorCode ?? 0, topicId: topic?.topicId };
  },
};
