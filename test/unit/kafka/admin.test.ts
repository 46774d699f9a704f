import { expect, test } from "bun:test";
import { type Clock, systemClock } from "../../../src/base/clock.ts";
import { silentLogger } from "../../../src/base/log.ts";
import { KafkaAdmin } from "../../../src/kafka/admin.ts";
import { createTopics } from "../../../src/local/kafka/messages/create-topics.ts";
import { listOffsets } from "../../../src/local/kafka/messages/list-offsets.ts";
import { metadata, NO_TOPIC_ID } from "../../../src/local/kafka/messages/metadata.ts";
import { ErrorCode } from "../../../src/local/kafka/protocol/error-codes.ts";
import { rejection } from "../../support/rejection.ts";
import type { TcpServer } from "../../support/tcp-server.ts";
import { startAnsweringBroker } from "./answering-broker.ts";

const NONE: ErrorCode = 0;
const LEADER_NOT_AVAILABLE = 5 as ErrorCode;
const NOT_LEADER = 6 as ErrorCode;
const FORBIDDEN = 29 as ErrorCode;

const SERVED = [
  { ...metadata, maxVersion: 5 },
  { ...createTopics, maxVersion: 3 },
  { ...listOffsets, maxVersion: 2 },
];

/** What a broker answers about a topic, one time after the other; the last of them from then on. */
interface Hears {
  readonly metadata: readonly ErrorCode[];
  readonly offsets: readonly ErrorCode[];
}

/** A broker whose controller makes topics at once, and which hears of them when the test says. */
function startSlowBroker(hears: Hears): Promise<TcpServer> {
  const made = new Set<string>();
  const turns = { metadata: 0, offsets: 0 };
  const next = (what: keyof Hears): ErrorCode => hears[what][turns[what]++] ?? hears[what].at(-1) ?? NONE;
  return startAnsweringBroker(SERVED, ({ apiKey, version, reader }, writer, at) => {
    switch (apiKey) {
      case metadata.apiKey: {
        const wanted = metadata.decodeRequest(reader, version).topics ?? [];
        const topics = wanted.map(({ name }) => {
          const errorCode = made.has(name ?? "") ? next("metadata") : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
          const partitions = errorCode === NONE ? [{ index: 0, leaderId: 1, leaderEpoch: 0 }] : [];
          return { name, topicId: NO_TOPIC_ID, errorCode, partitions };
        });
        const brokers = [{ nodeId: 1, ...at }];
        return metadata.encodeResponse(writer, { brokers, clusterId: "slow", controllerId: 1, topics }, version);
      }
      case createTopics.apiKey: {
        const topics = createTopics.decodeRequest(reader, version).topics.map(({ name }) => {
          made.add(name);
          const shape = { numPartitions: 1, replicationFactor: 1, configs: [] };
          return { name, topicId: NO_TOPIC_ID, errorCode: NONE, errorMessage: null, ...shape };
        });
        return createTopics.encodeResponse(writer, { topics }, version);
      }
      case listOffsets.apiKey: {
        const topics = listOffsets.decodeRequest(reader, version).topics.map(({ name, partitions }) => {
          const errorCode = next("offsets");
          const rest = { errorCode, timestamp: -1, offset: 0, leaderEpoch: -1 };
          return { name, partitions: partitions.map(({ index }) => ({ index, ...rest })) };
        });
        return listOffsets.encodeResponse(writer, { topics }, version);
      }
      default:
        throw new Error(`request ${apiKey} is not expected`);
    }
  });
}

function ensure(broker: TcpServer, clock: Clock = systemClock): ReturnType<KafkaAdmin["ensureTopics"]> {
  const kafka = { brokers: [broker.endpoint], clientId: "test" };
  const admin = new KafkaAdmin({ kafka, clock, log: silentLogger });
  return admin.ensureTopics(["new"], { partitions: 1, replication: 1 });
}

test("topics that are made are waited for until the broker has heard of them, and serves them", async () => {
  const { UNKNOWN_TOPIC_OR_PARTITION } = ErrorCode;
  await using broker = await startSlowBroker({
    metadata: [UNKNOWN_TOPIC_OR_PARTITION, LEADER_NOT_AVAILABLE, UNKNOWN_TOPIC_OR_PARTITION, NONE],
    offsets: [NOT_LEADER, NOT_LEADER, UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_OR_PARTITION, NONE],
  });
  expect(await ensure(broker)).toEqual({ created: ["new"], missing: [] });
});

test("one that was made and may not be looked at is told, and not waited for", async () => {
  await using broker = await startSlowBroker({ metadata: [NONE], offsets: [FORBIDDEN] });
  expect(String(await rejection(ensure(broker)))).toContain("Kafka answers TOPIC_AUTHORIZATION_FAILED");
});

test("one that is never served is waited for until the call's time is up, and no longer", async () => {
  await using broker = await startSlowBroker({ metadata: [LEADER_NOT_AVAILABLE], offsets: [] });
  const timers: (() => void)[] = [];
  const pauses: Promise<void>[] = [];
  const clock: Clock = {
    ...systemClock,
    schedule: (_ms, run) => {
      timers.push(run);
      return () => undefined;
    },
    // Time is up in the first pause between two looks.
    sleep: (_ms, { signal } = {}) => {
      for (const run of timers.splice(0)) run();
      const pause = signal?.aborted === true ? Promise.reject(signal.reason) : Promise.resolve();
      pauses.push(pause);
      return pause;
    },
  };
  expect(String(await rejection(ensure(broker, clock)))).toContain("no answer within 15000 ms");
  expect(pauses).toHaveLength(1);
  expect(await rejection(pauses[0] as Promise<void>)).toBeInstanceOf(Error);
});
