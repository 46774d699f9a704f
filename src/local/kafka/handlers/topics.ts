import type { Broker } from "../broker.ts";
import type { Topic } from "../log/topic-catalog.ts";
import { topicConfigProblem, topicConfigsProblem } from "../log/topic-config.ts";
import { topicNameProblem } from "../log/topic-name.ts";
import type {
  CreatePartitionsRequest,
  CreatePartitionsResponse,
  CreatePartitionsTopic,
} from "../messages/create-partitions.ts";
import type {
  CreatableTopic,
  CreatedTopic,
  CreateTopicsRequest,
  CreateTopicsResponse,
} from "../messages/create-topics.ts";
import type { DeleteTopicsRequest, DeleteTopicsResponse } from "../messages/delete-topics.ts";
import { NO_TOPIC_ID, type WantedTopic } from "../messages/metadata.ts";
import { ErrorCode } from "../protocol/error-codes.ts";
import { topicConfigValues } from "./config-values.ts";

/** Most partitions that one request may make (Kafka's own number). */
const MOST_PARTITIONS_AT_ONCE = 10_000;

type Problem = readonly [errorCode: ErrorCode, message: string];

const unknownTopic: Problem = [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, "This server does not host this topic"];

export function handleCreateTopics(
  broker: Broker,
  { topics, validateOnly }: CreateTopicsRequest,
): CreateTopicsResponse {
  return {
    topics: byName(topics).map(({ topic, repeated }): CreatedTopic => {
      const partitions = partitionCount(topic, broker.config.defaultPartitions);
      const problem = repeated ?? creationProblem(broker, topic, partitions);
      if (problem !== undefined) {
        const [errorCode, errorMessage] = problem;
        const nothing = { topicId: NO_TOPIC_ID, numPartitions: -1, replicationFactor: -1, configs: [] };
        return { name: topic.name, errorCode, errorMessage, ...nothing };
      }
      const configs = new Map(topic.configs.map(({ name, value }) => [name, value ?? ""]));
      const created = validateOnly ? undefined : broker.topics.create(topic.name, partitions, configs);
      if (created !== undefined) broker.log.info("kafka topic created", { topic: topic.name, partitions });
      return {
        name: topic.name,
        topicId: created?.id ?? NO_TOPIC_ID,
        errorCode: ErrorCode.NONE,
        errorMessage: null,
        numPartitions: partitions,
        replicationFactor: 1,
        configs: topicConfigValues({ configs }, broker.config),
      };
    }),
  };
}

export function handleDeleteTopics(broker: Broker, request: DeleteTopicsRequest): DeleteTopicsResponse {
  const wanted = request.topics.map((named) => {
    const { name, topicId } = named;
    return { named, topic: name === null ? broker.topics.byId(topicId) : broker.topics.get(name) };
  });
  const same = Map.groupBy(wanted, ({ named, topic }) => topic?.id ?? named.name ?? named.topicId);
  const topics = [...same.values()].flatMap(([first, ...others]) => {
    if (first === undefined) return [];
    const { named, topic } = first;
    const problem = deletionProblem(named, topic, others.length > 0);
    if (problem !== undefined || topic === undefined) {
      const [errorCode, errorMessage] = problem ?? unknownTopic;
      return { ...named, errorCode, errorMessage };
    }
    broker.topics.delete(topic);
    broker.log.info("kafka topic deleted", { topic: topic.name });
    return { name: topic.name, topicId: topic.id, errorCode: ErrorCode.NONE, errorMessage: null };
  });
  broker.housekeeper.removeSoon();
  return { topics };
}

export function handleCreatePartitions(
  broker: Broker,
  { topics, validateOnly }: CreatePartitionsRequest,
): CreatePartitionsResponse {
  return {
    results: byName(topics).map(({ topic: wanted, repeated }) => {
      const topic = broker.topics.get(wanted.name);
      const problem = repeated ?? growthProblem(broker, wanted, topic?.partitions.length);
      if (problem !== undefined || topic === undefined) {
        const [errorCode, errorMessage] = problem ?? [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, "The topic does not exist"];
        return { name: wanted.name, errorCode, errorMessage };
      }
      if (!validateOnly) broker.topics.grow(topic, wanted.count);
      return { name: wanted.name, errorCode: ErrorCode.NONE, errorMessage: null };
    }),
  };
}

function partitionCount({ numPartitions, assignments }: CreatableTopic, byDefault: number): number {
  if (assignments.length > 0) return assignments.length;
  return numPartitions === -1 ? byDefault : numPartitions;
}

