import type { Broker } from "../broker.ts";
import type { CommittedOffset, CommittedPosition } from "../groups/offset-store.ts";
import { StorageError } from "../log/errors.ts";
import type { OffsetCommitPartition, OffsetCommitRequest, OffsetCommitResponse } from "../messages/offset-commit.ts";
import type {
  FetchedGroup,
  FetchedOffset,
  OffsetFetchGroup,
  OffsetFetchRequest,
  OffsetFetchResponse,
} from "../messages/offset-fetch.ts";
import type { TxnOffsetCommitRequest } from "../messages/txn-offset-commit.ts";
import { ErrorCode } from "../protocol/error-codes.ts";
import type { RequestContext } from "./handler.ts";

/** First version of TxnOffsetCommit whose clients abort a transaction, and go on, when they are told so. */
const KNOWS_ABORTABLE = 4;

/** Commits what is valid, in one transaction with what else arrives in this turn, and answers when it is durable. */
export async function handleOffsetCommit(broker: Broker, request: OffsetCommitRequest): Promise<OffsetCommitResponse> {
  const { groupId, memberId, generationId } = request;
  // An empty group id is allowed here, and where offsets are read: simple consumers of old have none.
  const refusal = broker.groups.checkCommit(groupId, { memberId, generationId, isTransactional: false });
  const { topics, positions } = checkAll(broker, request.topics, refusal);
  if (positions.length === 0 || (await store(broker, groupId, positions))) return { topics };
  // What Kafka answers where its log of offsets cannot be written: the client finds the coordinator and tries again.
  return { topics: withError(topics, ErrorCode.COORDINATOR_NOT_AVAILABLE) };
}

/**
 * Keeps offsets as part of a transaction: they count when it is committed.
 *
 * @see handleOffsetCommit for what is checked of each
 */
export async function handleTxnOffsetCommit(
  broker: Broker,
  request: TxnOffsetCommitRequest,
  { version }: RequestContext,
): Promise<OffsetCommitResponse> {
  const { transactionalId, groupId } = request;
  const asKnown = (errorCode: ErrorCode): ErrorCode =>
    errorCode === ErrorCode.INVALID_TXN_STATE && version >= KNOWS_ABORTABLE
      ? ErrorCode.TRANSACTION_ABORTABLE
      : errorCode;
  const { topics, positions } = checkAll(broker, request.topics, asKnown(transactionalRefusal(broker, request)));
  if (positions.length === 0) return { topics };
  const errorCode = await broker.transactions.addOffsets(transactionalId, request, groupId, positions);
  return { topics: withError(topics, asKnown(errorCode)) };
}

/** A producer that is fenced learns of that first, and only then whether its generation is over. */
function transactionalRefusal(broker: Broker, request: TxnOffsetCommitRequest): ErrorCode {
  const { transactionalId, groupId, memberId, generationId } = request;
  if (groupId === "") return ErrorCode.INVALID_GROUP_ID;
  const errorCode = broker.transactions.checkOffsets(transactionalId, request, groupId);
  if (errorCode !== ErrorCode.NONE) return errorCode;
  return broker.groups.checkCommit(groupId, { memberId, generationId, isTransactional: true });
}

export function handleOffsetFetch(broker: Broker, { groups, requireStable }: OffsetFetchRequest): OffsetFetchResponse {
  return { groups: groups.map((group) => fetchOffsets(broker, group, requireStable)) };
}

function fetchOffsets(broker: Broker, { groupId, topics }: OffsetFetchGroup, requireStable: boolean): FetchedGroup {
  const fetched = (name: string, index: number): FetchedOffset => {
    const isUnstable = requireStable && broker.transactions.isPending(groupId, name, index);
    return isUnstable ? unstable(index) : toFetched(index, broker.offsets.get(groupId, name, index));
  };
  const wanted = topics ?? partitionsOf(broker, groupId);
  return {
    groupId,
    errorCode: ErrorCode.NONE,
    topics: wanted.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((index) => fetched(name, index)),
    })),
  };
}

type CheckedTopics = OffsetCommitResponse["topics"];

interface Checked {
  readonly topics: CheckedTopics;
  /** What may be committed. */
  readonly positions: readonly CommittedPosition[];
}

/** @param refusal of the request as a whole */
function checkAll(broker: Broker, wanted: OffsetCommitRequest["topics"], refusal: ErrorCode): Checked {
  const positions: CommittedPosition[] = [];
  const topics = wanted.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map((partition) => {
      const errorCode = check(broker, name, partition, refusal);
      if (errorCode === ErrorCode.NONE) positions.push(toPosition(name, partition));
      return { index: partition.index, errorCode };
    }),
  }));
  return { topics, positions };
}

/** The same with an error where there was none. */
function withError(topics: CheckedTopics, errorCode: ErrorCode): CheckedTopics {
  return topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map((partition) =>
      partition.errorCode === ErrorCode.NONE ? { ...partition, errorCode } : partition,
    ),
  }));
}

function check(
  broker: Broker,
  topic: string,
  { index, metadata }: OffsetCommitPartition,
  refusal: ErrorCode,
): ErrorCode {
  if (broker.topics.partition(topic, index) === undefined) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  if (refusal !== ErrorCode.NONE) return refusal;
  // A real broker counts UTF-16 units, in spite of the setting's name.
  const isTooLarge = metadata !== null && metadata.length > broker.config.offsetMetadataMaxBytes;
  return isTooLarge ? ErrorCode.OFFSET_METADATA_TOO_LARGE : ErrorCode.NONE;
}

function toPosition(topic: string, { index, offset, leaderEpoch, metadata }: OffsetCommitPartition): CommittedPosition {
  return { topic, partition: index, offset, leaderEpoch, metadata: metadata ?? "" };
}

async function store(broker: Broker, groupId: string, positions: readonly CommittedPosition[]): Promise<boolean> {
  try {
    await broker.commits.run({
      apply() {
        broker.offsets.commit(groupId, positions);
        broker.transactions.overtake(groupId, positions);
      },
      publish: () => undefined,
      discard: () => undefined,
    });
    return true;
  } catch (error) {
    if (error instanceof StorageError) return false;
    throw error;
  }
}

/** All that the group ever committed. */
function partitionsOf(broker: Broker, groupId: string): { name: string; partitionIndexes: readonly number[] }[] {
  const topics = Map.groupBy(broker.offsets.all(groupId), ({ topic }) => topic);
  return Array.from(topics, ([name, positions]) => ({
    name,
    partitionIndexes: positions.map(({ partition }) => partition),
  }));
}

function toFetched(index: number, committed: CommittedOffset | undefined): FetchedOffset {
  return {
    index,
    offset: committed?.offset ?? -1,
    leaderEpoch: committed?.leaderEpoch ?? -1,
    metadata: committed?.metadata ?? "",
    errorCode: ErrorCode.NONE,
  };
}

/** What is committed there may be replaced any moment: the client asks again. */
function unstable(index: number): FetchedOffset {
  return { index, offset: -1, leaderEpoch: -1, metadata: "", errorCode: ErrorCode.UNSTABLE_OFFSET_COMMIT };
}
