import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { noBytes, utf8 } from "../../../src/base/bytes.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { silentLogger } from "../../../src/base/log.ts";
import type { HostPort } from "../../../src/config/settings.ts";
import {
  MetadataTooLargeError,
  RecordRefusedError,
  StaleAssignmentError,
  TopicRefusedError,
} from "../../../src/engine/errors.ts";
import type { Header } from "../../../src/engine/ports.ts";
import { KafkaAdmin } from "../../../src/kafka/admin.ts";
import { KafkaClient } from "../../../src/kafka/client.ts";
import { TopicConnection } from "../../../src/kafka/connection.ts";
import { classifyFailure, kafkaErrorType } from "../../../src/kafka/errors.ts";
import { GroupMember, type Membership } from "../../../src/kafka/member.ts";
import { rejection } from "../../support/rejection.ts";
import { byNumber, countUp, record, type TestBroker, TestClient, uniqueName, waitUntil } from "./harness.ts";

export interface SuiteOptions {
  readonly name: string;
  readonly start: () => Promise<TestBroker>;
  /** The embedded Kafka does not, so that there is nothing to promise. */
  readonly compacts: boolean;
}

const TIMEOUT_MS = 240_000;
/** The broker sends the first batch whole, and nothing else. */
const ONE_BATCH = { maxBytesPerPartition: 1, maxBytesPerFetch: 1 };

