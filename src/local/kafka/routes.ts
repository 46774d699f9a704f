import type { Reader } from "../../kafka/protocol/reader.ts";
import type { Writer } from "../../kafka/protocol/writer.ts";
import type { Broker } from "./broker.ts";
import { handleAlterConfigs, handleIncrementalAlterConfigs } from "./handlers/alter-configs.ts";
import { handleDeleteRecords } from "./handlers/delete-records.ts";
import { handleDescribeCluster } from "./handlers/describe-cluster.ts";
import { handleDescribeConfigs } from "./handlers/describe-configs.ts";
import { handleFetch } from "./handlers/fetch.ts";
import {
  handleDeleteGroups,
  handleDescribeGroups,
  handleFindCoordinator,
  handleHeartbeat,
  handleJoinGroup,
  handleLeaveGroup,
  handleListGroups,
  handleSyncGroup,
} from "./handlers/groups.ts";
import { type Handler, noAnswer, type RequestContext } from "./handlers/handler.ts";
import { handleListOffsets } from "./handlers/list-offsets.ts";
import { handleMetadata } from "./handlers/metadata.ts";
import { handleOffsetDelete } from "./handlers/offset-delete.ts";
import { handleOffsetCommit, handleOffsetFetch, handleTxnOffsetCommit } from "./handlers/offsets.ts";
import { handleProduce } from "./handlers/produce.ts";
import { handleSaslAuthenticate, handleSaslHandshake } from "./handlers/sasl.ts";
import { handleCreatePartitions, handleCreateTopics, handleDeleteTopics } from "./handlers/topics.ts";
import {
  handleAddOffsetsToTxn,
  handleAddPartitionsToTxn,
  handleEndTxn,
  handleInitProducerId,
} from "./handlers/transactions.ts";
import { addOffsetsToTxn } from "./messages/add-offsets-to-txn.ts";
import { addPartitionsToTxn } from "./messages/add-partitions-to-txn.ts";
import { alterConfigs, incrementalAlterConfigs } from "./messages/alter-configs.ts";
import { apiVersions } from "./messages/api-versions.ts";
import { createPartitions } from "./messages/create-partitions.ts";
import { createTopics } from "./messages/create-topics.ts";
import { deleteGroups } from "./messages/delete-groups.ts";
import { deleteRecords } from "./messages/delete-records.ts";
import { deleteTopics } from "./messages/delete-topics.ts";
import { describeCluster } from "./messages/describe-cluster.ts";
import { describeConfigs } from "./messages/describe-configs.ts";
import { describeGroups } from "./messages/describe-groups.ts";
import { endTxn } from "./messages/end-txn.ts";
import { fetch } from "./messages/fetch.ts";
import { findCoordinator } from "./messages/find-coordinator.ts";
import { heartbeat } from "./messages/heartbeat.ts";
import { initProducerId } from "./messages/init-producer-id.ts";
import { joinGroup } from "./messages/join-group.ts";
import { leaveGroup } from "./messages/leave-group.ts";
import { listGroups } from "./messages/list-groups.ts";
import { listOffsets } from "./messages/list-offsets.ts";
import { metadata } from "./messages/metadata.ts";
import { offsetCommit } from "./messages/offset-commit.ts";
import { offsetDelete } from "./messages/offset-delete.ts";
import { offsetFetch } from "./messages/offset-fetch.ts";
import { produce } from "./messages/produce.ts";
import { saslAuthenticate, saslHandshake } from "./messages/sasl.ts";
import { syncGroup } from "./messages/sync-group.ts";
import { txnOffsetCommit } from "./messages/txn-offset-commit.ts";
import { ErrorCode } from "./protocol/error-codes.ts";
import type { Message, MessageVersions } from "./protocol/message.ts";

/** Writes the body of a response. */
export type BodyWriter = (writer: Writer) => void;

/** A message with its handler, their types forgotten. */
export interface Route extends MessageVersions {
  /** Reads the body. @throws {ProtocolError} */
  decodeRequest(body: Reader, version: number): unknown;
  /** Reads the body, has it handled, and resolves to what writes the answer; undefined where none is wanted. */
  answer(broker: Broker, body: Reader, context: RequestContext): Promise<BodyWriter | undefined>;
}

function route<Request, Response>(message: Message<Request, Response>, handler: Handler<Request, Response>): Route {
  const { apiKey, name, minVersion, maxVersion, flexibleFrom } = message;
  return {
    apiKey,
    name,
    minVersion,
    maxVersion,
    flexibleFrom,
    decodeRequest: (body, version) => message.decodeRequest(body, version),
    async answer(broker, body, context) {
      const request = message.decodeRequest(body, context.version);
      const response = await handler(broker, request, context);
      if (response === noAnswer) return undefined;
      return (writer) => message.encodeResponse(writer, response, context.version);
    },
  };
}

/** What clients may call themselves and their version. */
const SOFTWARE = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/;

const allRoutes: readonly Route[] = [
  route(produce, handleProduce),
  route(fetch, handleFetch),
  route(listOffsets, handleListOffsets),
  route(metadata, handleMetadata),
  route(offsetCommit, handleOffsetCommit),
  route(offsetFetch, handleOffsetFetch),
  route(findCoordinator, handleFindCoordinator),
  route(joinGroup, handleJoinGroup),
  route(heartbeat, handleHeartbeat),
  route(leaveGroup, handleLeaveGroup),
  route(syncGroup, handleSyncGroup),
  route(describeGroups, handleDescribeGroups),
  route(listGroups, handleListGroups),
  route(saslHandshake, handleSaslHandshake),
  route(saslAuthenticate, handleSaslAuthenticate),
  route(apiVersions, (_broker, { clientSoftwareName, clientSoftwareVersion }) =>
    [clientSoftwareName, clientSoftwareVersion].every((text) => text === null || SOFTWARE.test(text))
      ? { errorCode: ErrorCode.NONE, apis: allRoutes }
      : { errorCode: ErrorCode.INVALID_REQUEST, apis: [] },
  ),
  route(createTopics, handleCreateTopics),
  route(deleteTopics, handleDeleteTopics),
  route(deleteRecords, handleDeleteRecords),
  route(initProducerId, handleInitProducerId),
  route(addPartitionsToTxn, handleAddPartitionsToTxn),
  route(addOffsetsToTxn, handleAddOffsetsToTxn),
  route(endTxn, handleEndTxn),
  route(txnOffsetCommit, handleTxnOffsetCommit),
  route(describeConfigs, handleDescribeConfigs),
  route(alterConfigs, handleAlterConfigs),
  route(createPartitions, handleCreatePartitions),
  route(deleteGroups, handleDeleteGroups),
  route(incrementalAlterConfigs, handleIncrementalAlterConfigs),
  route(offsetDelete, handleOffsetDelete),
  route(describeCluster, handleDescribeCluster),
];

/** Every request that this broker serves, by its number. */
export const routes: ReadonlyMap<number, Route> = new Map(allRoutes.map((served) => [served.apiKey, served]));

/** The answer to ApiVersions in a version that is not served: in version 0, which every client reads, with all ranges. */
export function refuseApiVersions(writer: Writer): void {
  apiVersions.encodeResponse(writer, { errorCode: ErrorCode.UNSUPPORTED_VERSION, apis: allRoutes }, 0);
}
