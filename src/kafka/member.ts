import type { Logger } from "../base/log.ts";
import {
  ASSIGNOR_NAME,
  assignPartitions,
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  type Holding,
} from "./assignor.ts";
import type { TopicConnection } from "./connection.ts";
import { classifyFailure, kafkaErrorType } from "./errors.ts";
import type { JoinedGroup } from "./wire.ts";

/** One assignment as the coordinator knows it: every request that depends on it names both. */
export interface Membership {
  readonly memberId: string;
  readonly generation: number;
  readonly partitions: readonly number[];
  /** Whether this member decides for the group, and so has to notice new partitions. */
  readonly isLeader: boolean;
  /** How many partitions the topic had when it was decided. */
  readonly partitionsOfTopic: number;
}

export interface MemberOptions {
  readonly group: string;
  /** The coordinator gives a silent member up after this, ms. */
  readonly sessionTimeoutMs: number;
  /** How long the coordinator waits for all to join again, ms. */
  readonly rebalanceTimeoutMs: number;
}

/** Joins and re-joins a consumer group (eagerly: each rebalance takes everything away and gives it out anew). */
export class GroupMember {
  readonly #options: MemberOptions;
  readonly #log: Logger;
  /** Kept over connections, so that a member that comes back need not wait until its former self has timed out. */
  #memberId = "";
  #holding: Holding = { generation: 0, partitions: [] };

  constructor(options: MemberOptions, log: Logger) {
    this.#options = options;
    this.#log = log;
  }

  /**
   * One round of JoinGroup and SyncGroup, which takes as long as the slowest member needs.
   *
   * @returns undefined when another round is needed at once, because the group went on meanwhile
   * @throws whatever kafkajs throws for the rest
   */
  async join(connection: TopicConnection): Promise<Membership | undefined> {
    const { group } = this.#options;
    try {
      const coordinator = await connection.coordinator(group);
      const joined = await coordinator.joinGroup({
        groupId: group,
        memberId: this.#memberId,
        sessionTimeout: this.#options.sessionTimeoutMs,
        rebalanceTimeout: this.#options.rebalanceTimeoutMs,
        groupProtocols: [{ name: ASSIGNOR_NAME, metadata: encodeSubscription(connection.topic, this.#holding) }],
      });
      this.#memberId = joined.memberId;
      const isLeader = joined.leaderId === joined.memberId;
      if (isLeader) await connection.refresh();
      const { memberAssignment } = await coordinator.syncGroup({
        groupId: group,
        generationId: joined.generationId,
        memberId: joined.memberId,
        groupAssignment: isLeader ? decide(joined, connection) : [],
      });
      const partitions = decodeAssignment(connection.topic, memberAssignment);
      this.#holding = { generation: joined.generationId, partitions };
      return {
        memberId: joined.memberId,
        generation: joined.generationId,
        partitions,
        isLeader,
        partitionsOfTopic: connection.partitions().length,
      };
    } catch (error) {
      if (classifyFailure(error) !== "stale-member") throw error;
      this.#noteStale(error);
      return undefined;
    }
  }

  /**
   * @returns false when the group has to be joined again
   * @throws whatever kafkajs throws for the rest; the membership may still hold
   */
  async heartbeat(connection: TopicConnection, membership: Membership): Promise<boolean> {
    try {
      const coordinator = await connection.coordinator(this.#options.group);
      await coordinator.heartbeat({
        groupId: this.#options.group,
        groupGenerationId: membership.generation,
        memberId: membership.memberId,
      });
      return true;
    } catch (error) {
      if (classifyFailure(error) !== "stale-member") throw error;
      this.#noteStale(error);
      return false;
    }
  }

  /** Gives everything back at once. Without it the others wait for the session timeout. */
  async leave(connection: TopicConnection): Promise<void> {
    const memberId = this.#memberId;
    if (memberId === "") return;
    this.#memberId = "";
    const coordinator = await connection.coordinator(this.#options.group);
    await coordinator.leaveGroup({ groupId: this.#options.group, memberId });
  }

  #noteStale(error: unknown): void {
    const type = kafkaErrorType(error);
    // Only this one means that the id itself is worth nothing any more.
    if (type === "UNKNOWN_MEMBER_ID") this.#memberId = "";
    this.#log.info("consumer group goes on without this generation", { group: this.#options.group, type });
  }
}

function decide(
  joined: JoinedGroup,
  connection: TopicConnection,
): readonly { memberId: string; memberAssignment: Buffer }[] {
  const members = joined.members.map(({ memberId, memberMetadata }) => decodeSubscription(memberId, memberMetadata));
  const assignment = assignPartitions(members, connection.partitions());
  return [...assignment].map(([memberId, partitions]) => ({
    memberId,
    memberAssignment: encodeAssignment(connection.topic, partitions),
  }));
}