/** What Input, Output and Admin promise, at whatever broker. */
export function kafkaAdapterSuite({ name, start, compacts }: SuiteOptions): void {
  let broker: TestBroker;
  const connect = (): TestClient => new TestClient(broker);
  const scenario = (title: string, run: () => Promise<void>): void => test(title, run, TIMEOUT_MS);
  const withKcat = (title: string, run: () => Promise<void>): void => {
    if (Bun.which("kcat") === null) test.skip(`${title} (skipped: kcat is not installed)`, run);
    else test(title, run, TIMEOUT_MS);
  };

  beforeAll(async () => {
    broker = await start();
  }, TIMEOUT_MS);
  afterAll(async () => {
    await broker[Symbol.asyncDispose]();
  });

  describe(`output at ${name}`, () => {
    test(
      "a record arrives with its key, value and headers: in order, repeated, null and empty told apart",
      async () => {
        await using client = connect();
        const topic = await client.topic();
        const headers: Header[] = [
          ["b", utf8("1")],
          ["a", Uint8Array.of(0xff)],
          ["b", null],
          ["7", utf8("an object would have it first")],
          ["a", noBytes],
          ["__proto__", utf8("2")],
        ];
        await client.output.send([
          { topic, key: utf8("k"), value: Uint8Array.of(0, 0xff), headers },
          { topic, key: null, value: noBytes, headers: [] },
          { topic, key: noBytes, value: null, headers: [] },
        ]);
        const member = await client.join(topic, uniqueName("group"));
        await member.received(3);
        expect(member.records).toMatchObject([
          { topic, partition: 0, offset: 0, key: utf8("k"), value: Uint8Array.of(0, 0xff), headers },
          { offset: 1, key: null, value: noBytes, headers: [] },
          { offset: 2, key: noBytes, value: null, headers: [] },
        ]);
      },
      TIMEOUT_MS,
    );

    test(
      "many sends at once arrive each once, and in order within a key",
      async () => {
        await using client = connect();
        const topic = await client.topic(4);
        const values = countUp(3000);
        await Promise.all(values.map((value, index) => client.output.send([record(topic, value, `k${index % 7}`)])));
        const member = await client.join(topic, uniqueName("group"));
        await member.received(values.length);
        expect(byNumber(member.values)).toEqual(values);
        for (const partition of [0, 1, 2, 3]) {
          const own = member.records.filter((each) => each.partition === partition);
          const inOrder = own.map(({ offset }) => offset);
          expect(inOrder).toEqual([...inOrder].sort((a, b) => a - b));
        }
        const ofOneKey = member.records.filter(({ key }) => key !== null && Buffer.from(key).toString() === "k3");
        expect(ofOneKey.map(({ value }) => Number(Buffer.from(value ?? noBytes).toString()) % 7)).toEqual(
          ofOneKey.map(() => 3),
        );
        const order = ofOneKey.map(({ value }) => Number(Buffer.from(value ?? noBytes).toString()));
        expect(order).toEqual([...order].sort((a, b) => a - b));
      },
      TIMEOUT_MS,
    );

    test(
      "a record that is too large fails alone; what was sent with it arrives in order",
      async () => {
        await using client = connect();
        const topic = await client.topic();
        const large = { ...record(topic, null), value: new Uint8Array(2_000_000) };
        const results = await Promise.allSettled([
          client.output.send([record(topic, "0")]),
          client.output.send([large]),
          client.output.send([record(topic, "1")]),
          client.output.send([record(topic, "2")]),
        ]);
        expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled"]);
        expect(results[1]).toMatchObject({ reason: expect.any(RecordRefusedError) });
        const member = await client.join(topic, uniqueName("group"));
        await member.received(3);
        expect(member.values).toEqual(["0", "1", "2"]);
      },
      TIMEOUT_MS,
    );

    test(
      "a record that one partition refuses holds nothing up in the others",
      async () => {
        await using client = connect();
        const topic = await client.topic(3);
        const large = { ...record(topic, null, "large"), value: new Uint8Array(2_000_000) };
        const keys = countUp(9);
        const refused = client.output.send([large]).catch((error: unknown) => error);
        await Promise.all(keys.map((key) => client.output.send([record(topic, key, key)])));
        expect(await refused).toBeInstanceOf(RecordRefusedError);
        const member = await client.join(topic, uniqueName("group"));
        await member.received(keys.length);
        expect(byNumber(member.values)).toEqual(keys);
      },
      TIMEOUT_MS,
    );

    test(
      "a missing topic refuses its own records, until it is made",
      async () => {
        await using client = connect();
        const topic = await client.topic();
        const missing = uniqueName("missing");
        const [refused, sent] = await Promise.allSettled([
          client.output.send([record(missing, "x")]),
          client.output.send([record(topic, "y")]),
        ]);
        expect(refused).toMatchObject({ reason: expect.any(TopicRefusedError) });
        expect(sent.status).toBe("fulfilled");
        await client.admin.ensureTopics([missing], { partitions: 1, replication: 1 });
        await client.output.send([record(missing, "x")]);
      },
      TIMEOUT_MS,
    );

    test("a send that nobody waits for any more is given up", async () => {
      await using client = connect();
      const stop = new AbortController();
      const sent = client.output.send([record(uniqueName("missing"), "x")], { signal: stop.signal });
      stop.abort(new Error("given up"));
      expect(await rejection(sent)).toMatchObject({ message: "given up" });
    });
  });

  describe(`input at ${name}`, () => {
    test(
      "what was committed comes with the next assignment, metadata included, and reading goes on there",
      async () => {
        await using client = connect();
        const topic = await client.topic(2);
        const group = uniqueName("group");
        await client.output.send(countUp(20).map((value) => record(topic, value)));
        const first = await client.join(topic, group);
        const { epoch, partitions } = await first.assigned(2);
        expect(partitions).toMatchObject([
          { partition: 0, committed: null, logStartOffset: 0, logEndOffset: 10 },
          { partition: 1, committed: null, logStartOffset: 0, logEndOffset: 10 },
        ]);
        await first.received(20);
        await first.input.commit(epoch, [{ partition: 1, offset: 7, metadata: "v1 what is settled above" }]);
        await first.input.close();

        const second = await client.join(topic, group);
        const again = await second.assigned(2);
        expect(again.partitions.map(({ committed }) => committed)).toEqual([
          null,
          { offset: 7, metadata: "v1 what is settled above" },
        ]);
        await second.received(13);
        expect(second.records.filter(({ partition }) => partition === 1).map(({ offset }) => offset)).toEqual([
          7, 8, 9,
        ]);
        expect(await client.admin.lag(group, topic)).toMatchObject([
          { partition: 0, committed: null, lag: null },
          { partition: 1, committed: 7, metadata: "v1 what is settled above", logEndOffset: 10, lag: 3 },
        ]);
      },
      TIMEOUT_MS,
    );

    test(
      "nothing comes before seek and resume, nor while paused; nothing is lost or repeated by it",
      async () => {
        await using client = connect();
        const topic = await client.topic();
        const member = await client.join(topic, uniqueName("group"), { reads: false });
        const { epoch } = await member.assigned(1);
        await client.output.send(countUp(10).map((value) => record(topic, value)));
        member.input.resume([0]);
        member.input.seek(epoch - 1, 0, 3); // a stale epoch: ignored
        member.input.seek(epoch, 0, 5);
        await member.received(5);
        member.input.pause([0]);
        await client.output.send(countUp(10).map((value) => record(topic, value)));
        await client.output.send([record(topic, "after the pause")]);
        member.input.resume([0]);
        await member.received(16);
        expect(member.records.map(({ offset }) => offset)).toEqual([
          5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
        ]);
        expect(member.positions.get(0)).toBe(21);
      },
      TIMEOUT_MS,
    );

    test(
      "a member that comes takes its share with a new epoch for both, and the old epoch commits nothing",
      async () => {
        await using client = connect();
        const topic = await client.topic(4);
        const group = uniqueName("group");
        const first = await client.join(topic, group);
        const before = await first.assigned(4);
        const second = await client.join(topic, group);
        const mine = await first.assigned(2);
        const theirs = await second.assigned(2);
        expect(mine.epoch).toBeGreaterThan(before.epoch);
        const ids = [...mine.partitions, ...theirs.partitions].map(({ partition }) => partition);
        expect(ids.sort((a, b) => a - b)).toEqual([0, 1, 2, 3]);
        const stale = first.input.commit(before.epoch, [{ partition: 0, offset: 0, metadata: "" }]);
        expect(await rejection(stale)).toBeInstanceOf(StaleAssignmentError);
        const partition = mine.partitions[0]?.partition ?? -1;
        await first.input.commit(mine.epoch, [{ partition, offset: 0, metadata: "mine" }]);
      },
      TIMEOUT_MS,
    );

    test(
      "a member that closes leaves the group at once, and the other takes over",
      async () => {
        await using client = connect();
        const topic = await client.topic(2);
        const group = uniqueName("group");
        const first = await client.join(topic, group);
        await first.assigned(2);
        const second = await client.join(topic, group);
        await second.assigned(1);
        await first.input.close();
        await second.assigned(2);
        await client.output.send(countUp(10).map((value) => record(topic, value)));
        await second.received(10);
      },
      TIMEOUT_MS,
    );

    test(
      "the successor of a member that ended without a word has its place at once, and that one is fenced",
      async () => {
        await using client = connect();
        const topic = await client.topic(2);
        const group = uniqueName("group");
        await using killed = await joinInSilence(client, topic, group);
        const joined: string[] = [];
        const memory = { former: killed.memberId, joined: (memberId: string) => joined.push(memberId) };
        const successor = await client.join(topic, group, { memory });
        const { epoch } = await successor.assigned(2);
        await successor.input.commit(epoch, [{ partition: 0, offset: 0, metadata: "mine" }]);
        expect(joined).toEqual([expect.any(String)]);
        expect(joined).not.toContain(killed.memberId);
        expect(kafkaErrorType(await rejection(killed.commit("not mine")))).toBe("UNKNOWN_MEMBER_ID");
        expect(await client.admin.lag(group, topic)).toMatchObject([{ metadata: "mine" }, { committed: null }]);
      },
      TIMEOUT_MS,
    );

    test(
      "a former member that the group does not know is no hindrance; others are waited for",
      async () => {
        await using client = connect();
        const topic = await client.topic();
        const group = uniqueName("group");
        await using other = await joinInSilence(client, topic, group, 6000);
        const memory = { former: `${other.memberId}-and-gone`, joined: () => undefined };
        const successor = await client.join(topic, group, { memory });
        await successor.assigned(1); // once the session of the other has timed out
      },
      TIMEOUT_MS,
    );

    test(
      "closing at any moment ends, also while it joins",
      async () => {
        await using client = connect();
        const topic = await client.topic();
        for (const turns of [0, 1, 5, 20]) {
          const member = await client.join(topic, uniqueName("group"));
          for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
          await member.input.close();
          await member.input.close();
        }
      },
      TIMEOUT_MS,
    );

    test(
      "a topic that is missing is refused, and read once it is made",
      async () => {
        await using client = connect();
        const topic = uniqueName("missing");
        const member = await client.join(topic, uniqueName("group"));
        const refused = await waitUntil(() => member.events.find(({ type }) => type === "refused"), "it is refused");
        expect(refused).toMatchObject({ error: expect.any(TopicRefusedError) });
        await client.admin.ensureTopics([topic], { partitions: 1, replication: 1 });
        await member.assigned(1);
      },
      TIMEOUT_MS,
    );

    test(
      "partitions that are added are assigned",
      async () => {
        await using client = connect();
        const topic = await client.topic(1);
        const member = await client.join(topic, uniqueName("group"));
        await member.assigned(1);
        await addPartitions(client, topic, 3);
        await member.assigned(3);
      },
      TIMEOUT_MS,
    );

    test(
      "a position outside of the log brings a new assignment of the same partitions, and nothing is committed",
      async () => {
        await using client = connect();
        const topic = await client.topic();
        const group = uniqueName("group");
        await client.output.send([record(topic, "0")]);
        const member = await client.join(topic, group, { reads: false });
        const { epoch } = await member.assigned(1);
        member.input.seek(epoch, 0, 1000);
        member.input.resume([0]);
        const again = await waitUntil(() => member.assignments[1], "it is assigned again");
        expect(again).toMatchObject({ partitions: [{ partition: 0, committed: null, logEndOffset: 1 }] });
        expect(again.epoch).toBeGreaterThan(epoch);
        member.read(again);
        await member.received(1);
        expect(await client.admin.lag(group, topic)).toMatchObject([{ committed: null }]);
      },
      TIMEOUT_MS,
    );

    test(
      "metadata that the broker finds too long is refused",
      async () => {
        await using client = connect();
        const topic = await client.topic();
        const member = await client.join(topic, uniqueName("group"));
        const { epoch } = await member.assigned(1);
        const commit = member.input.commit(epoch, [{ partition: 0, offset: 0, metadata: "x".repeat(5000) }]);
        expect(await rejection(commit)).toBeInstanceOf(MetadataTooLargeError);
      },
      TIMEOUT_MS,
    );

    scenario("a broker that is killed in mid-stream, twice, loses and repeats nothing", async () => {
      await using client = connect();
      const topic = await client.topic(2);
      const member = await client.join(topic, uniqueName("group"));
      await member.assigned(2);
      let next = 0;
      let acknowledged = 0;
      const senders = countUp(50).map(async () => {
        while (next < 3000) {
          const value = String(next++);
          await client.output.send([record(topic, value, value)]);
          acknowledged++;
        }
      });
      for (const killAfter of [500, 1500]) {
        await waitUntil(() => acknowledged >= killAfter, `${killAfter} records are acknowledged`);
        await broker.restart?.();
      }
      await Promise.all(senders);
      await member.received(3000);
      expect(byNumber(member.values)).toEqual(countUp(3000));
    });

    for (const reads of [true, false]) {
      scenario(`a topic that is made anew has another id (${reads ? "read" : "not read"} meanwhile)`, async () => {
        await using client = connect();
        const topic = await client.topic();
        const member = await client.join(topic, uniqueName("group"), { reads });
        const { topicId } = await member.assigned(1);
        expect(topicId).toMatch(/^[0-9a-f]{32}$/);
        await makeAnew(client, topic);
        const another = (): boolean => member.assignments.some((one) => one.topicId !== topicId);
        await waitUntil(another, "partitions of the new one are assigned");
        expect(member.assignments.at(-1)?.topicId).toMatch(/^[0-9a-f]{32}$/);
      });
    }

    scenario("records of an aborted transaction are not read, and its marks are passed", async () => {
      await using client = connect();
      const topic = await client.topic();
      await produceInTransactions(client, topic);
      const member = await client.join(topic, uniqueName("group"));
      await waitUntil(() => member.positions.get(0) === 6 || undefined, "the marks are passed");
      expect(member.values).toEqual(["0", "1"]);
      const [lag] = await client.admin.lag(uniqueName("group"), topic);
      expect(lag?.logEndOffset).toBe(6);
    });

    if (compacts)
      scenario("batches that compaction has emptied are passed", async () => {
        const topic = uniqueName("topic");
        await using client = connect();
        await makeCompactedTopic(client, topic);
        // The last batch of each producer is kept for its sequence number, though nothing is left in it.
        const producers = 5;
        for (let count = 0; count < producers; count++) {
          await using producer = connect();
          await producer.output.send([record(topic, String(count), "same key")]);
        }
        for (let isCompacted = false; !isCompacted; ) {
          // Only segments that are closed are compacted, and what closes one is a record that comes late enough.
          await client.output.send([record(topic, "another", "other key")]);
          await using reader = connect();
          const member = await reader.join(topic, uniqueName("group"), { reader: ONE_BATCH });
          await waitUntil(() => member.records.some(({ offset }) => offset >= producers), "it reads behind them");
          isCompacted = member.records.every(({ offset }) => offset >= producers - 1);
        }
      });

    for (const codec of ["gzip", "snappy", "lz4", "zstd"]) {
      withKcat(`what kcat compresses with ${codec} is read`, async () => {
        await using client = connect();
        const topic = await client.topic();
        const lines = Array.from({ length: 200 }, (_, index) => `line ${index} of many that repeat themselves`);
        const { host, port } = broker.address;
        const kcat = Bun.spawn(["kcat", "-P", "-b", `${host}:${port}`, "-t", topic, "-z", codec], {
          stdin: new TextEncoder().encode(`${lines.join("\n")}\n`),
          stdout: "ignore",
          stderr: "pipe",
        });
        expect({ exit: await kcat.exited, stderr: await kcat.stderr.text() }).toMatchObject({ exit: 0 });
        const member = await client.join(topic, uniqueName("group"));
        await member.received(lines.length);
        expect(member.values).toEqual(lines);
      });
    }
  });

  describe(`admin at ${name}`, () => {
    test("topics are looked up, and made where that is asked for", async () => {
      await using client = connect();
      const topic = uniqueName("topic");
      expect(await client.admin.topicExists(topic)).toBe(false);
      expect(await client.admin.ensureTopics([topic], null)).toEqual({ created: [], missing: [topic] });
      expect(await client.admin.ensureTopics([topic], { partitions: 3, replication: 1 })).toEqual({
        created: [topic],
        missing: [],
      });
      expect(await client.admin.ensureTopics([topic], { partitions: 1, replication: 1 })).toEqual({
        created: [],
        missing: [],
      });
      expect(await client.admin.topicExists(topic)).toBe(true);
      expect([...(await client.admin.endOffsets(topic))]).toEqual([
        [0, 0],
        [1, 0],
        [2, 0],
      ]);
    });

    test("brokers that cannot be reached are passed over", async () => {
      await using client = connect();
      const topic = await client.topic(1);
      const nobody = { host: "127.0.0.1", port: 1 };
      const at = (...brokers: readonly HostPort[]): KafkaAdmin => {
        return new KafkaAdmin({ kafka: { ...client.kafka, brokers }, clock: systemClock, log: silentLogger });
      };
      const late = at(nobody, nobody, broker.address);
      await late.reach();
      expect(await late.topicExists(topic)).toBe(true);
      expect(String(await rejection(at(nobody, nobody).reach()))).toContain(
        "Cannot reach Kafka at 127.0.0.1:1,127.0.0.1:1: Connection error: ",
      );
    });

    test("a broker is named by an IPv6 address as well", async () => {
      const kafka = { brokers: [{ ...broker.address, host: "::ffff:127.0.0.1" }], clientId: "brigade-test" };
      await new KafkaAdmin({ kafka, clock: systemClock, log: silentLogger }).reach();
    });
  });
}

