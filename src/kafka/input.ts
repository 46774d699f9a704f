import { type BackoffOptions, backoffMs } from "../base/backoff.ts";
import type { Clock } from "../base/clock.ts";
import { describeError, invariant } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import { StaleAssignmentError } from "../engine/errors.ts";
import type { AssignedPartition, AssignmentEpoch, Input, InputEvent, OffsetCommit } from "../engine/ports.ts";
import { abortable } from "./abortable.ts";
import { KafkaClient, type KafkaClientOptions } from "./client.ts";
import { TopicConnection } from "./connection.ts";
import { asKafkaError, classifyFailure, KafkaClosedError, TopicMadeAnewError, topicRefused } from "./errors.ts";
import { FormerMember, type MemberMemory } from "./former-member.ts";
import { GroupMember, type Membership } from "./member.ts";
import { readPositions } from "./offsets.ts";
import { PartitionReader, type ReaderOptions } from "./reader.ts";

export interface KafkaInputOptions {
  readonly kafka: Omit<KafkaClientOptions, "log" | "requestTimeoutMs">;
  readonly topic: string;
  readonly group: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** undefined: a successor of a killed process waits until that one's session has timed out. */
  readonly memory?: MemberMemory | undefined;
  /**
   * After so long without a heartbeat the others take over, ms.
   * Brokers accept 6 s to 30 min by default. Default 10 s.
   */
  readonly sessionTimeoutMs?: number;
  /** How long a rebalance waits for members that do not join again, ms. Default 30 s. */
  readonly rebalanceTimeoutMs?: number;
  /** Default 2 s. A rebalance is noticed with the next heartbeat. */
  readonly heartbeatMs?: number;
  /** How often to look for new partitions, ms. Default 30 s. */
  readonly metadataMs?: number;
  readonly reader?: Partial<ReaderOptions>;
}

const RETRY: BackoffOptions = { initialMs: 200, maxMs: 10_000 };
/** A topic that is missing will be made by a person. */
const RETRY_REFUSED: BackoffOptions = { initialMs: 1000, maxMs: 60_000 };
/** A session that held for so long was a good one: the next failure is a first one. */
const GOOD_SESSION_MS = 60_000;
/** A group's first member waits until its coordinator has been made: that takes a second, and is no interruption. */
const COORDINATOR_ATTEMPTS = 5;
const LONG_JOIN_MS = 2000;
/** A join takes a few ms where the group waits for nobody. */
const WAITING_JOIN_MS = 200;
const LEAVE_TIMEOUT_MS = 2000;

/** What is held now. A commit or a batch that belongs to another object than the present one is stale. */
interface Held {
  readonly epoch: AssignmentEpoch;
  readonly membership: Membership;
  readonly connection: TopicConnection;
  readonly reader: PartitionReader;
  /** undefined: the cluster gives topics no ids. */
  readonly topicId: string | undefined;
}

/** Where to begin, and in which topic of the name. */
interface Start extends Pick<Held, "topicId"> {
  readonly positions: readonly AssignedPartition[];
}

/**
 * One topic, read as a member of one consumer group.
 *
 * A session is one set of connections: it joins the group, holds assignments, one after the other, and ends with the
 * first failure that its parts cannot mend themselves; another follows after a pause. Nothing is committed but by
 * {@link KafkaInput.commit}.
 *
 * `assigned` comes with every rebalance. It also comes, with a new epoch and unchanged partitions, when a position
 * turns out to lie outside of the log (retention passed it), or the topic to be another one of the same name, since where
 * to go on is the engine's decision.
 */
export class KafkaInput implements Input {
  readonly #options: Required<Omit<KafkaInputOptions, "reader" | "memory">> &
    Pick<KafkaInputOptions, "reader" | "memory">;
  readonly #member: GroupMember;
  readonly #former: FormerMember;
  readonly #closing = new AbortController();
  #onEvent: (event: InputEvent) => void = () => undefined;
  #loop: Promise<void> | undefined;
  #epoch: AssignmentEpoch = 0;
  #held: Held | undefined;
  /** Under way; a new assignment reads what is committed only after them. */
  readonly #commits = new Set<Promise<void>>();

