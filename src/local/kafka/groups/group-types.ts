import type { DescribedMember } from "../messages/describe-groups.ts";
import type { JoinGroupProtocol, JoinGroupResponse } from "../messages/join-group.ts";
import type { SyncGroupResponse } from "../messages/sync-group.ts";
import type { ErrorCode } from "../protocol/error-codes.ts";

/** Kafka's own names, as ListGroups and DescribeGroups show them. */
export type GroupState = "Empty" | "PreparingRebalance" | "CompletingRebalance" | "Stable" | "Dead";

/** Stands for a request whose answer may come later. Given out by the shell; every ticket is answered once. */
export type Ticket = number;

export interface JoinRequest {
  readonly ticket: Ticket;
  /** Empty where the client has none yet. */
  readonly memberId: string;
  /** The id that a member without one gets: random, so it comes from the shell. */
  readonly newMemberId: string;
  /** Whether a new member must come back with its id before it counts (JoinGroup from version 4 on). */
  readonly requireKnownMemberId: boolean;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly protocolType: string;
  /** In the order of the member's preference. */
  readonly protocols: readonly JoinGroupProtocol[];
}

export interface SyncRequest {
  readonly ticket: Ticket;
  readonly memberId: string;
  readonly generationId: number;
  /** null: not checked. */
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Uint8Array }[];
}

/** Who wants to commit offsets. */
export interface CommitClaim {
  readonly memberId: string;
  /** −1: no member. */
  readonly generationId: number;
  readonly isTransactional: boolean;
}

export type GroupCommand =
  | { readonly type: "answer-join"; readonly ticket: Ticket; readonly answer: JoinGroupResponse }
  | { readonly type: "answer-sync"; readonly ticket: Ticket; readonly answer: SyncGroupResponse }
  /** To be stored, so that generations go on rising after a restart. */
  | { readonly type: "store-generation"; readonly generation: number; readonly protocolType: string };

export interface LeaveResult {
  readonly errorCode: ErrorCode;
  readonly commands: readonly GroupCommand[];
}

export interface GroupDescription {
  readonly state: GroupState;
  readonly protocolType: string;
  readonly protocolName: string;
  readonly members: readonly DescribedMember[];
}