async function addPartitions({ kafka }: TestClient, topic: string, count: number): Promise<void> {
  const client = new KafkaClient({ ...kafka, log: silentLogger });
  const admin = client.kafka.admin();
  try {
    await admin.connect();
    await admin.createPartitions({ topicPartitions: [{ topic, count }] });
  } finally {
    client.close();
  }
}

async function makeAnew({ kafka }: TestClient, topic: string): Promise<void> {
  const client = new KafkaClient({ ...kafka, log: silentLogger });
  const admin = client.kafka.admin();
  try {
    await admin.connect();
    await admin.deleteTopics({ topics: [topic] });
    // Kafka takes its time to let go of the name.
    while (!(await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] }))) await Bun.sleep(50);
  } finally {
    client.close();
  }
}

async function makeCompactedTopic({ kafka }: TestClient, topic: string): Promise<void> {
  const client = new KafkaClient({ ...kafka, log: silentLogger });
  const admin = client.kafka.admin();
  const settings = { "cleanup.policy": "compact", "segment.ms": "100", "min.cleanable.dirty.ratio": "0.001" };
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
  try {
    await admin.connect();
    await admin.createTopics({ topics: [{ topic, numPartitions: 1, configEntries }] });
  } finally {
    client.close();
  }
}

/** Offsets 0 committed, 1 its mark, 2 aborted, 3 its mark, 4 committed, 5 its mark. */
async function produceInTransactions({ kafka }: TestClient, topic: string): Promise<void> {
  const client = new KafkaClient({ ...kafka, log: silentLogger });
  const producer = client.kafka.producer({
    retry: { retries: 5 },
    transactionalId: uniqueName("tx"),
    maxInFlightRequests: 1,
    idempotent: true,
  });
  try {
    await producer.connect();
    for (const [value, commits] of [["0", true] as const, ["aborted", false] as const, ["1", true] as const]) {
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages: [{ value }] });
      await (commits ? transaction.commit() : transaction.abort());
    }
  } finally {
    client.close();
  }
}