  constructor(options: KafkaInputOptions) {
    this.#options = {
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 30_000,
      heartbeatMs: 2000,
      metadataMs: 30_000,
      ...options,
      log: options.log.child({ topic: options.topic, group: options.group }),
    };
    this.#member = new GroupMember(this.#options, this.#options.log);
    this.#former = new FormerMember({ ...this.#options, memberId: options.memory?.former });
  }

  async start(onEvent: (event: InputEvent) => void): Promise<void> {
    invariant(this.#loop === undefined, "an input is started once");
    this.#onEvent = onEvent;
    this.#loop = this.#run();
  }

  seek(epoch: AssignmentEpoch, partition: number, offset: number): void {
    if (this.#held?.epoch === epoch) this.#held.reader.seek(partition, offset);
  }

  pause(partitions: readonly number[]): void {
    this.#held?.reader.pause(partitions);
  }

  resume(partitions: readonly number[]): void {
    this.#held?.reader.resume(partitions);
  }

  commit(epoch: AssignmentEpoch, offsets: readonly OffsetCommit[]): Promise<void> {
    const held = this.#held;
    if (held?.epoch !== epoch) return Promise.reject(stale(epoch));
    const done = this.#commit(held, offsets).finally(() => this.#commits.delete(done));
    this.#commits.add(done);
    return done;
  }

  async close(): Promise<void> {
    this.#closing.abort(new KafkaClosedError(`Cannot read topic "${this.#options.topic}": the input is closed`));
    await this.#loop;
  }

  // ------------------------------------------------------------------------------------------------------- sessions

  async #run(): Promise<void> {
    const { clock, random, log } = this.#options;
    const signal = this.#closing.signal;
    for (let failures = 1; !signal.aborted; failures++) {
      const startedMs = clock.monotonicMs();
      try {
        await this.#session(signal);
      } catch (error) {
        if (signal.aborted) return;
        if (clock.monotonicMs() - startedMs > GOOD_SESSION_MS) failures = 1;
        const refused = isRefused(error);
        const shown = asKafkaError(`read topic "${this.#options.topic}" as group "${this.#options.group}"`, error);
        log.warn(refused ? "input refused" : "input interrupted", { error: describeError(shown) });
        this.#emit({ type: refused ? "refused" : "interrupted", error: shown });
        const pauseMs = backoffMs(refused ? RETRY_REFUSED : RETRY, failures, random);
        await clock.sleep(pauseMs, { signal }).catch(() => undefined); // aborted: the loop ends
      }
    }
  }

  /** Ends with an error, or with `signal`. */
  async #session(signal: AbortSignal): Promise<void> {
    const { kafka, topic, clock, log, sessionTimeoutMs } = this.#options;
    const client = new KafkaClient({ ...kafka, log, requestTimeoutMs: Math.max(5000, sessionTimeoutMs) });
    const connection = new TopicConnection(client, topic, clock);
    // After a failure that will pass, the member comes back under its own name, and nobody has to wait for it to expire.
    let isGoing = true;
    try {
      await abortable(connection.open(), signal);
      while (!signal.aborted) {
        const membership = await this.#join(connection, signal);
        await this.#hold(connection, membership, signal);
      }
    } catch (error) {
      isGoing = signal.aborted || isRefused(error);
      throw error;
    } finally {
      this.#held = undefined;
      if (isGoing) await this.#leave(connection);
      client.close();
    }
  }

  async #join(connection: TopicConnection, signal: AbortSignal): Promise<Membership> {
    const { clock, random, log, memory } = this.#options;
    for (let attempt = 1; ; attempt++) {
      const cancelHaste = clock.schedule(WAITING_JOIN_MS, () => void this.#former.leave(signal));
      const cancelWord = clock.schedule(LONG_JOIN_MS, () => {
        log.info("waiting for the consumer group: a former member may have to time out first");
      });
      try {
        const membership = await abortable(this.#member.join(connection), signal);
        if (membership !== undefined) {
          this.#former.gone();
          memory?.joined(membership.memberId);
          return membership;
        }
      } catch (error) {
        if (classifyFailure(error) !== "coordinator-moved" || attempt >= COORDINATOR_ATTEMPTS) throw error;
        connection.forgetCoordinator();
      } finally {
        cancelHaste();
        cancelWord();
      }
      await clock.sleep(backoffMs(RETRY, attempt, random), { signal });
    }
  }

  /** Others then need not wait for the session timeout. A broker that does not answer is not waited for. */
  async #leave(connection: TopicConnection): Promise<void> {
    const late = new AbortController();
    const cancel = this.#options.clock.schedule(LEAVE_TIMEOUT_MS, () => late.abort(new Error("no answer in time")));
    try {
      await abortable(this.#member.leave(connection), late.signal).finally(cancel);
    } catch (error) {
      this.#options.log.debug("could not leave the consumer group", { error: describeError(error) });
    }
  }

  /** Returns when the group has to be joined again. */
  async #hold(connection: TopicConnection, membership: Membership, outer: AbortSignal): Promise<void> {
    const { log } = this.#options;
    const { partitions, generation } = membership;
    log.info("partitions assigned", { partitions: partitions.join(","), generation });
    const ended = new AbortController();
    const signal = AbortSignal.any([outer, ended.signal]);
    const tasks = [
      this.#beat(connection, membership, signal),
      this.#watchPartitions(connection, membership, signal),
      this.#serve(connection, membership, signal),
    ];
    try {
      await Promise.race(tasks);
    } finally {
      ended.abort(new KafkaClosedError("Cannot go on: the assignment has ended"));
      await Promise.allSettled(tasks);
    }
  }

  /** Returns when the group goes on without this generation. */
  async #beat(connection: TopicConnection, membership: Membership, signal: AbortSignal): Promise<void> {
    const { clock, heartbeatMs, sessionTimeoutMs, log } = this.#options;
    for (let lastMs = clock.monotonicMs(); ; ) {
      await clock.sleep(heartbeatMs, { signal });
      try {
        if (!(await abortable(this.#member.heartbeat(connection, membership), signal))) return;
        lastMs = clock.monotonicMs();
      } catch (error) {
        const failure = classifyFailure(error);
        const isOver = clock.monotonicMs() - lastMs > sessionTimeoutMs;
        if (signal.aborted || isOver || (failure !== "coordinator-moved" && failure !== "unavailable")) throw error;
        connection.forgetCoordinator();
        log.debug("heartbeat failed", { error: describeError(error) });
      }
    }
  }

  /**
   * Returns when the topic has other partitions than were given out, which is the group leader's business, or when it is
   * another topic.
   */
  async #watchPartitions(connection: TopicConnection, membership: Membership, signal: AbortSignal): Promise<void> {
    const { clock, metadataMs, log } = this.#options;
    for (;;) {
      await clock.sleep(metadataMs, { signal });
      try {
        await abortable(this.#refresh(connection, this.#held?.topicId), signal);
      } catch (error) {
        const failure = classifyFailure(error);
        if (signal.aborted || failure === "topic-refused") throw error;
        if (failure === "out-of-range") return;
        log.debug("metadata not refreshed", { error: describeError(error) });
        continue;
      }
      if (membership.isLeader && connection.partitions().length !== membership.partitionsOfTopic) return;
    }
  }

  /** Reads what is assigned, in as many epochs as it takes; ends with an error, or with `signal`. */
  async #serve(connection: TopicConnection, membership: Membership, signal: AbortSignal): Promise<void> {
    const { topic, clock, random, log } = this.#options;
    for (let attempt = 1; ; attempt++) {
      const { topicId, positions } = await this.#readStart(connection, membership, signal);
      const epoch = ++this.#epoch;
      const reader = new PartitionReader(
        {
          topic,
          leaders: () => connection.leaders(),
          fetch: (broker, request) => connection.fetch(broker, request),
          refresh: () => this.#refresh(connection, topicId),
        },
        membership.partitions,
        {
          received: (batch) => this.#emit({ type: "received", epoch, ...batch }),
          interrupted: (error) => this.#emit({ type: "interrupted", error }),
        },
        { ...this.#options.reader, clock, random },
      );
      this.#held = { epoch, membership, connection, reader, topicId };
      this.#emit({ type: "assigned", epoch, topicId, partitions: positions });
      try {
        return await reader.run(signal);
      } catch (error) {
        if (classifyFailure(error) !== "out-of-range") throw error;
        log.warn("where to read is decided anew", { topic, reason: describeError(error) });
        await clock.sleep(backoffMs(RETRY, attempt, random), { signal });
      }
    }
  }

  /** @throws {TopicMadeAnewError} it is not the topic any more of which this is the id */
  async #refresh(connection: TopicConnection, topicId: string | undefined): Promise<void> {
    await connection.refresh();
    const now = topicId === undefined ? undefined : await connection.topicId();
    if (now === undefined || now === topicId) return;
    throw new TopicMadeAnewError(`Cannot go on reading topic "${connection.topic}": it was made anew`);
  }

  async #readStart(connection: TopicConnection, membership: Membership, signal: AbortSignal): Promise<Start> {
    const { group, clock, random } = this.#options;
    // From here on a commit of the last assignment is refused; one under way may still count, and is waited for.
    this.#held = undefined;
    await abortable(Promise.allSettled(this.#commits), signal);
    for (let attempt = 1; ; attempt++) {
      try {
        // The id first: should the topic be made anew meanwhile, that is noticed with the next look at it.
        const topicId = await abortable(connection.topicId(), signal);
        const positions = await abortable(readPositions(connection, group, membership.partitions), signal);
        return { topicId, positions };
      } catch (error) {
        const failure = classifyFailure(error);
        if (signal.aborted || failure === "refused") throw error;
        if (failure === "coordinator-moved") connection.forgetCoordinator();
        this.#emit({ type: "interrupted", error: asKafkaError("read the group's positions", error) });
        await clock.sleep(backoffMs(RETRY, attempt, random), { signal });
        await abortable(connection.refresh(), signal);
      }
    }
  }

  // ---------------------------------------------------------------------------------------------------------- rest

  /**
   * Member and generation are those of the assignment, whatever the group has come to: the coordinator itself refuses a
   * stale commit, and repeating one does no harm.
   */
  async #commit(held: Held, offsets: readonly OffsetCommit[]): Promise<void> {
    const { topic, group, clock, random } = this.#options;
    const { membership, connection, epoch } = held;
    const partitions = offsets.map(({ partition, offset, metadata }) => {
      invariant(membership.partitions.includes(partition), `partition ${partition} is not assigned`);
      return { partition, offset: String(offset), metadata };
    });
    if (partitions.length === 0) return;
    for (let attempt = 1; ; attempt++) {
      try {
        const coordinator = await connection.coordinator(group);
        await coordinator.offsetCommit({
          groupId: group,
          groupGenerationId: membership.generation,
          memberId: membership.memberId,
          topics: [{ topic, partitions }],
        });
        return;
      } catch (error) {
        const failure = classifyFailure(error);
        if (failure === "stale-member") throw stale(epoch, error);
        if (failure === "topic-refused") throw topicRefused(topic, "commit offsets of", error);
        if (failure === "refused") throw asKafkaError(`commit offsets of topic "${topic}"`, error);
        connection.forgetCoordinator();
        if (this.#held !== held) throw stale(epoch, error);
      }
      await clock.sleep(backoffMs(RETRY, attempt, random), { signal: this.#closing.signal });
      if (this.#held !== held) throw stale(epoch);
    }
  }

  #emit(event: InputEvent): void {
    if (this.#closing.signal.aborted) return;
    try {
      this.#onEvent(event);
    } catch (error) {
      // A listener does not throw: this is a bug, and reading on would hide it. It ends the thread loudly.
      this.#closing.abort(error);
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}

/** Whether only a person can mend it. */
function isRefused(error: unknown): boolean {
  const failure = classifyFailure(error);
  return failure === "topic-refused" || failure === "refused";
}

function stale(epoch: AssignmentEpoch, cause?: unknown): StaleAssignmentError {
  const message = `Cannot commit offsets of assignment ${epoch}: the consumer group has gone on`;
  return new StaleAssignmentError(message, cause === undefined ? undefined : { cause });
}
