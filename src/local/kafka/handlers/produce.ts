import { describeError } from "../../../base/errors.ts";
import { ProtocolError } from "../../../kafka/protocol/errors.ts";
import {
  BATCH_HEADER_BYTES,
  decodeBatchHeader,
  type RecordBatchHeader,
  stampMaxTimestamp,
} from "../../../kafka/records/record-batch.ts";
import type { Broker } from "../broker.ts";
import { checkBatch } from "../log/batch-check.ts";
import { StorageError } from "../log/errors.ts";
import type { Appended, AppendTime, PartitionLog } from "../log/partition-log.ts";
import type { ProducePartition, ProducePartitionResult, ProduceRequest, ProduceResponse } from "../messages/produce.ts";
import { ErrorCode } from "../protocol/error-codes.ts";
import { noAnswer, type RequestContext } from "./handler.ts";

/** First version whose clients send the current message format. */
const FIRST_SERVED_VERSION = 3;
/** First version whose clients abort a transaction, and go on, when they are told so. */
const KNOWS_ABORTABLE = 11;

/** A batch that passed all checks that need no order. Its result comes when it is written. */
interface Append {
  readonly partition: PartitionLog;
  readonly batch: Uint8Array;
  readonly header: RecordBatchHeader;
  readonly time: AppendTime;
}

type Outcome = ProducePartitionResult | { readonly index: number; readonly append: Append };

/**
 * Checks each batch, writes those that pass in one transaction with what else arrives in this turn, and answers when
 * that is durable; so acks 1 and −1 mean the same.
 */
export async function handleProduce(
  broker: Broker,
  request: ProduceRequest,
  context: RequestContext,
): Promise<ProduceResponse | typeof noAnswer> {
  const refusal = refuseAll(request, context.version);
  const topics = request.topics.map(({ name, partitions }) => ({
    name,
    outcomes: partitions.map((partition) =>
      refusal === undefined ? prepare(broker, name, partition, context.version) : failed(partition.index, ...refusal),
    ),
  }));
  const appends = topics.flatMap(({ outcomes }) =>
    outcomes.flatMap((outcome) => ("append" in outcome ? outcome.append : [])),
  );
  const { version } = context;
  const results = await appendAll(broker, appends, { transactionalId: request.transactionalId, version });
  const response = {
    topics: topics.map(({ name, outcomes }) => ({
      name,
      partitions: outcomes.map((outcome) =>
        "append" in outcome ? toResult(outcome.index, outcome.append, results.get(outcome.append)) : outcome,
      ),
    })),
  };
  return request.acks === 0 ? withoutAnswer(response) : response;
}

function refuseAll(request: ProduceRequest, version: number): [ErrorCode, string] | undefined {
  if (version < FIRST_SERVED_VERSION) {
    return [
      ErrorCode.UNSUPPORTED_VERSION,
      `Produce version ${version} is not served, must be ${FIRST_SERVED_VERSION} or more`,
    ];
  }
  if (request.acks < -1 || request.acks > 1) {
    return [ErrorCode.INVALID_REQUIRED_ACKS, `acks is ${request.acks}, must be -1, 0 or 1`];
  }
  const twice = namedTwice(request);
  if (twice !== undefined) return [ErrorCode.INVALID_REQUEST, `${twice} is named twice, must be once`];
  const isTransactional = request.topics.some(({ partitions }) =>
    partitions.some(({ records }) => isInTransaction(records)),
  );
  if (isTransactional && request.transactionalId === null) {
    return [ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, "transactional records need a transactional id"];
  }
  return undefined;
}

/**
 * A partition that two batches are for: no client sends that. So a request unpacks at most one batch for each partition,
 * of which those that are damaged hold on to zlib's buffers until the event loop goes round.
 */
function namedTwice({ topics }: ProduceRequest): string | undefined {
  const seen = new Set<string>();
  for (const { name, partitions } of topics) {
    for (const { index } of partitions) {
      const partition = `${name}-${index}`;
      if (seen.has(partition)) return partition;
      seen.add(partition);
    }
  }
  return undefined;
}

function isInTransaction(records: Uint8Array | null): boolean {
  return records !== null && records.byteLength >= BATCH_HEADER_BYTES && decodeBatchHeader(records).isTransactional;
}