interface SilentMember extends AsyncDisposable {
  readonly memberId: string;
  commit(metadata: string): Promise<unknown>;
}

/** A member that has the whole group, and says nothing more: no heartbeat, no farewell. */
async function joinInSilence(
  { kafka }: TestClient,
  topic: string,
  group: string,
  sessionTimeoutMs = 300_000,
): Promise<SilentMember> {
  const client = new KafkaClient({ ...kafka, log: silentLogger });
  const connection = new TopicConnection(client, topic, systemClock);
  await connection.open();
  const options = { group, sessionTimeoutMs, rebalanceTimeoutMs: sessionTimeoutMs };
  const member = new GroupMember(options, silentLogger);
  const { memberId, generation } = await joined(member, connection);
  return {
    memberId,
    async commit(metadata) {
      const partitions = [{ partition: 0, offset: "0", metadata }];
      const coordinator = await connection.coordinator(group);
      const request = { groupId: group, groupGenerationId: generation, memberId, topics: [{ topic, partitions }] };
      return coordinator.offsetCommit(request);
    },
    async [Symbol.asyncDispose]() {
      client.close();
    },
  };
}

/** A fresh broker has to make its coordinator first. */
async function joined(member: GroupMember, connection: TopicConnection): Promise<Membership> {
  for (;;) {
    try {
      const membership = await member.join(connection);
      if (membership !== undefined) return membership;
    } catch (error) {
      if (classifyFailure(error) !== "coordinator-moved") throw error;
      connection.forgetCoordinator();
      await Bun.sleep(50);
    }
  }
}
