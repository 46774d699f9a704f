import type { Broker } from "../broker.ts";
import type { PartitionLog } from "../log/partition-log.ts";
import type { AddOffsetsToTxnRequest, AddOffsetsToTxnResponse } from "../messages/add-offsets-to-txn.ts";
import type { AddPartitionsToTxnRequest, AddPartitionsToTxnResponse } from "../messages/add-partitions-to-txn.ts";
import type { EndTxnRequest, EndTxnResponse } from "../messages/end-txn.ts";
import type { InitProducerIdRequest, InitProducerIdResponse } from "../messages/init-producer-id.ts";
import { ErrorCode } from "../protocol/error-codes.ts";
import type { RequestContext } from "./handler.ts";

/** Versions of each request from which on clients know PRODUCER_FENCED; those before do the same at another error. */
const INIT_PRODUCER_ID_KNOWS_FENCED = 4;
const OTHERS_KNOW_FENCED = 2;

export async function handleInitProducerId(
  broker: Broker,
  request: InitProducerIdRequest,
  { version }: RequestContext,
): Promise<InitProducerIdResponse> {
  const answer = await broker.transactions.initProducerId(request);
  return { ...answer, errorCode: asKnown(answer.errorCode, version >= INIT_PRODUCER_ID_KNOWS_FENCED) };
}

/** All partitions are added or none. */
export async function handleAddPartitionsToTxn(
  broker: Broker,
  request: AddPartitionsToTxnRequest,
  { version }: RequestContext,
): Promise<AddPartitionsToTxnResponse> {
  const found = request.topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map((index) => ({ index, log: broker.topics.partition(name, index) })),
  }));
  const logs = found.flatMap(({ partitions }) => partitions.map(({ log }) => log));
  const known = logs.filter((log) => log !== undefined);
  const answer = (errorOf: (log: PartitionLog | undefined) => ErrorCode): AddPartitionsToTxnResponse => ({
    topics: found.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ index, log }) => ({ index, errorCode: errorOf(log) })),
    })),
  });
  if (known.length < logs.length) {
    return answer((log) =>
      log === undefined ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.OPERATION_NOT_ATTEMPTED,
    );
  }
  const errorCode = await broker.transactions.addPartitions(request.transactionalId, request, known);
  return answer(() => asKnown(errorCode, version >= OTHERS_KNOW_FENCED));
}

export async function handleAddOffsetsToTxn(
  broker: Broker,
  request: AddOffsetsToTxnRequest,
  { version }: RequestContext,
): Promise<AddOffsetsToTxnResponse> {
  const errorCode = await broker.transactions.addGroup(request.transactionalId, request, request.groupId);
  return { errorCode: asKnown(errorCode, version >= OTHERS_KNOW_FENCED) };
}

export async function handleEndTxn(
  broker: Broker,
  request: EndTxnRequest,
  { version }: RequestContext,
): Promise<EndTxnResponse> {
  const errorCode = await broker.transactions.end(request.transactionalId, request, request.committed);
  return { errorCode: asKnown(errorCode, version >= OTHERS_KNOW_FENCED) };
}

function asKnown(errorCode: ErrorCode, knowsFenced: boolean): ErrorCode {
  return errorCode === ErrorCode.PRODUCER_FENCED && !knowsFenced ? ErrorCode.INVALID_PRODUCER_EPOCH : errorCode;
}
