import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { silentLogger } from "../../../src/base/log.ts";
import { seededRandom } from "../../../src/base/random.ts";
import { Broker } from "../../../src/local/kafka/broker.ts";
import { defaultBrokerConfig } from "../../../src/local/kafka/broker-config.ts";
import { handleFetch } from "../../../src/local/kafka/handlers/fetch.ts";
import type { RequestContext } from "../../../src/local/kafka/handlers/handler.ts";
import { handleProduce } from "../../../src/local/kafka/handlers/produce.ts";
import { openDatabase } from "../../../src/local/kafka/log/database.ts";
import { SaslSession } from "../../../src/local/kafka/sasl/sasl-session.ts";
import { visibleBatches } from "../../contract/kafka/committed.ts";
import { makeBatch, readBatches } from "../../contract/kafka/record-batch.ts";
import { ManualClock } from "../../support/manual-clock.ts";

/*
 * Producers write into one partition, in transactions and without, in any order, and the broker is started again in
 * between. What a reader of committed records gets, from any offset, is held against a plain list of what was written.
 */

const TOPIC = "t";
const PRODUCERS = 3;
const TRANSACTIONAL = 0x10;
const TIMEOUT_MS = 1000;

type Step =
  | { readonly type: "write"; readonly producer: number; readonly count: number }
  | { readonly type: "end"; readonly producer: number; readonly committed: boolean }
  | { readonly type: "plain" }
  | { readonly type: "wait" }
  | { readonly type: "restart" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant("write"),
      producer: fc.nat(PRODUCERS - 1),
      count: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constant("end"), producer: fc.nat(PRODUCERS - 1), committed: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.constant<Step>({ type: "plain" }) },
  { weight: 1, arbitrary: fc.constant<Step>({ type: "wait" }) },
  { weight: 1, arbitrary: fc.constant<Step>({ type: "restart" }) },
);

/** An offset as the model knows it. */
interface Entry {
  readonly value: string | undefined;
  /** Of a record in a transaction: who wrote it, until it ends. */
  owner: number | undefined;
  isAborted: boolean;
}

