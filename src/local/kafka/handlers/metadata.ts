import type { Broker } from "../broker.ts";
import { LEADER_EPOCH } from "../log/partition-log.ts";
import type { Topic } from "../log/topic-catalog.ts";
import { topicNameProblem } from "../log/topic-name.ts";
import {
  type MetadataRequest,
  type MetadataResponse,
  type MetadataTopic,
  NO_TOPIC_ID,
  type WantedTopic,
} from "../messages/metadata.ts";
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
        : once(topics.map((wanted) => find(broker, wanted, mayCreate))),
  };
}

/** Who asks for a topic twice, by whatever, is told of it once. */
function once(topics: readonly MetadataTopic[]): readonly MetadataTopic[] {
  return [...new Map(topics.map((topic) => [topic.name ?? topic.topicId, topic])).values()];
}

function find(broker: Broker, { name, topicId }: WantedTopic, mayCreate: boolean): MetadataTopic {
  if (name !== null) return findOrCreate(broker, name, mayCreate);
  const topic = broker.topics.byId(topicId);
  if (topic !== undefined) return describe(topic, broker.config.nodeId);
  return { errorCode: ErrorCode.UNKNOWN_TOPIC_ID, name: null, topicId, partitions: [] };
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

function describe({ name, id, partitions }: Topic, nodeId: number): MetadataTopic {
  return {
    errorCode: ErrorCode.NONE,
    name,
    topicId: id,
    partitions: partitions.map(({ number }) => ({ index: number, leaderId: nodeId, leaderEpoch: LEADER_EPOCH })),
  };
}

function unknown(name: string, errorCode: ErrorCode): MetadataTopic {
  return { errorCode, name, topicId: NO_TOPIC_ID, partitions: [] };
}
