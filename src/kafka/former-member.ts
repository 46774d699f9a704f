import type { Clock } from "../base/clock.ts";
import { describeError } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import { abortable } from "./abortable.ts";
import { KafkaClient, type KafkaClientOptions } from "./client.ts";
import { TopicConnection } from "./connection.ts";
import { kafkaErrorType } from "./errors.ts";

/** Remembers who the member was, so that one that ends without leaving does not keep the next one waiting. */
export interface MemberMemory {
  /**
   * Id of the member of an earlier life that is over for certain; undefined where none is known. Should it be alive all
   * the same, it is fenced: the coordinator refuses its commits, as it does after a session timeout.
   */
  readonly former: string | undefined;
  /** The coordinator knows this life by that id. Returns at once. */
  joined(memberId: string): void;
}

export interface FormerMemberOptions {
  readonly kafka: Omit<KafkaClientOptions, "log" | "requestTimeoutMs">;
  readonly topic: string;
  readonly group: string;
  /** {@link MemberMemory.former} */
  readonly memberId: string | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

const ANSWER_TIMEOUT_MS = 5000;

/**
 * A member of an earlier life that was killed: the group holds its place until its session has timed out.
 *
 * It is made to leave only while another join waits. Were it to leave before, the group would be empty, and a broker
 * lets the first member of an empty group wait for others (`group.initial.rebalance.delay.ms`, 3 s).
 */
export class FormerMember {
  readonly #options: FormerMemberOptions;
  #memberId: string | undefined;
  #leaving = false;

  constructor(options: FormerMemberOptions) {
    this.#options = options;
    this.#memberId = options.memberId;
  }

  /** This life's join has been answered, so that the group waits for nobody. */
  gone(): void {
    this.#memberId = undefined;
  }

  /** The group waits for somebody, and it may be this one. Never throws: else the wait takes as long as it takes. */
  async leave(signal: AbortSignal): Promise<void> {
    const memberId = this.#memberId;
    if (memberId === undefined || this.#leaving) return;
    const { log } = this.#options;
    this.#leaving = true;
    try {
      await this.#leave(memberId, signal);
      log.info("the member of the life before has left the consumer group");
    } catch (error) {
      const unknown = kafkaErrorType(error) === "UNKNOWN_MEMBER_ID";
      if (!unknown) log.debug("the member of the life before did not leave", { error: describeError(error) });
    } finally {
      this.#leaving = false;
    }
  }

  /** On connections of its own: a broker answers nothing else on one whose JoinGroup is waiting. */
  async #leave(memberId: string, signal: AbortSignal): Promise<void> {
    const { kafka, topic, group, clock, log } = this.#options;
    const client = new KafkaClient({ ...kafka, log, requestTimeoutMs: ANSWER_TIMEOUT_MS });
    try {
      const connection = new TopicConnection(client, topic, clock);
      await abortable(connection.open(), signal);
      const coordinator = await abortable(connection.coordinator(group), signal);
      await abortable(coordinator.leaveGroup({ groupId: group, memberId }), signal);
    } finally {
      client.close();
    }
  }
}
