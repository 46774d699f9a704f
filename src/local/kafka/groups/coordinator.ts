import type { Clock } from "../../../base/clock.ts";
import { assertNever } from "../../../base/errors.ts";
import type { Logger } from "../../../base/log.ts";
import { formatUuid, type Random, uuidBytes } from "../../../base/random.ts";
import type { BrokerConfig } from "../broker-config.ts";
import type { DescribedGroup } from "../messages/describe-groups.ts";
import type { JoinGroupRequest, JoinGroupResponse } from "../messages/join-group.ts";
import type { ListedGroup } from "../messages/list-groups.ts";
import type { SyncGroupRequest, SyncGroupResponse } from "../messages/sync-group.ts";
import { ErrorCode } from "../protocol/error-codes.ts";
import { Group } from "./group.ts";
import { joinRefused, syncRefused } from "./group-answers.ts";
import type { CommitClaim, GroupCommand, Ticket } from "./group-types.ts";
import type { OffsetStore } from "./offset-store.ts";
import { subscribedTopics } from "./subscription.ts";

export interface GroupCoordinatorOptions {
  readonly offsets: OffsetStore;
  readonly config: BrokerConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** Who sent a request, as the members of a group are shown to people. */
export interface GroupClient {
  readonly clientId: string;
  readonly clientHost: string;
}

/** What consumers call their way to share partitions. */
const CONSUMER_PROTOCOL = "consumer";

/** Of groups whose members assign partitions among themselves; the only type that this broker has. */
const GROUP_TYPE = "classic";

interface LiveGroup {
  readonly group: Group;
  /** When its timer fires; infinite where it has none. */
  timerAtMs: number;
  cancelTimer: () => void;
}

/**
 * All groups: finds or makes the {@link Group} of each request, keeps its time and hands its answers out.
 *
 * Membership lives in memory, and only while somebody is in a group; after a restart the members learn that they are
 * unknown and join again. Offsets and generations are stored.
 */
export class GroupCoordinator {
  readonly #offsets: OffsetStore;
  readonly #config: BrokerConfig;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #log: Logger;
  readonly #groups = new Map<string, LiveGroup>();
  readonly #joins = new Map<Ticket, (answer: JoinGroupResponse) => void>();
  readonly #syncs = new Map<Ticket, (answer: SyncGroupResponse) => void>();
  #lastTicket = 0;

  constructor({ offsets, config, clock, random, log }: GroupCoordinatorOptions) {
    this.#offsets = offsets;
    this.#config = config;
    this.#clock = clock;
    this.#random = random;
    this.#log = log;
  }

  join(request: JoinGroupRequest, version: number, client: GroupClient): Promise<JoinGroupResponse> {
    const { groupId, memberId, sessionTimeoutMs } = request;
    const { groupMinSessionTimeoutMs, groupMaxSessionTimeoutMs } = this.#config;
    if (groupId === "") return Promise.resolve(joinRefused(memberId, ErrorCode.INVALID_GROUP_ID));
    if (sessionTimeoutMs < groupMinSessionTimeoutMs || sessionTimeoutMs > groupMaxSessionTimeoutMs) {
      return Promise.resolve(joinRefused(memberId, ErrorCode.INVALID_SESSION_TIMEOUT));
    }
    const live = this.#groups.get(groupId) ?? (memberId === "" ? this.#open(groupId) : undefined);
    if (live === undefined) return Promise.resolve(joinRefused(memberId, ErrorCode.UNKNOWN_MEMBER_ID));
    return new Promise((resolve) => {
      const ticket = ++this.#lastTicket;
      this.#joins.set(ticket, resolve);
      const commands = live.group.join(
        {
          ...request,
          ...client,
          ticket,
          newMemberId: `${client.clientId}-${formatUuid(uuidBytes(this.#random))}`,
          requireKnownMemberId: version >= 4 && request.groupInstanceId === null,
        },
        this.#clock.monotonicMs(),
      );
      this.#after(groupId, live, commands);
    });
  }

  sync(request: SyncGroupRequest): Promise<SyncGroupResponse> {
    const live = this.#groups.get(request.groupId);
    if (live === undefined) {
      const errorCode = request.groupId === "" ? ErrorCode.INVALID_GROUP_ID : ErrorCode.UNKNOWN_MEMBER_ID;
      return Promise.resolve(syncRefused(errorCode));
    }
    return new Promise((resolve) => {
      const ticket = ++this.#lastTicket;
      this.#syncs.set(ticket, resolve);
      this.#after(request.groupId, live, live.group.sync({ ...request, ticket }, this.#clock.monotonicMs()));
    });
  }

