import type { ErrorCode } from "../protocol/error-codes.ts";
import type { Message } from "../protocol/message.ts";
import { AUTHORIZED_OPERATIONS_NOT_ASKED } from "./authorized-operations.ts";

/*
 * MetadataRequest => [topics]:nullable(1+) allowAutoTopicCreation:boolean(4+)
 *                    includeClusterAuthorizedOperations:boolean(8-10) includeTopicAuthorizedOperations:boolean(8+) tags
 *   topics => topicId:uuid(10+) name:string, nullable(10+) tags
 *
 * MetadataResponse => throttleTimeMs:int32(3+) [brokers] clusterId:nullableString(2+) controllerId:int32(1+) [topics]
 *                     clusterAuthorizedOperations:int32(8-10) errorCode:int16(13+) tags
 *   brokers => nodeId:int32 host:string port:int32 rack:nullableString(1+) tags
 *   topics => errorCode:int16 name:string, nullable(12+) topicId:uuid(10+) isInternal:boolean(1+) [partitions]
 *             authorizedOperations:int32(8+) tags
 *     partitions => errorCode:int16 index:int32 leaderId:int32 leaderEpoch:int32(7+) [replicas:int32] [isr:int32]
 *                   [offlineReplicas:int32](5+) tags
 */

/** A topic by its name, or by its id where it has no name. */
export interface WantedTopic {
  readonly name: string | null;
  /** All zeros before version 10. */
  readonly topicId: string;
}

/** What stands for no topic id. */
export const NO_TOPIC_ID = "0".repeat(32);

export interface MetadataRequest {
  /** null asks for all topics. */
  readonly topics: readonly WantedTopic[] | null;
  readonly allowAutoTopicCreation: boolean;
}

export interface BrokerEndpoint {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

export interface MetadataPartition {
  readonly index: number;
  readonly leaderId: number;
  readonly leaderEpoch: number;
}

export interface MetadataTopic {
  readonly errorCode: ErrorCode;
  /** null where an id is asked for that no topic has. */
  readonly name: string | null;
  readonly topicId: string;
  readonly partitions: readonly MetadataPartition[];
}

export interface MetadataResponse {
  readonly brokers: readonly BrokerEndpoint[];
  readonly clusterId: string;
  readonly controllerId: number;
  readonly topics: readonly MetadataTopic[];
}

export const metadata: Message<MetadataRequest, MetadataResponse> = {
  apiKey: 3,
  name: "Metadata",
  minVersion: 0,
  maxVersion: 13,
  flexibleFrom: 9,
  decodeRequest(reader, version) {
    const named = reader.nullableArray(() => {
      const topicId = version >= 10 ? reader.uuid() : NO_TOPIC_ID;
      const name = version >= 10 ? reader.nullableString() : reader.string();
      reader.tags();
      return { name, topicId };
    });
    const allowAutoTopicCreation = version >= 4 ? reader.boolean() : true;
    if (version >= 8 && version <= 10) reader.boolean();
    if (version >= 8) reader.boolean();
    reader.tags();
    // Version 0 knows no null: there an empty list asks for all.
    const topics = version === 0 && named?.length === 0 ? null : named;
    return { topics, allowAutoTopicCreation };
  },
  encodeResponse(writer, { brokers, clusterId, controllerId, topics }, version) {
    if (version >= 3) writer.int32(0);
    writer.array(brokers, ({ nodeId, host, port }) => {
      writer.int32(nodeId);
      writer.string(host);
      writer.int32(port);
      if (version >= 1) writer.nullableString(null);
      writer.tags();
    });
    if (version >= 2) writer.nullableString(clusterId);
    if (version >= 1) writer.int32(controllerId);
    writer.array(topics, (topic) => {
      writer.int16(topic.errorCode);
      if (version >= 12) writer.nullableString(topic.name);
      else writer.string(topic.name ?? "");
      if (version >= 10) writer.uuid(topic.topicId);
      if (version >= 1) writer.boolean(false);
      writer.array(topic.partitions, ({ index, leaderId, leaderEpoch }) => {
        writer.int16(0);
        writer.int32(index);
        writer.int32(leaderId);
        if (version >= 7) writer.int32(leaderEpoch);
        writer.array([leaderId], (node) => writer.int32(node));
        writer.array([leaderId], (node) => writer.int32(node));
        if (version >= 5) writer.array([], () => undefined);
        writer.tags();
      });
      if (version >= 8) writer.int32(AUTHORIZED_OPERATIONS_NOT_ASKED);
      writer.tags();
    });
    if (version >= 8 && version <= 10) writer.int32(AUTHORIZED_OPERATIONS_NOT_ASKED);
    if (version >= 13) writer.int16(0);
    writer.tags();
  },
};
