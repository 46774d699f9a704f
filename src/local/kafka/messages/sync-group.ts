import type { ErrorCode } from "../protocol/error-codes.ts";
import type { Message } from "../protocol/message.ts";

/*
 * SyncGroupRequest => groupId:string generationId:int32 memberId:string groupInstanceId:nullableString(3+)
 *                     protocolType:nullableString(5+) protocolName:nullableString(5+) [assignments] tags
 *   assignments => memberId:string assignment:bytes tags
 *
 * SyncGroupResponse => throttleTimeMs:int32(1+) errorCode:int16 protocolType:nullableString(5+)
 *                      protocolName:nullableString(5+) assignment:bytes tags
 */

export interface SyncGroupRequest {
  readonly groupId: string;
  readonly generationId: number;
  readonly memberId: string;
  /** null: not checked. */
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  /** Filled by the leader only. */
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Uint8Array }[];
}

export interface SyncGroupResponse {
  readonly errorCode: ErrorCode;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly assignment: Uint8Array;
}

export const syncGroup: Message<SyncGroupRequest, SyncGroupResponse> = {
  apiKey: 14,
  name: "SyncGroup",
  minVersion: 0,
  maxVersion: 5,
  flexibleFrom: 4,
  decodeRequest(reader, version) {
    const groupId = reader.string();
    const generationId = reader.int32();
    const memberId = reader.string();
    if (version >= 3) reader.nullableString(); // groupInstanceId: every member is dynamic here
    const protocolType = version >= 5 ? reader.nullableString() : null;
    const protocolName = version >= 5 ? reader.nullableString() : null;
    const assignments = reader.array(() => {
      const assignment = { memberId: reader.string(), assignment: reader.bytes() };
      reader.tags();
      return assignment;
    });
    reader.tags();
    return { groupId, generationId, memberId, protocolType, protocolName, assignments };
  },
  encodeResponse(writer, { errorCode, protocolType, protocolName, assignment }, version) {
    if (version >= 1) writer.int32(0);
    writer.int16(errorCode);
    if (version >= 5) {
      writer.nullableString(protocolType);
      writer.nullableString(protocolName);
    }
    writer.bytes(assignment);
    writer.tags();
  },
};