function creationProblem(broker: Broker, topic: CreatableTopic, partitions: number): Problem | undefined {
  const { name, numPartitions, replicationFactor, assignments, configs } = topic;
  const nameProblem = topicNameProblem(name);
  if (nameProblem !== undefined) return [ErrorCode.INVALID_TOPIC_EXCEPTION, nameProblem];
  if (broker.topics.get(name) !== undefined) return [ErrorCode.TOPIC_ALREADY_EXISTS, `Topic '${name}' already exists.`];
  if (broker.topics.collides(name)) {
    return [ErrorCode.INVALID_TOPIC_EXCEPTION, `Topic '${name}' collides with an existing one in '.' and '_'`];
  }
  if (assignments.length > 0) {
    if (numPartitions !== -1 || replicationFactor !== -1) {
      return [ErrorCode.INVALID_REQUEST, "numPartitions and replicationFactor must be -1 where replicas are assigned"];
    }
    const inOrder = assignments.map(({ partitionIndex }) => partitionIndex).sort((a, b) => a - b);
    if (inOrder.some((index, i) => index !== i)) {
      return [ErrorCode.INVALID_REPLICA_ASSIGNMENT, "the assigned partitions must be numbered from 0 without gaps"];
    }
    const problem = assignmentProblem(
      broker,
      assignments.map(({ brokerIds }) => brokerIds),
    );
    if (problem !== undefined) return problem;
  } else if (replicationFactor !== -1 && replicationFactor !== 1) {
    return [
      ErrorCode.INVALID_REPLICATION_FACTOR,
      replicationFactor > 1
        ? `Unable to replicate the partition ${replicationFactor} time(s): there is 1 broker`
        : "Replication factor must be larger than 0, or -1 to use the default value.",
    ];
  }
  if (partitions < 1) return [ErrorCode.INVALID_PARTITIONS, `Number of partitions is ${partitions}, must be 1 or more`];
  const tooMany = tooManyProblem(partitions);
  if (tooMany !== undefined) return tooMany;
  for (const config of configs) {
    const problem = topicConfigProblem(config.name, config.value);
    if (problem !== undefined) return [ErrorCode.INVALID_CONFIG, problem];
  }
  const conflict = topicConfigsProblem(new Map(configs.map(({ name, value }) => [name, value ?? ""])));
  return conflict === undefined ? undefined : [ErrorCode.INVALID_CONFIG, conflict];
}

/** What names a topic doubtfully deletes nothing. */
function deletionProblem(
  { name, topicId }: WantedTopic,
  topic: Topic | undefined,
  isRepeated: boolean,
): Problem | undefined {
  const hasId = topicId !== NO_TOPIC_ID;
  if (name !== null && hasId) {
    return [ErrorCode.INVALID_REQUEST, "You may not specify both topic name and topic id."];
  }
  if (name === null && !hasId) {
    return [ErrorCode.INVALID_REQUEST, "Neither topic name nor id were specified."];
  }
  if (isRepeated) return [ErrorCode.INVALID_REQUEST, "The request names a topic more than once"];
  if (topic !== undefined) return undefined;
  return hasId ? [ErrorCode.UNKNOWN_TOPIC_ID, "This server does not host this topic ID."] : unknownTopic;
}

function growthProblem(
  broker: Broker,
  wanted: CreatePartitionsTopic,
  present: number | undefined,
): Problem | undefined {
  if (present === undefined)
    return [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `The topic '${wanted.name}' does not exist.`];
  const { count, assignments } = wanted;
  if (count <= present) {
    return [
      ErrorCode.INVALID_PARTITIONS,
      `Topic '${wanted.name}' has ${present} partition(s), must get more, not ${count}`,
    ];
  }
  if (assignments !== null) {
    if (assignments.length !== count - present) {
      return [
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        `${count - present} new partitions are wanted and ${assignments.length} assigned`,
      ];
    }
    const problem = assignmentProblem(broker, assignments);
    if (problem !== undefined) return problem;
  }
  return tooManyProblem(count - present);
}

/** Each partition has one replica, on the only broker. */
function assignmentProblem(broker: Broker, replicas: readonly (readonly number[])[]): Problem | undefined {
  const { nodeId } = broker.config;
  if (replicas.every((ids) => ids.length === 1 && ids[0] === nodeId)) return undefined;
  return [ErrorCode.INVALID_REPLICA_ASSIGNMENT, `each partition must be assigned to broker ${nodeId} alone`];
}

function tooManyProblem(count: number): Problem | undefined {
  if (count <= MOST_PARTITIONS_AT_ONCE) return undefined;
  return [
    ErrorCode.POLICY_VIOLATION,
    `${count} partitions are wanted at once, must be at most ${MOST_PARTITIONS_AT_ONCE}`,
  ];
}

/** Each name once: what is named more often is refused, and that is said once. */
function byName<Named extends { readonly name: string }>(
  topics: readonly Named[],
): readonly { readonly topic: Named; readonly repeated: Problem | undefined }[] {
  const same = Map.groupBy(topics, ({ name }) => name);
  return [...same].flatMap(([name, [topic, ...others]]) => {
    if (topic === undefined) return [];
    const problem: Problem = [ErrorCode.INVALID_REQUEST, `The request names topic '${name}' more than once`];
    return { topic, repeated: others.length > 0 ? problem : undefined };
  });
}
