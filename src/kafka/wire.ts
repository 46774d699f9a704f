import type { Broker, Cluster, Message } from "kafkajs";

/*
 * The part of kafkajs that is used here: its connections, its metadata and its requests, one by one. Consumer and
 * Producer of kafkajs 2.2.4 are not, because they break what we promise:
 *
 * - After OFFSET_OUT_OF_RANGE the Consumer *commits* −1 or −2 for the group (offsetManager/setDefaultOffset), and with
 *   it wipes out the commit watermark and its metadata.
 * - Consumer.commitOffsets resolves without having committed when the runner has stopped or crashed, and repeats a
 *   failed commit under whichever generation it has by then (runner.js).
 * - With everything paused it sleeps for maxWaitTime, and cannot be woken by resume (consumerGroup.js).
 * - The idempotent Producer gives sequence numbers back after an error, though the broker may have written the batch,
 *   and spreads records without a key anew on each try: another record can then take a number that was used, which the
 *   broker takes for a repetition, acknowledges and drops (sendMessages.js).
 * - One topic that is missing fails, or holds up for ever, all that travel with it.
 *
 * kafkajs' type definitions leave out most of Broker; the shapes below are those of 2.2.4 (src/broker/index.js).
 */

export interface OffsetsOfTopic {
  readonly topic: string;
  readonly partitions: readonly {
    readonly partition: number;
    /** Decimal; -1 stands for none. */
    readonly offset: string;
    readonly metadata: string | null;
  }[];
}

export interface JoinedGroup {
  readonly generationId: number;
  readonly leaderId: string;
  readonly memberId: string;
  /** All members where this one is the leader, else empty. */
  readonly members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[];
}

/** A record as kafkajs decodes it; offsets and times are decimal strings. */
export interface FetchedMessage {
  readonly offset: string;
  readonly timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: Readonly<Record<string, Buffer | null | readonly (Buffer | null)[]>>;
  readonly isControlRecord?: boolean;
  /** Of the record batch it came in; absent for the old message sets (before Kafka 0.11). */
  readonly batchContext?: {
    readonly firstOffset: string;
    readonly lastOffsetDelta: number;
    readonly producerId: string;
    readonly inTransaction: boolean;
  };
}

export interface FetchedPartition {
  readonly partition: number;
  readonly highWatermark: string;
  readonly lastStableOffset?: string;
  readonly abortedTransactions?: readonly { readonly producerId: string; readonly firstOffset: string }[] | null;
  readonly messages: readonly FetchedMessage[];
}

export interface ProduceRequest {
  readonly acks: -1;
  readonly timeout: number;
  readonly producerId: string;
  readonly producerEpoch: number;
  readonly topicData: readonly {
    readonly topic: string;
    readonly partitions: readonly {
      readonly partition: number;
      readonly firstSequence: number;
      readonly messages: readonly Message[];
    }[];
  }[];
}

export interface WireBroker extends Pick<Broker, "isConnected"> {
  /** Connects where it is not connected; 1 is the connection for fetches, 0 the one for everything else. */
  readonly connectionPool: { getConnection(index: 0 | 1): Promise<unknown> };
  joinGroup(request: {
    groupId: string;
    sessionTimeout: number;
    rebalanceTimeout: number;
    memberId: string;
    groupProtocols: readonly { name: string; metadata: Buffer }[];
  }): Promise<JoinedGroup>;
  syncGroup(request: {
    groupId: string;
    generationId: number;
    memberId: string;
    groupAssignment: readonly { memberId: string; memberAssignment: Buffer }[];
  }): Promise<{ readonly memberAssignment: Buffer }>;
  heartbeat(request: { groupId: string; groupGenerationId: number; memberId: string }): Promise<unknown>;
  leaveGroup(request: { groupId: string; memberId: string }): Promise<unknown>;
  offsetCommit(request: {
    groupId: string;
    groupGenerationId: number;
    memberId: string;
    topics: readonly OffsetsOfTopic[];
  }): Promise<unknown>;
  offsetFetch(request: {
    groupId: string;
    topics: readonly { topic: string; partitions: readonly { partition: number }[] }[];
  }): Promise<{ readonly responses: readonly OffsetsOfTopic[] }>;
  /** `timestamp`: −2 is the first offset that exists, −1 the next one to be written. */
  listOffsets(request: {
    isolationLevel: 0 | 1;
    topics: readonly { topic: string; partitions: readonly { partition: number; timestamp: number }[] }[];
  }): Promise<{
    readonly responses: readonly { topic: string; partitions: readonly { partition: number; offset: string }[] }[];
  }>;
  fetch(request: {
    isolationLevel: 0 | 1;
    maxWaitTime: number;
    minBytes: number;
    maxBytes: number;
    topics: readonly {
      topic: string;
      partitions: readonly { partition: number; fetchOffset: string; maxBytes: number }[];
    }[];
  }): Promise<{ readonly responses: readonly { topicName: string; partitions: readonly FetchedPartition[] }[] }>;
  initProducerId(request: {
    transactionTimeout: number;
  }): Promise<{ readonly producerId: string; readonly producerEpoch: number }>;
  produce(request: ProduceRequest): Promise<unknown>;
}

export interface WireCluster
  extends Omit<Cluster, "findBroker" | "findGroupCoordinator" | "findControllerBroker" | "getNodeIds"> {
  findBroker(node: { nodeId: string }): Promise<WireBroker>;
  findGroupCoordinator(group: { groupId: string }): Promise<WireBroker>;
  findControllerBroker(): Promise<WireBroker>;
  getNodeIds(): readonly string[];
}
