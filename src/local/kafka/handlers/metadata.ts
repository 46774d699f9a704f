import type { Broker } from "../broker.ts";
import { LEADER_EPOCH } from "../log/partition-log.ts";
import type { Topic } from "../log/topic-catalog.ts";
import { topicNameProblem } from "../log/topic-name.ts";
import type { MetadataRequest, MetadataResponse, MetadataTopic } from "../messages/metadata.ts";
import { ErrorCode } from "../protocol/error-codes.ts";

/** Tells where topics are: here. One that is asked for by name and unknown is made, where broker and client want so. */
export function handleMetadata(broker: Broker, { topics, allowAutoTopicCreation }: MetadataRequest): MetadataResponse {
  const { nodeId } = broker.config;
  const mayCreate = allowAutoTopicCreation && broker.config.autoCreateTopics;
  return {
    brokers: [broker.endpoint],
    clusterId: broker.clusterId,
    controllerId: nodeId,
    topics:
      topics === null
        ? Array.from(broker.topics.all(), (topic) => describe(topic, nodeId))
        : topics.map((name) => findOrCreate(broker, name, mayCreate)),
  };
}

function findOrCreate(broker: Broker, name: string, mayCreate: boolean): MetadataTopic {
  const existing = broker.topics.get(name);
  if (existing !== undefined) return describe(existing, broker.config.nodeId);
  if (topicNameProblem(name) !== undefined) return unknown(name, ErrorCode.INVALID_TOPIC_EXCEPTION);
  if (!mayCreate) return unknown(name, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  if (broker.topics.collides(name)) return unknown(name, ErrorCode.INVALID_TOPIC_EXCEPTION);
  const created = broker.topics.create(name, broker.config.defaultPartitions, new Map());
  broker.log.info("kafka topic created on demand", { topic: name, partitions: created.partitions.length });
  return describe(created, broker.config.nodeId);
}

function describe({ name, partitions }: Topic, nodeId: number): MetadataTopic {
  return {
    errorCode: ErrorCode.NONE,
    name,
    partitions: partitions.map(({ number }) => ({ index: number, leaderId: nodeId, leaderEpoch: LEADER_EPOCH })),
  };
}

function unknown(name: string, errorCode: ErrorCode): MetadataTopic {
  return { errorCode, name, partitions: [] };
}
