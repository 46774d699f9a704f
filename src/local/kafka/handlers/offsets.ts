import type { Broker } from "../broker.ts";
import type { CommittedOffset, CommittedPosition } from "../groups/offset-store.ts";
import { StorageError } from "../log/errors.ts";
import type { OffsetCommitPartition, OffsetCommitRequest, OffsetCommitResponse } from "../messages/offset-commit.ts";
import type { FetchedOffset, OffsetFetchRequest, OffsetFetchResponse } from "../messages/offset-fetch.ts";
import { ErrorCode } from "../protocol/error-codes.ts";

/** Commits what is valid, in one transaction with what else arrives in this turn, and answers when it is durable. */
export async function handleOffsetCommit(broker: Broker, request: OffsetCommitRequest): Promise<OffsetCommitResponse> {
  const { groupId, memberId, generationId } = request;
  // An empty group id is allowed here, and where offsets are read: simple consumers of old have none.
  const refusal = broker.groups.checkCommit(groupId, memberId, generationId);
  const positions: CommittedPosition[] = [];
  const topics = request.topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map((partition) => {
      const errorCode = refusal === ErrorCode.NONE ? check(broker, name, partition) : refusal;
      if (errorCode === ErrorCode.NONE) positions.push(toPosition(name, partition));
      return { index: partition.index, errorCode };
    }),
  }));
  if (positions.length === 0 || (await store(broker, groupId, positions))) return { topics };
  return {
    topics: topics.map(({ name, partitions }) => ({
      name,
      // What Kafka answers where its log of offsets cannot be written: the client finds the coordinator and tries again.
      partitions: partitions.map(({ index }) => ({ index, errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE })),
    })),
  };
}

export function handleOffsetFetch(broker: Broker, { groupId, topics }: OffsetFetchRequest): OffsetFetchResponse {
  if (topics === null) return { errorCode: ErrorCode.NONE, topics: allOf(broker, groupId) };
  return {
    errorCode: ErrorCode.NONE,
    topics: topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((index) => toFetched(index, broker.offsets.get(groupId, name, index))),
    })),
  };
}

function check(broker: Broker, topic: string, { index, metadata }: OffsetCommitPartition): ErrorCode {
  if (broker.topics.partition(topic, index) === undefined) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  if (metadata !== null && Buffer.byteLength(metadata) > broker.config.offsetMetadataMaxBytes) {
    return ErrorCode.OFFSET_METADATA_TOO_LARGE;
  }
  return ErrorCode.NONE;
}

function toPosition(topic: string, { index, offset, leaderEpoch, metadata }: OffsetCommitPartition): CommittedPosition {
  return { topic, partition: index, offset, leaderEpoch, metadata: metadata ?? "" };
}

async function store(broker: Broker, groupId: string, positions: readonly CommittedPosition[]): Promise<boolean> {
  try {
    await broker.commits.run({
      apply: () => broker.offsets.commit(groupId, positions),
      publish: () => undefined,
      discard: () => undefined,
    });
    return true;
  } catch (error) {
    if (error instanceof StorageError) return false;
    throw error;
  }
}

function allOf(broker: Broker, groupId: string): OffsetFetchResponse["topics"] {
  const topics = new Map<string, FetchedOffset[]>();
  for (const { topic, partition, ...committed } of broker.offsets.all(groupId)) {
    const partitions = topics.get(topic) ?? [];
    partitions.push(toFetched(partition, committed));
    topics.set(topic, partitions);
  }
  return Array.from(topics, ([name, partitions]) => ({ name, partitions }));
}

function toFetched(index: number, committed: CommittedOffset | undefined): FetchedOffset {
  return {
    index,
    offset: committed?.offset ?? -1,
    leaderEpoch: committed?.leaderEpoch ?? -1,
    metadata: committed?.metadata ?? "",
  };
}
