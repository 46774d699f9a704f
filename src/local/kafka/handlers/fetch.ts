import type { Broker } from "../broker.ts";
import { type Isolation, LEADER_EPOCH, type PartitionLog } from "../log/partition-log.ts";
import {
  BY_ID_SINCE,
  type FetchPartition,
  type FetchPartitionResult,
  type FetchRequest,
  type FetchResponse,
  type FetchTopic,
  type FetchTopicResult,
} from "../messages/fetch.ts";
import { ErrorCode } from "../protocol/error-codes.ts";
import type { RequestContext } from "./handler.ts";
import { checkLeaderEpoch } from "./leader-epoch.ts";

const READ_COMMITTED = 1;

function isolationOf({ isolationLevel }: FetchRequest): Isolation {
  return isolationLevel === READ_COMMITTED ? "committed" : "uncommitted";
}

interface Read {
  readonly topics: readonly FetchTopicResult[];
  readonly bytes: number;
  readonly hasError: boolean;
}

/**
 * Reads whole batches of each partition. With less than `minBytes` it waits until that much has been appended or
 * `maxWaitMs` is over, and reads again; an error is answered at once.
 */
export async function handleFetch(
  broker: Broker,
  request: FetchRequest,
  { signal, version }: RequestContext,
): Promise<FetchResponse> {
  const scope = broker.fetchSessions.scopeOf(request, version >= BY_ID_SINCE, broker.clock.monotonicMs());
  if (scope.type === "refuse") return { errorCode: scope.errorCode, sessionId: 0, topics: [] };
  const topics = await readAndWait(broker, request, scope.topics, signal);
  if (scope.type === "plain") return { errorCode: ErrorCode.NONE, sessionId: 0, topics };
  const { session, isNew } = scope;
  const news = session.news(topics);
  return { errorCode: ErrorCode.NONE, sessionId: session.id, topics: isNew ? topics : news };
}

async function readAndWait(
  broker: Broker,
  request: FetchRequest,
  wanted: readonly FetchTopic[],
  signal: AbortSignal,
): Promise<readonly FetchTopicResult[]> {
  const topics = wanted.map((topic) => find(broker, topic));
  const minBytes = Math.min(request.minBytes, request.maxBytes);
  const first = read(broker, request, topics);
  if (first.hasError || first.bytes >= minBytes || request.maxWaitMs <= 0 || topics.length === 0) return first.topics;
  const wait = { isolation: isolationOf(request), bytes: minBytes - first.bytes, waitMs: request.maxWaitMs, signal };
  await appended(broker, partitionsOf(topics), wait);
  return signal.aborted ? [] : read(broker, request, topics).topics;
}

/** A topic of a request, with what there is of it. */
interface FoundTopic extends FetchTopic {
  readonly logs: readonly PartitionLog[];
  /** What is wrong with partitions that are not there. */
  readonly unknown: ErrorCode;
}

function find(broker: Broker, topic: FetchTopic): FoundTopic {
  const isById = topic.topicId !== "";
  const found = isById ? broker.topics.byId(topic.topicId) : broker.topics.get(topic.name);
  const unknown = isById && found === undefined ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  return { ...topic, logs: found?.partitions ?? [], unknown };
}

function read(broker: Broker, request: FetchRequest, topics: readonly FoundTopic[]): Read {
  const most = Math.min(request.maxBytes, broker.config.fetchMaxBytes);
  let bytes = 0;
  let hasError = false;
  const results = topics.map(({ name, topicId, partitions, logs, unknown }) => ({
    name,
    topicId,
    partitions: partitions.map((partition) => {
      const log = logs[partition.index];
      const result =
        log === undefined || log.removed
          ? failed(partition.index, unknown)
          : readPartition(log, partition, {
              maxBytes: Math.min(most - bytes, partition.maxBytes),
              // The first batch of a response comes whatever its size: else a large one would never be read.
              atLeastOne: bytes === 0,
              isolation: isolationOf(request),
            });
      for (const batch of result.batches) bytes += batch.byteLength;
      hasError ||= result.errorCode !== ErrorCode.NONE;
      return result;
    }),
  }));
  return { topics: results, bytes, hasError };
}

interface ReadLimits {
  readonly maxBytes: number;
  readonly atLeastOne: boolean;
  readonly isolation: Isolation;
}

function readPartition(log: PartitionLog, partition: FetchPartition, limits: ReadLimits): FetchPartitionResult {
  const { index, fetchOffset } = partition;
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

function partitionsOf(topics: readonly FoundTopic[]): PartitionLog[] {
  return topics.flatMap(({ partitions, logs }) => partitions.flatMap(({ index }) => logs[index] ?? []));
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
