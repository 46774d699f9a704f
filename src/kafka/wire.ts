import type { Broker, Cluster } from "kafkajs";

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
 * Nor is its codec of Produce and Fetch, and of the records in them (see protocol/ and records/):
 *
 * - Headers become an object: their order is lost where a name repeats or looks like a number, and null where empty.
 * - A batch that compaction has left empty is not handed over, so that nobody can know where to go on behind it.
 * - Checksums are not looked at.
 * - Of the errors of an answer only the first is told, and not whose it is.
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

/** A request and its response as connections of kafkajs take them (src/network/connection.js). */
export interface WireExchange<Response> {
  readonly request: {
    readonly apiKey: number;
    readonly apiVersion: number;
    readonly apiName: string;
    /** Stands in for an Encoder: of that, `buf` is looked at, and `buffer` is copied. */
    readonly encode: () => Promise<{ readonly buf: Buffer; readonly buffer: Buffer }>;
  };
  readonly response: {
    /** `clientSideThrottleTime`, ms: nothing is to be sent for so long. */
    readonly decode: (payload: Buffer) => Promise<Response & { readonly clientSideThrottleTime: number }>;
    readonly parse: (decoded: Response) => Promise<Response>;
  };
  /** ms; counts where it is more than that of the client. */
  readonly requestTimeout: number | null;
}

export interface WireBroker extends Pick<Broker, "isConnected"> {
  readonly connectionPool: {
    /** Connects where it is not connected; 1 is the connection for fetches, 0 the one for everything else. */
    getConnection(index: 0 | 1): Promise<unknown>;
    send<Response>(exchange: WireExchange<Response>): Promise<Response>;
  };
  /** By API key; null until it was connected once. */
  readonly versions: Readonly<Record<number, { readonly minVersion: number; readonly maxVersion: number }>> | null;
  disconnect(): Promise<void>;
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
  initProducerId(request: {
    transactionTimeout: number;
  }): Promise<{ readonly producerId: string; readonly producerEpoch: number }>;
}

export interface WireCluster
  extends Omit<Cluster, "findBroker" | "findGroupCoordinator" | "findControllerBroker" | "getNodeIds"> {
  findBroker(node: { nodeId: string }): Promise<WireBroker>;
  findGroupCoordinator(group: { groupId: string }): Promise<WireBroker>;
  findControllerBroker(): Promise<WireBroker>;
  readonly brokerPool: {
    /** Any that can be reached: one of which metadata is read, for instance. */
    findConnectedBroker(): Promise<WireBroker>;
  };
  getNodeIds(): readonly string[];
}
