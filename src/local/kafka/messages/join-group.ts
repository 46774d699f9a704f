import type { ErrorCode } from "../protocol/error-codes.ts";
import type { Message } from "../protocol/message.ts";

/*
 * JoinGroupRequest => groupId:string sessionTimeoutMs:int32 rebalanceTimeoutMs:int32(1+) memberId:string
 *                     groupInstanceId:nullableString(5+) protocolType:string [protocols] reason:nullableString(8+) tags
 *   protocols => name:string metadata:bytes tags
 *
 * JoinGroupResponse => throttleTimeMs:int32(2+) errorCode:int16 generationId:int32 protocolType:nullableString(7+)
 *                      protocolName:string, nullable(7+) leader:string skipAssignment:boolean(9+) memberId:string
 *                      [members] tags
 *   members => memberId:string groupInstanceId:nullableString(5+) metadata:bytes tags
 */

export interface JoinGroupProtocol {
  readonly name: string;
  /** Opaque to the broker: the members' own subscription. */
  readonly metadata: Uint8Array;
}

export interface JoinGroupRequest {
  readonly groupId: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  /** Empty at the first try. */
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly protocolType: string;
  /** In the order of preference. */
  readonly protocols: readonly JoinGroupProtocol[];
}

export interface JoinGroupResponse {
  readonly errorCode: ErrorCode;
  /** −1 after an error. */
  readonly generationId: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly leader: string;
  readonly memberId: string;
  /** All members for the leader, nobody for the others. */
  readonly members: readonly {
    readonly memberId: string;
    readonly groupInstanceId: string | null;
    readonly metadata: Uint8Array;
  }[];
}

export const joinGroup: Message<JoinGroupRequest, JoinGroupResponse> = {
  apiKey: 11,
  name: "JoinGroup",
  minVersion: 0,
  maxVersion: 9,
  flexibleFrom: 6,
  decodeRequest(reader, version) {
    const groupId = reader.string();
    const sessionTimeoutMs = reader.int32();
    const rebalanceTimeoutMs = version >= 1 ? reader.int32() : sessionTimeoutMs;
    const memberId = reader.string();
    const groupInstanceId = version >= 5 ? reader.nullableString() : null;
    const protocolType = reader.string();
    const protocols = reader.array(() => {
      const protocol = { name: reader.string(), metadata: reader.bytes() };
      reader.tags();
      return protocol;
    });
    if (version >= 8) reader.nullableString();
    reader.tags();
    return { groupId, sessionTimeoutMs, rebalanceTimeoutMs, memberId, groupInstanceId, protocolType, protocols };
  },
  encodeResponse(writer, response, version) {
    if (version >= 2) writer.int32(0);
    writer.int16(response.errorCode);
    writer.int32(response.generationId);
    if (version >= 7) {
      writer.nullableString(response.protocolType);
      writer.nullableString(response.protocolName);
    } else {
      writer.string(response.protocolName ?? "");
    }
    writer.string(response.leader);
    if (version >= 9) writer.boolean(false);
    writer.string(response.memberId);
    writer.array(response.members, ({ memberId, groupInstanceId, metadata }) => {
      writer.string(memberId);
      if (version >= 5) writer.nullableString(groupInstanceId);
      writer.bytes(metadata);
      writer.tags();
    });
    writer.tags();
  },
};
