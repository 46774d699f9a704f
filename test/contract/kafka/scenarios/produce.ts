import { describe, expect } from "bun:test";
import type { ContractContext } from "../context.ts";
import { grammars } from "../grammars.ts";
import type { RawClient } from "../raw-client.ts";
import { makeBatch } from "../record-batch.ts";
import { newProducer, partitionOf, partitionsOf, produceRequest, strangersHeartbeat } from "../requests.ts";
import type { WireValue } from "../wire-grammar.ts";

export function produceScenarios(context: ContractContext): void {
  describe("produce", () => {
    context.scenario(
      "of an idempotent producer gives each batch one place, however often it is sent",
      async (topic) => {
        await context.createTopic(topic);
        await context.withRaw(async (client) => {
          const produce = await idempotentProducer(client, topic);
          expect(await produce(0, ["a", "b"])).toMatchObject({ errorCode: 0, baseOffset: 0 });
          expect(await produce(2, ["c"])).toMatchObject({ errorCode: 0, baseOffset: 2 });
          expect(await produce(0, ["a", "b"])).toMatchObject({ errorCode: 0, baseOffset: 0 });
          expect(await produce(4, ["e"])).toMatchObject({ errorCode: 45 });
          expect(await produce(3, ["d"])).toMatchObject({ errorCode: 0, baseOffset: 3 });
        });
        expect((await context.readAll(topic, 4)).map(({ value }) => value?.toString())).toEqual(["a", "b", "c", "d"]);
      },
    );

    context.scenario("of an idempotent producer gives each batch one place, also after a restart", async (topic) => {
      await context.createTopic(topic);
      let produce: IdempotentProduce | undefined;
      await context.withRaw(async (client) => {
        produce = await idempotentProducer(client, topic);
        expect(await produce(0, ["a", "b"])).toMatchObject({ errorCode: 0, baseOffset: 0 });
      });
      await context.broker().restart();
      await context.withRaw(async (client) => {
        expect(await produce?.(0, ["a", "b"], client)).toMatchObject({ errorCode: 0, baseOffset: 0 });
        expect(await produce?.(2, ["c"], client)).toMatchObject({ errorCode: 0, baseOffset: 2 });
        const another = await idempotentProducer(client, topic);
        expect(await another(0, ["x"])).toMatchObject({ errorCode: 0, baseOffset: 3 });
      });
    });

    context.scenario("from kafkajs' idempotent producer works over many sends", async (topic) => {
      await context.createTopic(topic);
      const producer = context.kafka().producer({ idempotent: true, maxInFlightRequests: 1 });
      await producer.connect();
      for (let i = 0; i < 20; i++) await producer.send({ topic, messages: [{ value: `${i}` }] });
      await producer.disconnect();
      expect(await context.readAll(topic, 20)).toHaveLength(20);
    });

    context.scenario(
      "is refused with the reason, and the good partitions of the request are written",
      async (topic) => {
        await context.createTopic(topic, 2, { "max.message.bytes": "2000" });
        await context.withRaw(async (client) => {
          const good = makeBatch({ values: ["good"] });
          const damaged = Buffer.from(good);
          damaged.writeUInt8(damaged.readUInt8(65) ^ 1, 65);
          const oldFormat = Buffer.from(good);
          oldFormat.writeInt8(1, 16);
          const errorOf = async (records: Buffer, partition = 0, acks = -1) =>
            partitionOf(await client.call(grammars.produce, { ...produceRequest(topic, records, partition), acks }))[
              "errorCode"
            ];
          expect(await errorOf(damaged)).toBe(2);
          expect(await errorOf(good, 7)).toBe(3);
          expect(await errorOf(makeBatch({ values: ["x".repeat(3000)] }))).toBe(10);
          expect(await errorOf(good, 0, 2)).toBe(21);
          expect(await errorOf(oldFormat)).toBe(87);
          expect(await errorOf(Buffer.concat([good, good]))).toBe(87);
          const partitions = [
            { index: 0, records: damaged },
            { index: 1, records: good },
          ];
          const both = await client.call(grammars.produce, {
            ...produceRequest(topic, good),
            topics: [{ name: topic, partitions }],
          });
          const inOrder = partitionsOf(both).toSorted((a, b) => Number(a["index"]) - Number(b["index"]));
          expect(inOrder.map(({ errorCode, baseOffset }) => [errorCode, baseOffset])).toEqual([
            [2, -1],
            [0, 0],
          ]);
        });
      },
    );

    context.scenario("without acknowledgement has no answer, and is written", async (topic) => {
      await context.createTopic(topic);
      await context.withRaw(async (client) => {
        client.post(grammars.produce, { ...produceRequest(topic, makeBatch({ values: ["a"] })), acks: 0 });
        expect(await client.call(grammars.heartbeat, strangersHeartbeat)).toMatchObject({ errorCode: 25 });
      });
      expect(await context.readAll(topic, 1)).toHaveLength(1);
    });

    context.scenario("sent many at a time is answered and written in order", async (topic) => {
      await context.createTopic(topic);
      await context.withRaw(async (client) => {
        const values = Array.from({ length: 100 }, (_, i) => `${i}`);
        for (const value of values)
          client.post(grammars.produce, produceRequest(topic, makeBatch({ values: [value] })), 8);
        const correlationIds: number[] = [];
        for (const _ of values) correlationIds.push((await client.nextFrame()).readInt32BE(0));
        expect(correlationIds).toEqual(values.map((_, i) => (correlationIds[0] ?? 0) + i));
        expect((await context.readAll(topic, 100)).map(({ value }) => value?.toString())).toEqual(values);
      });
    });
  });
}

/**
 * Sends a batch as one producer, by another connection where one is given; the answer is the partition's. Its records
 * are of today: a real broker forgets a producer as it starts, when the newest record of it is dated more than a day ago.
 */
type IdempotentProduce = (baseSequence: number, values: readonly string[], by?: RawClient) => Promise<WireValue>;

async function idempotentProducer(client: RawClient, topic: string): Promise<IdempotentProduce> {
  const producer = await takeProducerId(client);
  const nowMs = Date.now();
  return async (baseSequence, values, by = client) => {
    const batch = makeBatch({ values, baseSequence, timestampsMs: values.map(() => nowMs), ...producer });
    return partitionOf(await by.call(grammars.produce, produceRequest(topic, batch)));
  };
}

/** A real broker that has just started refuses it for a moment. */
async function takeProducerId(client: RawClient): Promise<{ producerId: number; producerEpoch: number }> {
  for (;;) {
    const { errorCode, producerId, producerEpoch } = await client.call(grammars.initProducerId, newProducer);
    if (errorCode === 0) return { producerId: Number(producerId), producerEpoch: Number(producerEpoch) };
    await Bun.sleep(20);
  }
}
