import type { ErrorCode } from "../protocol/error-codes.ts";
import type { Message } from "../protocol/message.ts";
import { AUTHORIZED_OPERATIONS_NOT_ASKED } from "./authorized-operations.ts";

/*
 * DescribeGroupsRequest => [groups:string] includeAuthorizedOperations:boolean(3+) tags
 *
 * DescribeGroupsResponse => throttleTimeMs:int32(1+) [groups] tags
 *   groups => errorCode:int16 errorMessage:nullableString(6+) groupId:string groupState:string protocolType:string
 *             protocolData:string [members] authorizedOperations:int32(3+) tags
 *     members => memberId:string groupInstanceId:nullableString(4+) clientId:string clientHost:string
 *                memberMetadata:bytes memberAssignment:bytes tags
 */

export interface DescribeGroupsRequest {
  readonly groupIds: readonly string[];
}

export interface DescribedMember {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly metadata: Uint8Array;
  readonly assignment: Uint8Array;
}

export interface DescribedGroup {
  readonly errorCode: ErrorCode;
  readonly errorMessage: string | null;
  readonly groupId: string;
  readonly state: string;
  readonly protocolType: string;
  /** Name of the assignor in use; empty unless the group is stable. */
  readonly protocolName: string;
  readonly members: readonly DescribedMember[];
}

export interface DescribeGroupsResponse {
  readonly groups: readonly DescribedGroup[];
}

export const describeGroups: Message<DescribeGroupsRequest, DescribeGroupsResponse> = {
  apiKey: 15,
  name: "DescribeGroups",
  minVersion: 0,
  maxVersion: 6,
  flexibleFrom: 5,
  decodeRequest(reader, version) {
    const groupIds = reader.array(() => reader.string());
    if (version >= 3) reader.boolean();
    reader.tags();
    return { groupIds };
  },
  encodeResponse(writer, { groups }, version) {
    if (version >= 1) writer.int32(0);
    writer.array(groups, (group) => {
      writer.int16(group.errorCode);
      if (version >= 6) writer.nullableString(group.errorMessage);
      writer.string(group.groupId);
      writer.string(group.state);
      writer.string(group.protocolType);
      writer.string(group.protocolName);
      writer.array(group.members, (member) => {
        writer.string(member.memberId);
        if (version >= 4) writer.nullableString(member.groupInstanceId);
        writer.string(member.clientId);
        writer.string(member.clientHost);
        writer.bytes(member.metadata);
        writer.bytes(member.assignment);
        writer.tags();
      });
      if (version >= 3) writer.int32(AUTHORIZED_OPERATIONS_NOT_ASKED);
      writer.tags();
    });
    writer.tags();
  },
};