  heartbeat(groupId: string, memberId: string, generationId: number): ErrorCode {
    if (groupId === "") return ErrorCode.INVALID_GROUP_ID;
    const live = this.#groups.get(groupId);
    if (live === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
    return live.group.heartbeat(memberId, generationId, this.#clock.monotonicMs());
  }

  leave(groupId: string, memberId: string): ErrorCode {
    const live = this.#groups.get(groupId);
    if (live === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
    const { errorCode, commands } = live.group.leave(memberId, this.#clock.monotonicMs());
    this.#after(groupId, live, commands);
    return errorCode;
  }

  /** Whether the sender may commit offsets of the group now. */
  checkCommit(groupId: string, claim: CommitClaim): ErrorCode {
    const live = this.#groups.get(groupId);
    if (live !== undefined) return live.group.checkCommit(claim, this.#clock.monotonicMs());
    if (claim.generationId < 0) return ErrorCode.NONE;
    return this.#offsets.group(groupId) === undefined ? ErrorCode.ILLEGAL_GENERATION : ErrorCode.UNKNOWN_MEMBER_ID;
  }

  list(): ListedGroup[] {
    const groups = new Map<string, ListedGroup>();
    for (const { id, protocolType } of this.#offsets.groups()) {
      groups.set(id, { groupId: id, protocolType, state: "Empty", type: GROUP_TYPE });
    }
    for (const [groupId, { group }] of this.#groups) {
      groups.set(groupId, { groupId, protocolType: group.protocolType, state: group.state, type: GROUP_TYPE });
    }
    return [...groups.values()];
  }

  describe(groupId: string): DescribedGroup {
    const live = this.#groups.get(groupId);
    const found = { errorCode: ErrorCode.NONE, errorMessage: null, groupId };
    if (live !== undefined) return { ...found, ...live.group.describe() };
    const stored = this.#offsets.group(groupId);
    const state = stored === undefined ? "Dead" : "Empty";
    const protocolType = stored?.protocolType ?? "";
    return { ...found, state, protocolType, protocolName: "", members: [] };
  }

  delete(groupId: string): ErrorCode {
    if (this.#groups.has(groupId)) return ErrorCode.NON_EMPTY_GROUP;
    if (this.#offsets.group(groupId) === undefined) return ErrorCode.GROUP_ID_NOT_FOUND;
    this.#offsets.deleteGroup(groupId);
    return ErrorCode.NONE;
  }

  /** Whether offsets of the group may be deleted at all. */
  checkOffsetDelete(groupId: string): ErrorCode {
    if (groupId === "") return ErrorCode.INVALID_GROUP_ID;
    const live = this.#groups.get(groupId);
    if (live === undefined) {
      return this.#offsets.group(groupId) === undefined ? ErrorCode.GROUP_ID_NOT_FOUND : ErrorCode.NONE;
    }
    const isEmpty = live.group.state === "Empty";
    return isEmpty || live.group.protocolType === CONSUMER_PROTOCOL ? ErrorCode.NONE : ErrorCode.NON_EMPTY_GROUP;
  }

  /** Whether a member of the group reads the topic; one that does not tell may. */
  isSubscribed(groupId: string, topic: string): boolean {
    const subscriptions = this.#groups.get(groupId)?.group.subscriptions() ?? [];
    return subscriptions.some((metadata) => subscribedTopics(metadata)?.includes(topic) ?? true);
  }

  /** Stops all timers. Requests that wait are never answered: their connections are closed. */
  close(): void {
    for (const { cancelTimer } of this.#groups.values()) cancelTimer();
    this.#groups.clear();
    this.#joins.clear();
    this.#syncs.clear();
  }

  #open(groupId: string): LiveGroup {
    const { groupMaxSize, groupInitialRebalanceDelayMs } = this.#config;
    const group = new Group({
      generation: this.#offsets.group(groupId)?.generation ?? 0,
      maxSize: groupMaxSize,
      initialRebalanceDelayMs: groupInitialRebalanceDelayMs,
    });
    const live = { group, timerAtMs: Number.POSITIVE_INFINITY, cancelTimer: () => undefined };
    this.#groups.set(groupId, live);
    return live;
  }

  #after(groupId: string, live: LiveGroup, commands: readonly GroupCommand[]): void {
    for (const command of commands) this.#perform(groupId, command);
    if (live.group.isVacant) {
      live.cancelTimer();
      live.group.retire();
      this.#groups.delete(groupId);
    } else {
      this.#keepTime(groupId, live);
    }
  }

  #perform(groupId: string, command: GroupCommand): void {
    switch (command.type) {
      case "answer-join":
        this.#joins.get(command.ticket)?.(command.answer);
        this.#joins.delete(command.ticket);
        return;
      case "answer-sync":
        this.#syncs.get(command.ticket)?.(command.answer);
        this.#syncs.delete(command.ticket);
        return;
      case "store-generation":
        this.#storeGeneration(groupId, command.generation, command.protocolType);
        return;
      default:
        assertNever(command);
    }
  }

  #storeGeneration(groupId: string, generation: number, protocolType: string): void {
    try {
      this.#offsets.storeGroup({ id: groupId, generation, protocolType });
    } catch (error) {
      // The members are in memory and go on; only a restart would show them an older generation.
      this.#log.warn("group generation could not be stored", { group: groupId, error });
    }
  }

  /** A timer that fires too early only asks again, so it is moved only when something is due sooner. */
  #keepTime(groupId: string, live: LiveGroup): void {
    const dueMs = live.group.nextDeadlineMs();
    if (dueMs >= live.timerAtMs) return;
    live.cancelTimer();
    live.timerAtMs = dueMs;
    live.cancelTimer = this.#clock.schedule(dueMs - this.#clock.monotonicMs(), () => {
      live.timerAtMs = Number.POSITIVE_INFINITY;
      this.#after(groupId, live, live.group.tick(this.#clock.monotonicMs()));
    });
  }
}
