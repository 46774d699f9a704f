import { ErrorCode } from "../protocol/error-codes.ts";

/** What is wrong with the leader epoch that a client believes in; −1 is none. */
export function checkLeaderEpoch(claimed: number, current: number): ErrorCode | undefined {
  if (claimed < 0 || claimed === current) return undefined;
  return claimed < current ? ErrorCode.FENCED_LEADER_EPOCH : ErrorCode.UNKNOWN_LEADER_EPOCH;
}
