import type { ErrorCode } from "../protocol/error-codes.ts";
import type { Message } from "../protocol/message.ts";

/*
 * ListGroupsRequest => [statesFilter:string](4+) tags
 *
 * ListGroupsResponse => throttleTimeMs:int32(1+) errorCode:int16 [groups] tags
 *   groups => groupId:string protocolType:string groupState:string(4+) tags
 */

export interface ListGroupsRequest {
  /** Empty asks for every state. */
  readonly statesFilter: readonly string[];
}

export interface ListedGroup {
  readonly groupId: string;
  readonly protocolType: string;
  readonly state: string;
}

export interface ListGroupsResponse {
  readonly errorCode: ErrorCode;
  readonly groups: readonly ListedGroup[];
}

export const listGroups: Message<ListGroupsRequest, ListGroupsResponse> = {
  apiKey: 16,
  name: "ListGroups",
  minVersion: 0,
  maxVersion: 4,
  flexibleFrom: 3,
  decodeRequest(reader, version) {
    const statesFilter = version >= 4 ? reader.array(() => reader.string()) : [];
    reader.tags();
    return { statesFilter };
  },
  encodeResponse(writer, { errorCode, groups }, version) {
    if (version >= 1) writer.int32(0);
    writer.int16(errorCode);
    writer.array(groups, ({ groupId, protocolType, state }) => {
      writer.string(groupId);
      writer.string(protocolType);
      if (version >= 4) writer.string(state);
      writer.tags();
    });
    writer.tags();
  },
};
