import { noBytes } from "../../../base/bytes.ts";
import { invariant } from "../../../base/errors.ts";
import type { JoinGroupProtocol, JoinGroupResponse } from "../messages/join-group.ts";
import { ErrorCode } from "../protocol/error-codes.ts";
import { joinRefused, syncRefused } from "./group-answers.ts";
import type {
  CommitClaim,
  GroupCommand,
  GroupDescription,
  GroupState,
  JoinRequest,
  LeaveResult,
  SyncRequest,
  Ticket,
} from "./group-types.ts";
import { Member } from "./member.ts";
import { chooseProtocol, commonProtocols } from "./protocol-choice.ts";

export interface GroupOptions {
  /** The last generation of an earlier life of the group; 0 where there was none. */
  readonly generation: number;
  readonly maxSize: number;
  /** How long an empty group waits for more members after the first. */
  readonly initialRebalanceDelayMs: number;
}

/** What each state may become; nothing else ever happens. */
const legal: Readonly<Record<GroupState, readonly GroupState[]>> = {
  Empty: ["PreparingRebalance", "Dead"],
  PreparingRebalance: ["CompletingRebalance", "Empty"],
  CompletingRebalance: ["Stable", "PreparingRebalance"],
  Stable: ["PreparingRebalance"],
  Dead: [],
};

/**
 * One consumer group as its coordinator sees it (Kafka's classic group protocol).
 *
 * A rebalance has two steps. *PreparingRebalance*: all members send JoinGroup and wait; who does not within the
 * rebalance time-out is removed. Then a generation begins. *CompletingRebalance*: the leader, who was told all members,
 * sends with SyncGroup what each shall have, and all get their part: *Stable*. A member that comes, leaves, changes or
 * falls silent starts it again.
 *
 * Pure: requests and times go in, answers come out as commands, each under the ticket of its request.
 */
export class Group {
  readonly #options: GroupOptions;
  readonly #members = new Map<string, Member>();
  /** Ids given out to members that have not come back with them yet, and until when they may. */
  readonly #pendingMembers = new Map<string, number>();
  /** Members of this generation that have not asked for their assignment yet. */
  readonly #unsynced = new Set<string>();
  #commands: GroupCommand[] = [];
  #state: GroupState = "Empty";
  #generation: number;
  #protocolType = "";
  #protocolName: string | null = null;
  #leader: string | undefined;
  /** Of the step that is under way: members that are missing then are removed. */
  #stepDeadlineMs = Number.POSITIVE_INFINITY;
  /** Of a first rebalance: not complete before. Moves on while new members come. */
  #initialDelayUntilMs = Number.NEGATIVE_INFINITY;
  #joinedDuringDelay = false;

  constructor(options: GroupOptions) {
    this.#options = options;
    this.#generation = options.generation;
  }

  get state(): GroupState {
    return this.#state;
  }

  /** Nobody is in it, nor about to be: what is stored of it says everything. */
  get isVacant(): boolean {
    return this.#state === "Empty" && this.#pendingMembers.size === 0;
  }

  get protocolType(): string {
    return this.#protocolType;
  }

  join(request: JoinRequest, nowMs: number): readonly GroupCommand[] {
    const known = this.#members.get(request.memberId);
    const isPending = this.#pendingMembers.has(request.memberId);
    if (known === undefined && !isPending && !this.#hasRoomForOneMore()) {
      this.#refuseJoin(request.ticket, "", ErrorCode.GROUP_MAX_SIZE_REACHED);
    } else if (request.memberId !== "" && known === undefined && !isPending) {
      this.#refuseJoin(request.ticket, request.memberId, ErrorCode.UNKNOWN_MEMBER_ID);
    } else if (!this.#supports(request.protocolType, request.protocols)) {
      this.#refuseJoin(request.ticket, request.memberId, ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
    } else if (known !== undefined) {
      this.#rejoin(known, request, nowMs);
    } else if (isPending) {
      this.#add(request.memberId, request, nowMs);
    } else if (request.requireKnownMemberId) {
      this.#pendingMembers.set(request.newMemberId, nowMs + request.sessionTimeoutMs);
      this.#refuseJoin(request.ticket, request.newMemberId, ErrorCode.MEMBER_ID_REQUIRED);
    } else {
      this.#add(request.newMemberId, request, nowMs);
    }
    return this.#takeCommands();
  }

