import { describe, expect } from "bun:test";
import { type ContractContext, FOR_EVER_MS, WAIT_MS } from "../context.ts";
import { grammars } from "../grammars.ts";
import type { RawClient } from "../raw-client.ts";
import { readBatches } from "../record-batch.ts";
import { fetchRequest, listOffsetsRequest, partitionOf } from "../requests.ts";
import { initProducer } from "../transactional-producer.ts";

/** What a reader of committed records sees, and what it is told besides. */
async function readCommitted(client: RawClient, topic: string, offset = 0) {
  const request = fetchRequest(topic, offset, { maxWaitMs: 0, minBytes: 0, readCommitted: true });
  const { records, lastStableOffset, highWatermark, abortedTransactions } = partitionOf(
    await client.call(grammars.fetch, request, 12),
  );
  const batches = readBatches((records as Uint8Array | null) ?? new Uint8Array(0));
  return { batches, lastStableOffset, highWatermark, abortedTransactions };
}

export async function endOffset(client: RawClient, topic: string, committedOnly: boolean): Promise<unknown> {
  const answer = await client.call(grammars.listOffsets, listOffsetsRequest(topic, -1, committedOnly));
  return partitionOf(answer)["offset"];
}

async function committedOffset(client: RawClient, groupId: string, topic: string, requireStable = false) {
  const request = { groupId, topics: [{ name: topic, partitionIndexes: [0] }], requireStable };
  const { offset, metadata, errorCode } = partitionOf(await client.call(grammars.offsetFetch, request, 7));
  return { offset, metadata, errorCode };
}

/** The committed offset once no transaction is about to replace it. */
async function stableOffset(client: RawClient, groupId: string, topic: string): Promise<unknown> {
  const giveUpAt = performance.now() + WAIT_MS;
  for (;;) {
    const { offset, errorCode } = await committedOffset(client, groupId, topic, true);
    if (errorCode === 0) return offset;
    if (performance.now() > giveUpAt) throw new Error(`the offset stays refused with ${String(errorCode)}`);
    await Bun.sleep(5);
  }
}

/** Control records of a real broker come a moment after the answer to EndTxn. */
async function ended(client: RawClient, topic: string, end: number): Promise<void> {
  const giveUpAt = performance.now() + WAIT_MS;
  while ((await endOffset(client, topic, true)) !== end) {
    if (performance.now() > giveUpAt) throw new Error(`the end of the transaction is not at ${end}`);
    await Bun.sleep(5);
  }
}

