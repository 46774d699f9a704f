import type { Broker } from "../broker.ts";
import { type Isolation, LEADER_EPOCH, type PartitionLog } from "../log/partition-log.ts";
import type { FetchPartition, FetchPartitionResult, FetchRequest, FetchResponse } from "../messages/fetch.ts";
import { ErrorCode } from "../protocol/error-codes.ts";
import type { RequestContext } from "./handler.ts";
import { checkLeaderEpoch } from "./leader-epoch.ts";

const READ_COMMITTED = 1;

function isolationOf({ isolationLevel }: FetchRequest): Isolation {
  return isolationLevel === READ_COMMITTED ? "committed" : "uncommitted";
}

interface Read {
  readonly topics: FetchResponse["topics"];
  readonly bytes: number;
  readonly hasError: boolean;
}

/**
 * Reads whole batches of each partition. With less than `minBytes` it waits until that much has been appended or
 * `maxWaitMs` is over, and reads again; an error is answered at once. Sessions are declined, as the protocol allows,
 * by session id 0: each fetch names all its partitions.
 */
export async function handleFetch(
  broker: Broker,
  request: FetchRequest,
  { signal }: RequestContext,
): Promise<FetchResponse> {
  if (request.sessionId !== 0) return { errorCode: ErrorCode.FETCH_SESSION_ID_NOT_FOUND, topics: [] };
  if (request.sessionEpoch > 0) return { errorCode: ErrorCode.INVALID_FETCH_SESSION_EPOCH, topics: [] };
  const minBytes = Math.min(request.minBytes, request.maxBytes);
  const first = read(broker, request);
  if (first.hasError || first.bytes >= minBytes || request.maxWaitMs <= 0 || request.topics.length === 0) {
    return { errorCode: ErrorCode.NONE, topics: first.topics };
  }
  const wait = { isolation: isolationOf(request), bytes: minBytes - first.bytes, waitMs: request.maxWaitMs, signal };
  await appended(broker, partitionsOf(broker, request), wait);
  if (signal.aborted) return { errorCode: ErrorCode.NONE, topics: [] };
  return { errorCode: ErrorCode.NONE, topics: read(broker, request).topics };
}

function read(broker: Broker, request: FetchRequest): Read {
  let left = Math.min(request.maxBytes, broker.config.fetchMaxBytes);
  let bytes = 0;
  let hasError = false;
  const topics = request.topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map((partition) => {
      const result = readPartition(broker.topics.partition(name, partition.index), partition, {
        maxBytes: Math.min(left, partition.maxBytes),
        // The first batch of a response comes whatever its size: else a large one would never be read.
        atLeastOne: bytes === 0,
        isolation: isolationOf(request),
      });
      for (const batch of result.batches) bytes += batch.byteLength;
      left = Math.min(request.maxBytes, broker.config.fetchMaxBytes) - bytes;
      hasError ||= result.errorCode !== ErrorCode.NONE;
      return result;
    }),
  }));
  return { topics, bytes, hasError };
}

interface ReadLimits {
  readonly maxBytes: number;
  readonly atLeastOne: boolean;
  readonly isolation: Isolation;
}

function readPartition(
  log: PartitionLog | undefined,
  partition: FetchPartition,
  limits: ReadLimits,
): FetchPartitionResult {
  const { index, fetchOffset } = partition;
  if (log === undefined) return failed(index, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  const stale = checkLeaderEpoch(partition.currentLeaderEpoch, LEADER_EPOCH);
  if (stale !== undefined) return failed(index, stale);
  if (fetchOffset < log.logStartOffset || fetchOffset > log.highWatermark)
    return failed(index, ErrorCode.OFFSET_OUT_OF_RANGE);
  const { maxBytes, atLeastOne, isolation } = limits;
  const batches = log.read(fetchOffset, maxBytes, atLeastOne, isolation);
  return {
    index,
    errorCode: ErrorCode.NONE,
    highWatermark: log.highWatermark,
    lastStableOffset: log.lastStableOffset,
    logStartOffset: log.logStartOffset,
    abortedTransactions: isolation === "committed" ? log.abortedIn(fetchOffset, batches) : null,
    batches,
  };
}

function failed(index: number, errorCode: ErrorCode): FetchPartitionResult {
  return {
    index,
    errorCode,
    highWatermark: -1,
    lastStableOffset: -1,
    logStartOffset: -1,
    abortedTransactions: null,
    batches: [],
  };
}

function partitionsOf(broker: Broker, { topics }: FetchRequest): PartitionLog[] {
  return topics.flatMap(({ name, partitions }) =>
    partitions.flatMap(({ index }) => broker.topics.partition(name, index) ?? []),
  );
}

interface Wait {
  readonly isolation: Isolation;
  readonly bytes: number;
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

/**
 * Resolves when so many bytes more may be read of the partitions, one was removed, the time is over, or the client is
 * gone.
 */
function appended(broker: Broker, partitions: readonly PartitionLog[], wait: Wait): Promise<void> {
  const { isolation, bytes, waitMs, signal } = wait;
  return new Promise((resolve) => {
    let missing = bytes;
    const done = (): void => {
      for (const stop of stops) stop();
      resolve();
    };
    const listener = (more: number): void => {
      missing -= more;
      if (missing <= 0 || more === 0) done();
    };
    const stops = partitions.map((partition) => partition.onAppend(isolation, listener));
    stops.push(broker.clock.schedule(waitMs, done));
    signal.addEventListener("abort", done, { once: true });
    stops.push(() => signal.removeEventListener("abort", done));
  });
}