  sync(request: SyncRequest, nowMs: number): readonly GroupCommand[] {
    const member = this.#members.get(request.memberId);
    const error = this.#checkMember(request.memberId, request.generationId) ?? this.#checkProtocol(request);
    if (error !== undefined || member === undefined) {
      this.#refuseSync(request.ticket, error ?? ErrorCode.UNKNOWN_MEMBER_ID);
      return this.#takeCommands();
    }
    switch (this.#state) {
      case "CompletingRebalance":
        this.#replaceSyncTicket(member, request.ticket);
        this.#unsynced.delete(member.id);
        if (member.id === this.#leader) this.#assign(request.assignments, nowMs);
        break;
      case "Stable":
        this.#unsynced.delete(member.id);
        member.keepAlive(nowMs);
        this.#answerSync(request.ticket, member.assignment);
        break;
      case "PreparingRebalance":
        this.#refuseSync(request.ticket, ErrorCode.REBALANCE_IN_PROGRESS);
        break;
      case "Empty":
      case "Dead":
        this.#refuseSync(request.ticket, ErrorCode.UNKNOWN_MEMBER_ID);
        break;
    }
    return this.#takeCommands();
  }

  /** The member is alive. The error tells it to join anew. */
  heartbeat(memberId: string, generationId: number, nowMs: number): ErrorCode {
    const error = this.#checkMember(memberId, generationId);
    if (error !== undefined) return error;
    this.#members.get(memberId)?.keepAlive(nowMs);
    return this.#state === "PreparingRebalance" ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE;
  }

  /**
   * Whether offsets may be committed. A member must belong to the present generation; who is no member (generation −1)
   * may only while nobody is in the group, or within a transaction: older producers do not tell who they are.
   */
  checkCommit({ memberId, generationId, isTransactional }: CommitClaim, nowMs: number): ErrorCode {
    if (generationId < 0 && (this.#state === "Empty" || (isTransactional && memberId === ""))) return ErrorCode.NONE;
    const error = this.#checkMember(memberId, generationId);
    if (error !== undefined) return error;
    this.#members.get(memberId)?.keepAlive(nowMs);
    // The member was told of the generation and not yet what it has of it: it can have nothing to commit.
    return this.#state === "CompletingRebalance" && !isTransactional ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE;
  }

  leave(memberId: string, nowMs: number): LeaveResult {
    if (this.#pendingMembers.delete(memberId)) {
      this.#completeJoinIfAll(nowMs);
      return { errorCode: ErrorCode.NONE, commands: this.#takeCommands() };
    }
    const member = this.#members.get(memberId);
    if (member === undefined) return { errorCode: ErrorCode.UNKNOWN_MEMBER_ID, commands: [] };
    this.#remove(member);
    this.#afterRemoval(nowMs);
    return { errorCode: ErrorCode.NONE, commands: this.#takeCommands() };
  }

  /** Applies every deadline up to `nowMs`. */
  tick(nowMs: number): readonly GroupCommand[] {
    for (const [id, untilMs] of this.#pendingMembers) if (untilMs <= nowMs) this.#pendingMembers.delete(id);
    const silent = [...this.#members.values()].filter((member) => member.deadlineMs <= nowMs);
    for (const member of silent) this.#remove(member);
    if (this.#stepDeadlineMs <= nowMs) this.#endStep(nowMs);
    else if (silent.length > 0) this.#afterRemoval(nowMs);
    else this.#completeJoinIfAll(nowMs);
    return this.#takeCommands();
  }

  /** When {@link tick} has something to do next; infinite where it never has. */
  nextDeadlineMs(): number {
    let next = this.#stepDeadlineMs;
    if (this.#initialDelayUntilMs > Number.NEGATIVE_INFINITY) next = Math.min(next, this.#initialDelayUntilMs);
    for (const untilMs of this.#pendingMembers.values()) next = Math.min(next, untilMs);
    for (const member of this.#members.values()) next = Math.min(next, member.deadlineMs);
    return next;
  }

  /** Ends the group's life. It must be empty. */
  retire(): void {
    this.#become("Dead");
  }

  describe(): GroupDescription {
    const protocol = this.#state === "Stable" ? this.#protocolName : null;
    return {
      state: this.#state,
      protocolType: this.#protocolType,
      protocolName: protocol ?? "",
      members: [...this.#members.values()].map((member) => ({
        memberId: member.id,
        groupInstanceId: member.groupInstanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        metadata: protocol === null ? noBytes : member.metadataOf(protocol),
        assignment: protocol === null ? noBytes : member.assignment,
      })),
    };
  }

  /** What each member tells of itself; of the protocol in use, or of its first one. */
  subscriptions(): readonly Uint8Array[] {
    return [...this.#members.values()].map((member) =>
      member.metadataOf(this.#protocolName ?? member.protocols[0]?.name ?? ""),
    );
  }

  // ------------------------------------------------------------------------------------------------- members

  #hasRoomForOneMore(): boolean {
    return this.#members.size + this.#pendingMembers.size < this.#options.maxSize;
  }

  #supports(protocolType: string, protocols: readonly JoinGroupProtocol[]): boolean {
    if (protocolType === "" || protocols.length === 0) return false;
    if (this.#members.size === 0) return true;
    return (
      protocolType === this.#protocolType && commonProtocols([{ protocols }, ...this.#members.values()]).length > 0
    );
  }

  #add(id: string, request: JoinRequest, nowMs: number): void {
    this.#pendingMembers.delete(id);
    if (this.#members.size === 0) this.#protocolType = request.protocolType;
    this.#members.set(id, new Member(id, request, nowMs));
    this.#leader ??= id;
    this.#joinedDuringDelay = true;
    this.#prepareRebalance(nowMs);
  }

  #rejoin(member: Member, request: JoinRequest, nowMs: number): void {
    const unchanged = member.matches(request.protocols);
    const isLeader = member.id === this.#leader;
    // It missed the answer of this generation, or is a follower that only asks again.
    const askedAgain = unchanged && (this.#state === "CompletingRebalance" || (this.#state === "Stable" && !isLeader));
    if (askedAgain) {
      this.#commands.push({ type: "answer-join", ticket: request.ticket, answer: this.#joined(member) });
      return;
    }
    // A leader that joins again wants a rebalance for a reason of its own, such as new partitions.
    if (member.joinTicket !== undefined)
      this.#refuseJoin(member.joinTicket, member.id, ErrorCode.REBALANCE_IN_PROGRESS);
    member.joinTicket = request.ticket;
    member.protocols = request.protocols;
    member.sessionTimeoutMs = request.sessionTimeoutMs;
    member.rebalanceTimeoutMs = request.rebalanceTimeoutMs;
    this.#prepareRebalance(nowMs);
  }

  #remove(member: Member): void {
    if (member.joinTicket !== undefined) this.#refuseJoin(member.joinTicket, "", ErrorCode.UNKNOWN_MEMBER_ID);
    if (member.syncTicket !== undefined) this.#refuseSync(member.syncTicket, ErrorCode.UNKNOWN_MEMBER_ID);
    this.#members.delete(member.id);
    this.#unsynced.delete(member.id);
    if (this.#leader !== member.id) return;
    const [next] = this.#members.keys();
    this.#leader = next;
  }

  #afterRemoval(nowMs: number): void {
    if (this.#state === "PreparingRebalance") this.#completeJoinIfAll(nowMs);
    else if (this.#state !== "Empty") this.#prepareRebalance(nowMs);
  }

  #checkMember(memberId: string, generationId: number): ErrorCode | undefined {
    if (this.#state === "Dead") return ErrorCode.COORDINATOR_NOT_AVAILABLE;
    if (!this.#members.has(memberId)) return ErrorCode.UNKNOWN_MEMBER_ID;
    return generationId === this.#generation ? undefined : ErrorCode.ILLEGAL_GENERATION;
  }

  #checkProtocol({ protocolType, protocolName }: SyncRequest): ErrorCode | undefined {
    const fits =
      (protocolType === null || protocolType === this.#protocolType) &&
      (protocolName === null || protocolName === this.#protocolName);
    return fits ? undefined : ErrorCode.INCONSISTENT_GROUP_PROTOCOL;
  }

  // ----------------------------------------------------------------------------------------------- rebalance

  #prepareRebalance(nowMs: number): void {
    if (this.#state !== "PreparingRebalance") {
      for (const member of this.#members.values()) {
        if (member.syncTicket === undefined) continue;
        this.#refuseSync(member.syncTicket, ErrorCode.REBALANCE_IN_PROGRESS);
        member.syncTicket = undefined;
        member.keepAlive(nowMs);
      }
      const delayMs = this.#state === "Empty" ? this.#options.initialRebalanceDelayMs : 0;
      this.#become("PreparingRebalance");
      this.#unsynced.clear();
      this.#stepDeadlineMs = nowMs + this.#longestRebalanceTimeoutMs();
      this.#initialDelayUntilMs = delayMs > 0 ? nowMs + delayMs : Number.NEGATIVE_INFINITY;
      this.#joinedDuringDelay = false;
    }
    this.#completeJoinIfAll(nowMs);
  }

  #completeJoinIfAll(nowMs: number): void {
    if (this.#state !== "PreparingRebalance") return;
    if (this.#isDelayed(nowMs)) return;
    if (this.#pendingMembers.size > 0) return;
    for (const member of this.#members.values()) if (member.joinTicket === undefined) return;
    this.#completeJoin(nowMs);
  }

  /** Whether a first rebalance still waits for more members; each delay in which some came is followed by another. */
  #isDelayed(nowMs: number): boolean {
    if (this.#initialDelayUntilMs > nowMs) return true;
    const waited = this.#initialDelayUntilMs > Number.NEGATIVE_INFINITY;
    const another = waited && this.#joinedDuringDelay;
    this.#joinedDuringDelay = false;
    this.#initialDelayUntilMs = another
      ? Math.min(nowMs + this.#options.initialRebalanceDelayMs, this.#stepDeadlineMs)
      : Number.NEGATIVE_INFINITY;
    return this.#initialDelayUntilMs > nowMs;
  }

  #endStep(nowMs: number): void {
    if (this.#state === "PreparingRebalance") {
      this.#completeJoin(nowMs);
      return;
    }
    this.#stepDeadlineMs = Number.POSITIVE_INFINITY;
    const missing = [...this.#unsynced].flatMap((id) => this.#members.get(id) ?? []);
    for (const member of missing) this.#remove(member);
    if (missing.length > 0) this.#afterRemoval(nowMs);
  }

  #completeJoin(nowMs: number): void {
    for (const member of [...this.#members.values()]) if (member.joinTicket === undefined) this.#remove(member);
    this.#generation++;
    this.#stepDeadlineMs = Number.POSITIVE_INFINITY;
    this.#initialDelayUntilMs = Number.NEGATIVE_INFINITY;
    this.#protocolName = chooseProtocol([...this.#members.values()]) ?? null;
    this.#commands.push({
      type: "store-generation",
      generation: this.#generation,
      protocolType: this.#protocolType,
    });
    if (this.#members.size === 0) {
      this.#become("Empty");
      return;
    }
    this.#become("CompletingRebalance");
    this.#stepDeadlineMs = nowMs + this.#longestRebalanceTimeoutMs();
    for (const member of this.#members.values()) {
      invariant(member.joinTicket !== undefined, `member ${member.id} is in a generation that it did not join`);
      this.#commands.push({ type: "answer-join", ticket: member.joinTicket, answer: this.#joined(member) });
      member.joinTicket = undefined;
      member.isNew = false;
      member.assignment = noBytes;
      member.keepAlive(nowMs);
      this.#unsynced.add(member.id);
    }
  }

  #assign(assignments: SyncRequest["assignments"], nowMs: number): void {
    const byMember = new Map(assignments.map(({ memberId, assignment }) => [memberId, assignment]));
    this.#become("Stable");
    for (const member of this.#members.values()) {
      member.assignment = byMember.get(member.id) ?? noBytes;
      member.keepAlive(nowMs);
      if (member.syncTicket === undefined) continue;
      this.#answerSync(member.syncTicket, member.assignment);
      member.syncTicket = undefined;
    }
  }

  #longestRebalanceTimeoutMs(): number {
    let longest = 0;
    for (const member of this.#members.values()) longest = Math.max(longest, member.rebalanceTimeoutMs);
    return longest;
  }

  #become(next: GroupState): void {
    invariant(legal[this.#state].includes(next), `a group cannot go from ${this.#state} to ${next}`);
    this.#state = next;
  }

  // ------------------------------------------------------------------------------------------------- answers

  #joined(member: Member): JoinGroupResponse {
    const protocolName = this.#protocolName ?? "";
    const members = member.id === this.#leader ? [...this.#members.values()] : [];
    return {
      errorCode: ErrorCode.NONE,
      generationId: this.#generation,
      protocolType: this.#protocolType,
      protocolName,
      leader: this.#leader ?? "",
      memberId: member.id,
      members: members.map(({ id, groupInstanceId, protocols }) => ({
        memberId: id,
        groupInstanceId,
        metadata: protocols.find(({ name }) => name === protocolName)?.metadata ?? noBytes,
      })),
    };
  }

  #refuseJoin(ticket: Ticket, memberId: string, errorCode: ErrorCode): void {
    this.#commands.push({ type: "answer-join", ticket, answer: joinRefused(memberId, errorCode) });
  }

  #replaceSyncTicket(member: Member, ticket: Ticket): void {
    if (member.syncTicket !== undefined) this.#refuseSync(member.syncTicket, ErrorCode.REBALANCE_IN_PROGRESS);
    member.syncTicket = ticket;
  }

  #answerSync(ticket: Ticket, assignment: Uint8Array): void {
    const answer = {
      errorCode: ErrorCode.NONE,
      protocolType: this.#protocolType,
      protocolName: this.#protocolName,
      assignment,
    };
    this.#commands.push({ type: "answer-sync", ticket, answer });
  }

  #refuseSync(ticket: Ticket, errorCode: ErrorCode): void {
    this.#commands.push({ type: "answer-sync", ticket, answer: syncRefused(errorCode) });
  }

  #takeCommands(): readonly GroupCommand[] {
    const commands = this.#commands;
    this.#commands = [];
    return commands;
  }
}