export function transactionsScenarios(context: ContractContext): void {
  describe("transactions", () => {
    context.scenario("show what is committed, hide what is open, and tell what was aborted", async (topic) => {
      await context.createTopic(topic);
      await context.withRaw(async (client) => {
        const kept = await initProducer(client, `kept-${topic}`);
        const dropped = await initProducer(client, `dropped-${topic}`);
        for (const producer of [kept, dropped]) expect(await producer.add(topic)).toBe(0);
        expect(await dropped.write(topic, ["x0", "x1"])).toMatchObject({ errorCode: 0, baseOffset: 0 });
        expect(await kept.write(topic, ["a", "b"])).toMatchObject({ errorCode: 0, baseOffset: 2 });
        expect(await readCommitted(client, topic)).toMatchObject({
          batches: [],
          lastStableOffset: 0,
          highWatermark: 4,
          abortedTransactions: [],
        });
        expect([await endOffset(client, topic, true), await endOffset(client, topic, false)]).toEqual([0, 4]);

        expect(await kept.end(true)).toBe(0);
        expect(await dropped.write(topic, ["x2"])).toMatchObject({ errorCode: 0 });
        expect(await dropped.end(false)).toBe(0);
        await ended(client, topic, 7);
        const { batches, lastStableOffset, abortedTransactions } = await readCommitted(client, topic);
        expect(lastStableOffset).toBe(7);
        const { producerId, producerEpoch } = dropped.identity;
        expect(abortedTransactions).toEqual([{ producerId, firstOffset: 0 }]);
        expect(batches.filter(({ control }) => control === undefined).map(({ values }) => values)).toEqual([
          ["x0", "x1"],
          ["a", "b"],
          ["x2"],
        ]);
        expect(batches.every(({ isTransactional }) => isTransactional)).toBeTrue();
        const marks = batches.filter(({ control }) => control !== undefined);
        expect(marks.find(({ control }) => control === "commit")).toMatchObject(kept.identity);
        expect(marks.find(({ control }) => control === "abort")).toMatchObject({ producerId, producerEpoch });
      });
      expect((await context.readAll(topic, 2)).map(({ value }) => value?.toString())).toEqual(["a", "b"]);
    });

    context.scenario("tell only those aborted that concern what is read", async (topic) => {
      await context.createTopic(topic);
      await context.withRaw(async (client) => {
        const producer = await initProducer(client, `id-${topic}`);
        for (let round = 0; round < 3; round++) {
          expect(await producer.add(topic)).toBe(0);
          expect(await producer.write(topic, ["x"])).toMatchObject({ errorCode: 0 });
          expect(await producer.end(false)).toBe(0);
          await ended(client, topic, 2 * round + 2);
        }
        const { producerId } = producer.identity;
        const at = async (offset: number) => (await readCommitted(client, topic, offset)).abortedTransactions;
        expect(await at(0)).toEqual([0, 2, 4].map((firstOffset) => ({ producerId, firstOffset })));
        expect(await at(3)).toEqual([2, 4].map((firstOffset) => ({ producerId, firstOffset })));
        expect(await at(6)).toEqual([]);
      });
    });

    context.scenario("wake who waits for committed records when they end, and not before", async (topic) => {
      await context.createTopic(topic);
      await context.withRaw(async (client) => {
        const producer = await initProducer(client, `id-${topic}`);
        expect(await producer.add(topic)).toBe(0);
        await context.withRaw(async (reader) => {
          const waiting = reader.call(
            grammars.fetch,
            fetchRequest(topic, 0, { maxWaitMs: FOR_EVER_MS, readCommitted: true }),
            12,
          );
          expect(await producer.write(topic, ["a"])).toMatchObject({ errorCode: 0 });
          expect(await producer.end(true)).toBe(0);
          const answer = partitionOf(await waiting);
          expect(readBatches(answer["records"] as Uint8Array)[0]?.values).toEqual(["a"]);
        });
      });
    });

    context.scenario("commit offsets with their records, and forget those of an aborted one", async (topic) => {
      await context.createTopic(topic);
      const groupId = `group-${topic}`;
      await context.withRaw(async (client) => {
        const producer = await initProducer(client, `id-${topic}`);
        expect(await producer.addGroup(groupId)).toBe(0);
        expect(await producer.commitOffset(groupId, topic, 5)).toBe(0);
        expect(await committedOffset(client, groupId, topic)).toMatchObject({ offset: -1, errorCode: 0 });
        expect(await committedOffset(client, groupId, topic, true)).toMatchObject({ offset: -1, errorCode: 88 });
        expect(await producer.end(true)).toBe(0);
        expect(await stableOffset(client, groupId, topic)).toBe(5);
        expect(await committedOffset(client, groupId, topic)).toEqual({ offset: 5, metadata: "at 5", errorCode: 0 });

        expect(await producer.addGroup(groupId)).toBe(0);
        expect(await producer.commitOffset(groupId, topic, 9)).toBe(0);
        expect(await committedOffset(client, groupId, topic)).toMatchObject({ offset: 5 });
        expect(await producer.end(false)).toBe(0);
        expect(await stableOffset(client, groupId, topic)).toBe(5);
      });
    });

    context.scenario("go on after a restart of the broker, open, committed or aborted as they were", async (topic) => {
      await context.createTopic(topic);
      const groupId = `group-${topic}`;
      let producer = await openTransaction(context, topic, groupId);
      await context.broker().restart();
      await context.withRaw(async (client) => {
        expect(await endOffset(client, topic, true)).toBe(0);
        producer = producer.by(client);
        expect(await producer.write(topic, ["b"])).toMatchObject({ errorCode: 0, baseOffset: 1 });
        expect(await producer.end(false)).toBe(0);
        await ended(client, topic, 3);
        expect(await stableOffset(client, groupId, topic)).toBe(-1);
        expect(await producer.add(topic)).toBe(0);
        expect(await producer.write(topic, ["c"])).toMatchObject({ errorCode: 0, baseOffset: 3 });
        expect(await producer.end(true)).toBe(0);
        await ended(client, topic, 5);
        const { batches, abortedTransactions } = await readCommitted(client, topic);
        const { producerId } = producer.identity;
        expect(abortedTransactions).toEqual([{ producerId, firstOffset: 0 }]);
        expect(batches.map(({ control, values }) => control ?? values)).toEqual([
          ["a"],
          ["b"],
          "abort",
          ["c"],
          "commit",
        ]);
      });
    });

    context.scenario("of kafkajs carry records and offsets from topic to topic", async (topic) => {
      const output = `out-${topic}`;
      await context.createTopic(topic);
      await context.createTopic(output, 2);
      const producer = context.kafka().producer({
        transactionalId: `id-${topic}`,
        maxInFlightRequests: 1,
        idempotent: true,
      });
      await producer.connect();
      const consumerGroupId = `group-${topic}`;
      for (const [index, isKept] of [true, false, true].entries()) {
        const transaction = await producer.transaction();
        await transaction.send({
          topic: output,
          messages: [0, 1].map((partition) => ({ partition, value: `${index}` })),
        });
        const partitions = [{ partition: 0, offset: `${index + 1}` }];
        await transaction.sendOffsets({ consumerGroupId, topics: [{ topic, partitions }] });
        await (isKept ? transaction.commit() : transaction.abort());
      }
      await producer.disconnect();
      const messages = await context.readAll(output, 4);
      expect(messages.map(({ value }) => Number(value)).toSorted((a, b) => a - b)).toEqual([0, 0, 2, 2]);
      await context.withAdmin(async (admin) => {
        const offsets = await admin.fetchOffsets({ groupId: consumerGroupId, topics: [topic] });
        expect(offsets[0]?.partitions).toMatchObject([{ partition: 0, offset: "3" }]);
      });
    });
  });
}

async function openTransaction(context: ContractContext, topic: string, groupId: string) {
  const { promise, resolve } = Promise.withResolvers<Awaited<ReturnType<typeof initProducer>>>();
  await context.withRaw(async (client) => {
    const producer = await initProducer(client, `id-${topic}`);
    expect(await producer.add(topic)).toBe(0);
    expect(await producer.write(topic, ["a"])).toMatchObject({ errorCode: 0, baseOffset: 0 });
    expect(await producer.addGroup(groupId)).toBe(0);
    expect(await producer.commitOffset(groupId, topic, 7)).toBe(0);
    resolve(producer);
  });
  return await promise;
}
