import type { ErrorCode } from "../protocol/error-codes.ts";
import type { Message } from "../protocol/message.ts";

/*
 * LeaveGroupRequest => groupId:string memberId:string(0-2) [members](3+) tags
 *   members => memberId:string groupInstanceId:nullableString reason:nullableString(5+) tags
 *
 * LeaveGroupResponse => throttleTimeMs:int32(1+) errorCode:int16 [members](3+) tags
 *   members => memberId:string groupInstanceId:nullableString errorCode:int16 tags
 */

export interface LeavingMember {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
}

export interface LeaveGroupRequest {
  readonly groupId: string;
  /** Exactly one before version 3. */
  readonly members: readonly LeavingMember[];
}

export interface LeaveGroupResponse {
  readonly errorCode: ErrorCode;
  readonly members: readonly (LeavingMember & { readonly errorCode: ErrorCode })[];
}

export const leaveGroup: Message<LeaveGroupRequest, LeaveGroupResponse> = {
  apiKey: 13,
  name: "LeaveGroup",
  minVersion: 0,
  maxVersion: 5,
  flexibleFrom: 4,
  decodeRequest(reader, version) {
    const groupId = reader.string();
    const members =
      version < 3
        ? [{ memberId: reader.string(), groupInstanceId: null }]
        : reader.array(() => {
            const member = { memberId: reader.string(), groupInstanceId: reader.nullableString() };
            if (version >= 5) reader.nullableString();
            reader.tags();
            return member;
          });
    reader.tags();
    return { groupId, members };
  },
  encodeResponse(writer, { errorCode, members }, version) {
    if (version >= 1) writer.int32(0);
    if (version < 3) {
      // The only member's own error has no other place.
      writer.int16(errorCode === 0 ? (members[0]?.errorCode ?? errorCode) : errorCode);
      return;
    }
    writer.int16(errorCode);
    writer.array(members, (member) => {
      writer.string(member.memberId);
      writer.nullableString(member.groupInstanceId);
      writer.int16(member.errorCode);
      writer.tags();
    });
    writer.tags();
  },
};
