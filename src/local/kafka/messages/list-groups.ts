import type { ErrorCode } from "../protocol/error-codes.ts";
import type { Message } from "../protocol/message.ts";

/*
 * ListGroupsRequest => [statesFilter:string](4+) [typesFilter:string](5+) tags
 *
 * ListGroupsResponse => throttleTimeMs:int32(1+) errorCode:int16 [groups] tags
 *   groups => groupId:string protocolType:string groupState:string(4+) groupType:string(5+) tags
 */

export interface ListGroupsRequest {
  /** Empty asks for every state. */
  readonly statesFilter: readonly string[];
  /** Empty asks for every type. */
  readonly typesFilter: readonly string[];
}

export interface ListedGroup {
  readonly groupId: string;
  readonly protocolType: string;
  readonly state: string;
  readonly type: string;
}

export interface ListGroupsResponse {
  readonly errorCode: ErrorCode;
  readonly groups: readonly ListedGroup[];
}

export const listGroups: Message<ListGroupsRequest, ListGroupsResponse> = {
  apiKey: 16,
  name: "ListGroups",
  minVersion: 0,
  maxVersion: 5,
  flexibleFrom: 3,
  decodeRequest(reader, version) {
    const statesFilter = version >= 4 ? reader.array(() => reader.string()) : [];
    const typesFilter = version >= 5 ? reader.array(() => reader.string()) : [];
    reader.tags();
    return { statesFilter, typesFilter };
  },
  encodeResponse(writer, { errorCode, groups }, version) {
    if (version >= 1) writer.int32(0);
    writer.int16(errorCode);
    writer.array(groups, ({ groupId, protocolType, state, type }) => {
      writer.string(groupId);
      writer.string(protocolType);
      if (version >= 4) writer.string(state);
      if (version >= 5) writer.string(type);
      writer.tags();
    });
    writer.tags();
  },
};
