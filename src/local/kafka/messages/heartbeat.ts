import type { ErrorCode } from "../protocol/error-codes.ts";
import type { Message } from "../protocol/message.ts";

/*
 * HeartbeatRequest => groupId:string generationId:int32 memberId:string groupInstanceId:nullableString(3+) tags
 *
 * HeartbeatResponse => throttleTimeMs:int32(1+) errorCode:int16 tags
 */

export interface HeartbeatRequest {
  readonly groupId: string;
  readonly generationId: number;
  readonly memberId: string;
}

export interface HeartbeatResponse {
  readonly errorCode: ErrorCode;
}

export const heartbeat: Message<HeartbeatRequest, HeartbeatResponse> = {
  apiKey: 12,
  name: "Heartbeat",
  minVersion: 0,
  maxVersion: 4,
  flexibleFrom: 4,
  decodeRequest(reader, version) {
    const request = { groupId: reader.string(), generationId: reader.int32(), memberId: reader.string() };
    if (version >= 3) reader.nullableString();
    reader.tags();
    return request;
  },
  encodeResponse(writer, { errorCode }, version) {
    if (version >= 1) writer.int32(0);
    writer.int16(errorCode);
    writer.tags();
  },
};
