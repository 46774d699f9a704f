import type { WireValue } from "./wire-grammar.ts";

/*
 * Requests of the raw client in the shapes of grammars.ts, and the parts of answers that tests look at.
 */

export const newProducer: WireValue = {
  transactionalId: null,
  transactionTimeoutMs: 1000,
  producerId: -1,
  producerEpoch: -1,
};

/** A heartbeat that no group knows: a cheap question with an answer of its own. */
export const strangersHeartbeat: WireValue = { groupId: "no-such-group", generationId: 1, memberId: "nobody" };

export const newMember: WireValue = {
  rebalanceTimeoutMs: 10_000,
  memberId: "",
  groupInstanceId: null,
  protocolType: "consumer",
  protocols: [{ name: "range", metadata: Buffer.of(0) }],
};

export function produceRequest(topic: string, records: Uint8Array, partition = 0): WireValue {
  const partitions = [{ index: partition, records }];
  return { transactionalId: null, acks: -1, timeoutMs: 5000, topics: [{ name: topic, partitions }] };
}

export interface FetchOptions {
  readonly maxWaitMs: number;
  readonly minBytes?: number;
  readonly partition?: number;
  readonly epoch?: number;
  readonly readCommitted?: boolean;
  readonly maxBytes?: number;
  /** Names the topic for versions from 13 on; the default version is the newest that goes by name. */
  readonly topicId?: string;
}

export function fetchRequest(topic: string, fetchOffset: number, options: FetchOptions): WireValue {
  const { maxWaitMs, minBytes = 1, partition = 0, epoch = -1, readCommitted = false, maxBytes = 1_000_000 } = options;
  const { topicId = NO_TOPIC_ID } = options;
  const partitions = [{ index: partition, currentLeaderEpoch: epoch, fetchOffset, maxBytes }];
  return {
    maxWaitMs,
    minBytes,
    maxBytes,
    isolationLevel: readCommitted ? 1 : 0,
    sessionId: 0,
    sessionEpoch: -1,
    topics: [{ name: topic, topicId, partitions }],
    forgotten: [],
  };
}

/** Asks for one partition's offset at a time, or at its beginning (−2) or end (−1). */
export function listOffsetsRequest(topic: string, timestamp: number, readCommitted = false): WireValue {
  const partitions = [{ index: 0, currentLeaderEpoch: -1, timestamp }];
  return { isolationLevel: readCommitted ? 1 : 0, topics: [{ name: topic, partitions }] };
}

/** What stands for no topic id. */
export const NO_TOPIC_ID = "0".repeat(32);

/** Asks for topics by name, and makes them where that is wanted. */
export function metadataRequest(names: readonly string[], allowAutoTopicCreation = false): WireValue {
  return { topics: names.map((name) => ({ name, topicId: NO_TOPIC_ID })), allowAutoTopicCreation };
}

/** All partitions of the answer's first topic. */
export function partitionsOf(answer: WireValue): readonly WireValue[] {
  return (answer["topics"] as { partitions: WireValue[] }[])[0]?.partitions ?? [];
}

/** The first partition of the answer's first topic. */
export function partitionOf(answer: WireValue): WireValue {
  return partitionsOf(answer)[0] ?? {};
}