function prepare(broker: Broker, name: string, { index, records }: ProducePartition, version: number): Outcome {
  const topic = broker.topics.get(name);
  const partition = topic?.partitions[index];
  if (topic === undefined || partition === undefined) {
    return failed(index, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, "this broker has no such partition");
  }
  const nowMs = broker.clock.wallMs();
  const { maxMessageBytes, recordRules, isLogAppendTime } = topic.settings;
  const verdict = checkBatch(records, { ...recordRules, maxMessageBytes, produceVersion: version, nowMs });
  if (verdict.type === "refused" || records === null) {
    return verdict.type === "refused"
      ? failed(index, verdict.errorCode, verdict.reason)
      : failed(index, ErrorCode.INVALID_RECORD, "there are no records");
  }
  const { maxTimestampMs } = verdict;
  if (maxTimestampMs !== verdict.header.maxTimestampMs) stampMaxTimestamp(records, maxTimestampMs);
  const header = { ...verdict.header, maxTimestampMs };
  return { index, append: { partition, batch: records, header, time: { nowMs, isLogAppendTime } } };
}

/** What concerns all batches of a request. */
interface Origin {
  readonly transactionalId: string | null;
  readonly version: number;
}

/** @returns nothing for an append that the database refused */
async function appendAll(
  broker: Broker,
  appends: readonly Append[],
  origin: Origin,
): Promise<ReadonlyMap<Append, Appended>> {
  const results = new Map<Append, Appended>();
  if (appends.length === 0) return results;
  try {
    await broker.commits.run({
      apply() {
        for (const append of appends) results.set(append, write(broker, append, origin));
      },
      publish() {
        for (const { partition } of appends) partition.publish();
      },
      discard() {
        for (const { partition } of appends) partition.discard();
      },
    });
    return results;
  } catch (error) {
    if (error instanceof StorageError) return new Map();
    throw error;
  }
}

/** Within an open transaction of the database. The first batch of a producer's transaction needs its coordinator. */
function write(broker: Broker, { partition, batch, header, time }: Append, origin: Origin): Appended {
  const mayBegin = header.isTransactional && !partition.isInTransaction(header.producerId);
  if (mayBegin) {
    const refusal = broker.transactions.checkBatch(origin.transactionalId ?? "", header, partition);
    if (refusal !== ErrorCode.NONE) {
      const isAbortable = refusal === ErrorCode.INVALID_TXN_STATE && origin.version >= KNOWS_ABORTABLE;
      const errorCode = isAbortable ? ErrorCode.TRANSACTION_ABORTABLE : refusal;
      const errorMessage = "the producer has no open transaction that this partition was added to";
      return { errorCode, errorMessage, baseOffset: -1, maxTimestampMs: -1 };
    }
  }
  const appended = partition.stage(batch, header, time);
  if (mayBegin && partition.isInTransaction(header.producerId)) {
    broker.transactions.began(header, partition, appended.baseOffset);
  }
  return appended;
}

function toResult(index: number, { partition, time }: Append, appended: Appended | undefined): ProducePartitionResult {
  if (appended === undefined) return failed(index, ErrorCode.KAFKA_STORAGE_ERROR, "the disk refused the records");
  if (appended.errorCode !== ErrorCode.NONE) return failed(index, appended.errorCode, appended.errorMessage ?? "");
  return {
    index,
    errorCode: ErrorCode.NONE,
    baseOffset: appended.baseOffset,
    logAppendTimeMs: time.isLogAppendTime ? appended.maxTimestampMs : -1,
    logStartOffset: partition.logStartOffset,
    errorMessage: null,
  };
}

function failed(index: number, errorCode: ErrorCode, errorMessage: string): ProducePartitionResult {
  return { index, errorCode, baseOffset: -1, logAppendTimeMs: -1, logStartOffset: -1, errorMessage };
}

/** Who wants no answer learns of an error as Kafka tells it: the connection is closed, and metadata asked anew. */
function withoutAnswer(response: ProduceResponse): typeof noAnswer {
  const error = response.topics.flatMap(({ partitions }) => partitions).find(({ errorCode }) => errorCode !== 0);
  if (error !== undefined) {
    throw new ProtocolError(`Cannot append records sent with acks 0: ${describeError(error.errorMessage)}`);
  }
  return noAnswer;
}
