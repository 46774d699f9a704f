import type { Broker } from "../broker.ts";
import { syncRefused } from "../groups/group-answers.ts";
import type { DeleteGroupsRequest, DeleteGroupsResponse } from "../messages/delete-groups.ts";
import type { DescribedGroup, DescribeGroupsRequest, DescribeGroupsResponse } from "../messages/describe-groups.ts";
import {
  CoordinatorType,
  type FindCoordinatorRequest,
  type FindCoordinatorResponse,
} from "../messages/find-coordinator.ts";
import type { HeartbeatRequest, HeartbeatResponse } from "../messages/heartbeat.ts";
import type { JoinGroupRequest, JoinGroupResponse } from "../messages/join-group.ts";
import type { LeaveGroupRequest, LeaveGroupResponse } from "../messages/leave-group.ts";
import type { ListGroupsRequest, ListGroupsResponse } from "../messages/list-groups.ts";
import type { SyncGroupRequest, SyncGroupResponse } from "../messages/sync-group.ts";
import { ErrorCode } from "../protocol/error-codes.ts";
import type { RequestContext } from "./handler.ts";

/** First version of SyncGroup whose clients must say which protocol they think is in use. */
const TELLS_PROTOCOL = 5;
/** First version of DescribeGroups whose clients know that a group may be unknown. */
const SAYS_UNKNOWN = 6;

/** The only broker coordinates everything. */
export function handleFindCoordinator(
  broker: Broker,
  { keyType, keys }: FindCoordinatorRequest,
): FindCoordinatorResponse {
  const isKnownType = keyType === CoordinatorType.GROUP || keyType === CoordinatorType.TRANSACTION;
  return {
    coordinators: keys.map((key) =>
      isKnownType
        ? { key, errorCode: ErrorCode.NONE, errorMessage: null, endpoint: broker.endpoint }
        : {
            key,
            errorCode: ErrorCode.INVALID_REQUEST,
            errorMessage: `Coordinator type is ${keyType}, must be 0 or 1`,
            endpoint: { nodeId: -1, host: "", port: -1 },
          },
    ),
  };
}

export function handleJoinGroup(
  broker: Broker,
  request: JoinGroupRequest,
  { version, clientId, clientHost }: RequestContext,
): Promise<JoinGroupResponse> {
  return broker.groups.join(request, version, { clientId, clientHost });
}

export async function handleSyncGroup(
  broker: Broker,
  request: SyncGroupRequest,
  { version }: RequestContext,
): Promise<SyncGroupResponse> {
  const isComplete = request.protocolType !== null && request.protocolName !== null;
  if (version >= TELLS_PROTOCOL && !isComplete) return syncRefused(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
  return broker.groups.sync(request);
}

export function handleHeartbeat(
  broker: Broker,
  { groupId, memberId, generationId }: HeartbeatRequest,
): HeartbeatResponse {
  return { errorCode: broker.groups.heartbeat(groupId, memberId, generationId) };
}

export function handleLeaveGroup(broker: Broker, { groupId, members }: LeaveGroupRequest): LeaveGroupResponse {
  if (groupId === "") return { errorCode: ErrorCode.INVALID_GROUP_ID, members: [] };
  return {
    errorCode: ErrorCode.NONE,
    members: members.map((member) => ({ ...member, errorCode: broker.groups.leave(groupId, member.memberId) })),
  };
}

export function handleListGroups(broker: Broker, request: ListGroupsRequest): ListGroupsResponse {
  const isWanted = (filter: readonly string[], value: string): boolean =>
    filter.length === 0 || filter.some((wanted) => wanted.toLowerCase() === value.toLowerCase());
  const groups = broker.groups
    .list()
    .filter(({ state, type }) => isWanted(request.statesFilter, state) && isWanted(request.typesFilter, type));
  return { errorCode: ErrorCode.NONE, groups };
}

export function handleDescribeGroups(
  broker: Broker,
  { groupIds }: DescribeGroupsRequest,
  { version }: RequestContext,
): DescribeGroupsResponse {
  const groups = groupIds.map((groupId) => broker.groups.describe(groupId));
  return { groups: version >= SAYS_UNKNOWN ? groups.map(withUnknown) : groups };
}

/** Older clients are shown a group that nobody ever used as a dead one without error. */
function withUnknown(group: DescribedGroup): DescribedGroup {
  if (group.state !== "Dead") return group;
  const errorMessage = `Group ${group.groupId} not found.`;
  return { ...group, errorCode: ErrorCode.GROUP_ID_NOT_FOUND, errorMessage };
}

export function handleDeleteGroups(broker: Broker, { groupIds }: DeleteGroupsRequest): DeleteGroupsResponse {
  return { results: [...new Set(groupIds)].map((groupId) => ({ groupId, errorCode: broker.groups.delete(groupId) })) };
}
