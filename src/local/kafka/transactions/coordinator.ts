import type { Clock } from "../../../base/clock.ts";
import type { Logger } from "../../../base/log.ts";
import type { RecordBatchHeader } from "../../../kafka/records/record-batch.ts";
import type { BrokerConfig } from "../broker-config.ts";
import type { CommittedPosition, OffsetStore } from "../groups/offset-store.ts";
import { StorageError } from "../log/errors.ts";
import type { GroupCommit } from "../log/group-commit.ts";
import type { PartitionLog } from "../log/partition-log.ts";
import type { BrokerSettings } from "../log/settings.ts";
import type { TopicCatalog } from "../log/topic-catalog.ts";
import type { InitProducerIdRequest, InitProducerIdResponse } from "../messages/init-producer-id.ts";
import { ErrorCode } from "../protocol/error-codes.ts";
import {
  addTo,
  checkWriter,
  end,
  fence,
  type ProducerClaim,
  type Transaction,
  type Transition,
  takeOver,
} from "./transaction.ts";
import type { TransactionStore } from "./transaction-store.ts";

export interface TransactionCoordinatorOptions {
  readonly store: TransactionStore;
  readonly topics: TopicCatalog;
  readonly offsets: OffsetStore;
  readonly settings: BrokerSettings;
  readonly commits: GroupCommit;
  readonly config: BrokerConfig;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Pause before time-outs are tried again after the database refused. */
const RETRY_MS = 5000;
/** A transactional id that nobody used for so long is forgotten (Kafka's `transactional.id.expiration.ms`). */
const IDLE_MS = 604_800_000;

/**
 * All transactional ids. The rules stand in `transaction.ts`; here each decision is taken within a transaction of the
 * database, together with what follows from it: control records, committed offsets, the new state. So a broker that is
 * killed has done all of it or nothing.
 */
export class TransactionCoordinator {
  readonly #options: TransactionCoordinatorOptions;
  /** When each ongoing transaction is aborted (wall). */
  readonly #deadlines = new Map<string, number>();
  #timerAtMs = Number.POSITIVE_INFINITY;
  #cancelTimer = (): void => undefined;
  #closed = false;

  constructor(options: TransactionCoordinatorOptions) {
    this.#options = options;
  }

  /** Takes up the time-outs of transactions that are ongoing from an earlier life. */
  start(): void {
    for (const transaction of this.#options.store.ongoing()) this.#keepTime(transaction);
  }

  close(): void {
    this.#closed = true;
    this.#cancelTimer();
    this.#deadlines.clear();
  }

  async initProducerId(request: InitProducerIdRequest): Promise<InitProducerIdResponse> {
    const { settings, config, clock } = this.#options;
    const { transactionalId, transactionTimeoutMs, producerId, producerEpoch } = request;
    if ((producerId === -1) !== (producerEpoch === -1)) return notInitialised(ErrorCode.INVALID_REQUEST);
    // Without transactions nobody is fenced: who asks gets an id of its own, whatever it had before.
    if (transactionalId === null) {
      return { errorCode: ErrorCode.NONE, producerId: settings.takeProducerId(), producerEpoch: 0 };
    }
    if (transactionTimeoutMs <= 0 || transactionTimeoutMs > config.transactionMaxTimeoutMs) {
      return notInitialised(ErrorCode.INVALID_TRANSACTION_TIMEOUT);
    }
    const claim = producerId === -1 ? undefined : { producerId, producerEpoch };
    const taken = await this.#change(transactionalId, (before) =>
      takeOver(transactionalId, before, claim, {
        timeoutMs: transactionTimeoutMs,
        nowMs: clock.wallMs(),
        newProducerId: () => settings.takeProducerId(),
      }),
    );
    if (taken.type === "refuse") return notInitialised(taken.errorCode);
    // What the one before left open has ended now. As at a real broker the next try gets the id.
    if (taken.type !== "become") return notInitialised(ErrorCode.CONCURRENT_TRANSACTIONS);
    const { next } = taken;
    return { errorCode: ErrorCode.NONE, producerId: next.producerId, producerEpoch: next.producerEpoch };
  }

