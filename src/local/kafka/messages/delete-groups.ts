import type { ErrorCode } from "../protocol/error-codes.ts";
import type { Message } from "../protocol/message.ts";

/*
 * DeleteGroupsRequest => [groupIds:string] tags
 *
 * DeleteGroupsResponse => throttleTimeMs:int32 [results] tags
 *   results => groupId:string errorCode:int16 tags
 */

export interface DeleteGroupsRequest {
  readonly groupIds: readonly string[];
}

export interface DeleteGroupsResponse {
  readonly results: readonly { readonly groupId: string; readonly errorCode: ErrorCode }[];
}

export const deleteGroups: Message<DeleteGroupsRequest, DeleteGroupsResponse> = {
  apiKey: 42,
  name: "DeleteGroups",
  minVersion: 0,
  maxVersion: 2,
  flexibleFrom: 2,
  decodeRequest(reader) {
    const groupIds = reader.array(() => reader.string());
    reader.tags();
    return { groupIds };
  },
  encodeResponse(writer, { results }) {
    writer.int32(0);
    writer.array(results, ({ groupId, errorCode }) => {
      writer.string(groupId);
      writer.int16(errorCode);
      writer.tags();
    });
    writer.tags();
  },
};
