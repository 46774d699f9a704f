import { repeatedIn } from "../../../base/repeated.ts";
import type { Broker } from "../broker.ts";
import { LEADER_EPOCH, type PartitionLog } from "../log/partition-log.ts";
import {
  EARLIEST_LOCAL_TIMESTAMP,
  EARLIEST_PENDING_UPLOAD_TIMESTAMP,
  EARLIEST_TIMESTAMP,
  LATEST_TIERED_TIMESTAMP,
  LATEST_TIMESTAMP,
  type ListOffsetsPartition,
  type ListOffsetsPartitionResult,
  type ListOffsetsRequest,
  type ListOffsetsResponse,
  MAX_TIMESTAMP,
} from "../messages/list-offsets.ts";
import { ErrorCode } from "../protocol/error-codes.ts";
import type { RequestContext } from "./handler.ts";
import { checkLeaderEpoch } from "./leader-epoch.ts";

const READ_COMMITTED = 1;

/** First versions that know the values of `timestamp` that are no times. */
const SPECIAL_SINCE: ReadonlyMap<number, number> = new Map([
  [LATEST_TIMESTAMP, 1],
  [EARLIEST_TIMESTAMP, 1],
  [MAX_TIMESTAMP, 7],
  [EARLIEST_LOCAL_TIMESTAMP, 8],
  [LATEST_TIERED_TIMESTAMP, 9],
  [EARLIEST_PENDING_UPLOAD_TIMESTAMP, 11],
]);

export function handleListOffsets(
  broker: Broker,
  { topics, isolationLevel }: ListOffsetsRequest,
  { version }: RequestContext,
): ListOffsetsResponse {
  // Nobody could tell the answers apart.
  const repeated = repeatedIn(
    topics.flatMap(({ name, partitions }) => partitions.map(({ index }) => `${name}-${index}`)),
  );
  return {
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map((partition) => {
        const { index, timestamp } = partition;
        if (repeated.has(`${name}-${index}`)) return failed(index, ErrorCode.INVALID_REQUEST);
        if (timestamp < 0 && version < (SPECIAL_SINCE.get(timestamp) ?? Number.POSITIVE_INFINITY)) {
          return failed(index, ErrorCode.UNSUPPORTED_VERSION);
        }
        const log = broker.topics.partition(name, partition.index);
        if (log === undefined) return failed(partition.index, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
        const stale = checkLeaderEpoch(partition.currentLeaderEpoch, LEADER_EPOCH);
        return stale === undefined ? find(log, partition, isolationLevel) : failed(partition.index, stale);
      }),
    })),
  };
}

function find(
  log: PartitionLog,
  { index, timestamp }: ListOffsetsPartition,
  isolationLevel: number,
): ListOffsetsPartitionResult {
  const end = log.endFor(isolationLevel === READ_COMMITTED ? "committed" : "uncommitted");
  switch (timestamp) {
    case LATEST_TIMESTAMP:
      return found(index, end, -1);
    case EARLIEST_TIMESTAMP:
    case EARLIEST_LOCAL_TIMESTAMP:
      return found(index, log.logStartOffset, -1);
    case LATEST_TIERED_TIMESTAMP:
    case EARLIEST_PENDING_UPLOAD_TIMESTAMP:
      return failed(index, ErrorCode.NONE); // there is no remote storage
    default: {
      const position = timestamp === MAX_TIMESTAMP ? log.findLargestTimestamp() : log.findTimestamp(timestamp);
      if (position === undefined || position.offset >= end) return failed(index, ErrorCode.NONE);
      return found(index, position.offset, position.timestampMs);
    }
  }
}

function found(index: number, offset: number, timestamp: number): ListOffsetsPartitionResult {
  return { index, errorCode: ErrorCode.NONE, timestamp, offset, leaderEpoch: LEADER_EPOCH };
}

function failed(index: number, errorCode: ErrorCode): ListOffsetsPartitionResult {
  return { index, errorCode, timestamp: -1, offset: -1, leaderEpoch: -1 };
}