  /** Lets the transaction write to partitions; the first begin it. */
  async addPartitions(id: string, claim: ProducerClaim, partitions: readonly PartitionLog[]): Promise<ErrorCode> {
    const { store, clock } = this.#options;
    const added = await this.#change(
      id,
      (before) => addTo(before, claim, clock.wallMs()),
      () => {
        for (const partition of partitions) store.addPartition(claim.producerId, partition.id);
      },
    );
    return errorOf(added);
  }

  /** Lets the transaction commit offsets for a group. */
  async addGroup(id: string, claim: ProducerClaim, groupId: string): Promise<ErrorCode> {
    const { store, clock } = this.#options;
    const added = await this.#change(
      id,
      (before) => addTo(before, claim, clock.wallMs()),
      () => store.addGroup(claim.producerId, groupId),
    );
    return errorOf(added);
  }

  /** Whether the producer may commit offsets of the group in its transaction now. */
  checkOffsets(id: string, claim: ProducerClaim, groupId: string): ErrorCode {
    const { store } = this.#options;
    const errorCode = checkWriter(store.get(id), claim);
    if (errorCode !== ErrorCode.NONE) return errorCode;
    return store.hasGroup(claim.producerId, groupId) ? ErrorCode.NONE : ErrorCode.INVALID_TXN_STATE;
  }

  /** Keeps offsets that are committed when the transaction is. */
  async addOffsets(
    id: string,
    claim: ProducerClaim,
    groupId: string,
    positions: readonly CommittedPosition[],
  ): Promise<ErrorCode> {
    const { store } = this.#options;
    const added = await this.#change(
      id,
      () => {
        const errorCode = this.checkOffsets(id, claim, groupId);
        return errorCode === ErrorCode.NONE ? { type: "keep" } : { type: "refuse", errorCode };
      },
      () => {
        for (const position of positions) store.addOffset(claim.producerId, { groupId, ...position });
      },
    );
    return errorOf(added);
  }

  async end(id: string, claim: ProducerClaim, committed: boolean): Promise<ErrorCode> {
    return errorOf(await this.#change(id, (before) => end(before, claim, committed, this.#options.clock.wallMs())));
  }

  /** Within an open transaction of the database: whether a transactional batch may be written to the partition. */
  checkBatch(id: string, header: RecordBatchHeader, partition: PartitionLog): ErrorCode {
    const { store } = this.#options;
    const errorCode = checkWriter(store.get(id), header);
    if (errorCode !== ErrorCode.NONE) return errorCode;
    return store.hasPartition(header.producerId, partition.id) ? ErrorCode.NONE : ErrorCode.INVALID_TXN_STATE;
  }

  /** Within an open transaction of the database: the producer's transaction got its first record in the partition. */
  began(header: RecordBatchHeader, partition: PartitionLog, firstOffset: number): void {
    this.#options.store.setFirstOffset(header.producerId, partition.id, firstOffset);
  }

  /** Whether an ongoing transaction is about to commit an offset there. */
  isPending(groupId: string, topic: string, partition: number): boolean {
    return this.#options.store.isPending(groupId, topic, partition);
  }

  /** Within an open transaction of the database: offsets were committed, and are newer than what is pending there. */
  overtake(groupId: string, positions: readonly CommittedPosition[]): void {
    for (const { topic, partition } of positions) this.#options.store.removePending(groupId, topic, partition);
  }

  /** Forgets transactional ids that nobody uses any more. */
  forgetIdle(): void {
    const { store, clock, log } = this.#options;
    const forgotten = store.deleteIdle(clock.wallMs() - IDLE_MS);
    if (forgotten > 0) log.info("kafka transactional ids forgotten", { ids: forgotten });
  }

  /**
   * Decides by what is stored, and stores what was decided with all its consequences; `andThen` adds what belongs to it
   * unless it was refused.
   */
  async #change(
    id: string,
    decide: (before: Transaction | undefined) => Transition,
    andThen: () => void = () => undefined,
  ): Promise<Transition> {
    if (id === "") return { type: "refuse", errorCode: ErrorCode.INVALID_REQUEST };
    const { store, commits, settings } = this.#options;
    const touched: PartitionLog[] = [];
    let decided: Transition = { type: "keep" };
    try {
      return await commits.run({
        apply: () => {
          decided = decide(store.get(id));
          if (decided.type === "refuse") return decided;
          if (decided.type === "end") touched.push(...this.#end(decided.next, decided.committed));
          if (decided.type !== "keep") store.save(decided.next);
          andThen();
          return decided;
        },
        publish: () => {
          for (const partition of touched) partition.publish();
          if (decided.type === "become" || decided.type === "end") this.#keepTime(decided.next);
        },
        discard: () => {
          for (const partition of touched) partition.discard();
          settings.discardProducerIds();
        },
      });
    } catch (error) {
      // What Kafka answers where its log of transactions cannot be written: the client tries again.
      if (error instanceof StorageError) return { type: "refuse", errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE };
      throw error;
    }
  }

  /** Ends a transaction everywhere; the result is where it left control records. */
  #end({ producerId, producerEpoch }: Transaction, committed: boolean): PartitionLog[] {
    const { store, topics, offsets, clock } = this.#options;
    const timestampMs = clock.wallMs();
    const type = committed ? "commit" : "abort";
    const partitions = store.partitionsOf(producerId).flatMap((partition) => topics.partitionById(partition) ?? []);
    for (const partition of partitions) partition.stageMarker({ type, producerId, producerEpoch, timestampMs });
    if (committed) {
      for (const [groupId, positions] of Map.groupBy(store.pendingOf(producerId), ({ groupId }) => groupId)) {
        offsets.commit(groupId, positions);
      }
    }
    store.forget(producerId);
    return partitions;
  }

  #keepTime({ id, state, startedAtMs, timeoutMs }: Transaction): void {
    if (state !== "Ongoing") {
      this.#deadlines.delete(id);
      return;
    }
    this.#deadlines.set(id, startedAtMs + timeoutMs);
    this.#wakeAt(startedAtMs + timeoutMs);
  }

  /** A timer that fires too early only looks again, so it is moved only when something is due sooner. */
  #wakeAt(dueMs: number): void {
    if (dueMs >= this.#timerAtMs || this.#closed) return;
    const { clock } = this.#options;
    this.#cancelTimer();
    this.#timerAtMs = dueMs;
    this.#cancelTimer = clock.schedule(dueMs - clock.wallMs(), () => {
      this.#timerAtMs = Number.POSITIVE_INFINITY;
      this.#abortOverdue();
    });
  }

  #abortOverdue(): void {
    const nowMs = this.#options.clock.wallMs();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const [id, dueMs] of this.#deadlines) {
      if (dueMs <= nowMs) void this.#abort(id);
      else nextMs = Math.min(nextMs, dueMs);
    }
    if (nextMs < Number.POSITIVE_INFINITY) this.#wakeAt(nextMs);
  }

  async #abort(id: string): Promise<void> {
    const { clock, log } = this.#options;
    const nowMs = clock.wallMs();
    const aborted = await this.#change(id, (before) => {
      const isOverdue = before !== undefined && before.startedAtMs + before.timeoutMs <= nowMs;
      return isOverdue ? fence(before, nowMs) : { type: "keep" };
    });
    if (aborted.type === "end") log.warn("kafka transaction aborted: it took too long", { transactionalId: id });
    if (aborted.type === "refuse") this.#wakeAt(nowMs + RETRY_MS);
  }
}

function errorOf(transition: Transition): ErrorCode {
  return transition.type === "refuse" ? transition.errorCode : ErrorCode.NONE;
}

function notInitialised(errorCode: ErrorCode): InitProducerIdResponse {
  return { errorCode, producerId: -1, producerEpoch: -1 };
}
