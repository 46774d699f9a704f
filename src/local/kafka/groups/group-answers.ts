import { noBytes } from "../../../base/bytes.ts";
import type { JoinGroupResponse } from "../messages/join-group.ts";
import type { SyncGroupResponse } from "../messages/sync-group.ts";
import type { ErrorCode } from "../protocol/error-codes.ts";

/** An answer to JoinGroup that carries an error and, where there is one, the id to use from now on. */
export function joinRefused(memberId: string, errorCode: ErrorCode): JoinGroupResponse {
  return {
    errorCode,
    generationId: -1,
    protocolType: null,
    protocolName: null,
    leader: "",
    memberId,
    members: [],
  };
}

export function syncRefused(errorCode: ErrorCode): SyncGroupResponse {
  return { errorCode, protocolType: null, protocolName: null, assignment: noBytes };
}