class World implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "kafka-transactions-"));
  readonly #clock = new ManualClock();
  readonly #entries: Entry[] = [];
  readonly #producers = new Map<
    number,
    { producerId: number; producerEpoch: number; sequence: number; isOpen: boolean }
  >();
  #broker = this.#open();

  #open(): Broker {
    const database = openDatabase({ dataDir: this.#folder, sync: false });
    const random = seededRandom(1);
    return new Broker({ database, config: defaultBrokerConfig, clock: this.#clock, random, log: silentLogger });
  }

  constructor() {
    this.#broker.topics.create(TOPIC, 1, new Map());
  }

  async take(next: Step): Promise<void> {
    switch (next.type) {
      case "write":
        return await this.#write(next.producer, next.count);
      case "end":
        return await this.#end(next.producer, next.committed);
      case "plain":
        return await this.#produce(null, makeBatch({ values: [this.#newValue(undefined)] }));
      case "wait":
        this.#clock.advance(TIMEOUT_MS);
        await this.#settle();
        for (const producer of this.#producers.keys()) this.#ended(producer, false);
        this.#producers.clear();
        return;
      case "restart":
        this.#broker.close();
        this.#broker = this.#open();
    }
  }

  /** Whether a reader gets what the model says, wherever it begins and however little it takes at a time. */
  async check(): Promise<void> {
    const open = this.#entries.findIndex(({ owner }) => owner !== undefined);
    const stable = open === -1 ? this.#entries.length : open;
    expect(this.#broker.topics.partition(TOPIC, 0)?.lastStableOffset).toBe(stable);
    for (let from = 0; from <= this.#entries.length; from += 3) {
      const expected = this.#entries
        .slice(from, stable)
        .flatMap(({ value, isAborted }) => (isAborted ? [] : (value ?? [])));
      expect(await this.#readCommitted(from, stable)).toEqual(expected);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#broker.close();
    rmSync(this.#folder, { recursive: true });
    await Promise.resolve();
  }

  async #write(producer: number, count: number): Promise<void> {
    const id = `id-${producer}`;
    let state = this.#producers.get(producer);
    if (state === undefined) {
      const request = { transactionalId: id, transactionTimeoutMs: TIMEOUT_MS, producerId: -1, producerEpoch: -1 };
      const given = await this.#broker.transactions.initProducerId(request);
      expect(given.errorCode).toBe(0);
      state = { ...given, sequence: 0, isOpen: false };
      this.#producers.set(producer, state);
    }
    if (!state.isOpen) {
      const partition = this.#broker.topics.partition(TOPIC, 0);
      expect(await this.#broker.transactions.addPartitions(id, state, partition === undefined ? [] : [partition])).toBe(
        0,
      );
      state.isOpen = true;
    }
    const values = Array.from({ length: count }, () => this.#newValue(producer));
    const { producerId, producerEpoch, sequence: baseSequence } = state;
    await this.#produce(id, makeBatch({ values, producerId, producerEpoch, baseSequence, attributes: TRANSACTIONAL }));
    state.sequence += count;
  }

  async #end(producer: number, committed: boolean): Promise<void> {
    const state = this.#producers.get(producer);
    if (state?.isOpen !== true) return;
    expect(await this.#broker.transactions.end(`id-${producer}`, state, committed)).toBe(0);
    this.#ended(producer, committed);
  }

  #ended(producer: number, committed: boolean): void {
    const state = this.#producers.get(producer);
    if (state?.isOpen !== true) return;
    state.isOpen = false;
    for (const entry of this.#entries) {
      if (entry.owner !== producer) continue;
      entry.owner = undefined;
      entry.isAborted = !committed;
    }
    this.#entries.push({ value: undefined, owner: undefined, isAborted: false });
  }

  #newValue(owner: number | undefined): string {
    const value = `v${this.#entries.length}`;
    this.#entries.push({ value, owner, isAborted: false });
    return value;
  }

  async #produce(transactionalId: string | null, records: Uint8Array): Promise<void> {
    const topics = [{ name: TOPIC, partitions: [{ index: 0, records }] }];
    const answer = await handleProduce(this.#broker, { transactionalId, acks: -1, timeoutMs: 0, topics }, context);
    expect(answer).toMatchObject({ topics: [{ partitions: [{ errorCode: 0 }] }] });
  }

  /** As a client reads: fetch by fetch, leaving out what belongs to the transactions that it is told of. */
  async #readCommitted(from: number, end: number): Promise<string[]> {
    const values: string[] = [];
    for (let at = from; at < end; ) {
      const partitions = [{ index: 0, currentLeaderEpoch: -1, fetchOffset: at, maxBytes: 250 }];
      const answer = await handleFetch(
        this.#broker,
        { ...fetchAtOnce, topics: [{ name: TOPIC, topicId: "", partitions }] },
        context,
      );
      const partition = answer.topics[0]?.partitions[0];
      const batches = readBatches(Buffer.concat(partition?.batches ?? []));
      expect(batches.length).toBeGreaterThan(0);
      for (const batch of visibleBatches(batches, partition?.abortedTransactions ?? [])) {
        values.push(...batch.values.slice(Math.max(0, at - batch.baseOffset)));
      }
      at = Math.max(at, ...batches.map(({ lastOffset }) => lastOffset + 1));
    }
    return values;
  }

  /** Writes of this turn are committed. */
  async #settle(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const context: RequestContext = {
  version: 9,
  clientId: "test",
  clientHost: "/127.0.0.1",
  signal: new AbortController().signal,
  sasl: new SaslSession(undefined),
};
const fetchAtOnce = {
  maxWaitMs: 0,
  minBytes: 0,
  maxBytes: 250,
  isolationLevel: 1,
  sessionId: 0,
  sessionEpoch: -1,
  forgotten: [],
};

test("readers of committed records get what was committed, in any order of writing, ending and restarting", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      await using world = new World();
      for (const next of steps) await world.take(next);
      await world.check();
    }),
    { numRuns: 60 },
  );
}, 240_000);
