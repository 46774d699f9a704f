import { describe, expect } from "bun:test";
import { type ContractContext, WAIT_MS } from "../context.ts";
import { grammars } from "../grammars.ts";
import { newMember, partitionsOf } from "../requests.ts";
import { initProducer, initRequest, noProducer, settled } from "../transactional-producer.ts";
import { endOffset } from "./transactions.ts";

const TOO_LONG_MS = 2_000_000_000;

export function transactionFaultScenarios(context: ContractContext): void {
  describe("transactions", () => {
    context.scenario("of a producer that another replaces are aborted, and it is fenced everywhere", async (topic) => {
      await context.createTopic(topic);
      const groupId = `group-${topic}`;
      await context.withRaw(async (client) => {
        const old = await initProducer(client, `id-${topic}`);
        expect(old.identity.producerEpoch).toBe(0);
        expect(await old.add(topic)).toBe(0);
        expect(await old.write(topic, ["x"])).toMatchObject({ errorCode: 0 });
        expect(await old.addGroup(groupId)).toBe(0);

        const next = await initProducer(client, `id-${topic}`);
        // One epoch fences the old producer's transaction, and is given to nobody.
        expect(next.identity).toEqual({ producerId: old.identity.producerId, producerEpoch: 2 });
        expect(await endOffset(client, topic, true)).toBe(2);
        expect(await old.write(topic, ["y"])).toMatchObject({ errorCode: 47 });
        expect([await old.add(topic), await old.add(topic, [0], 1)]).toEqual([90, 47]);
        expect([await old.end(true), await old.end(true, 1)]).toEqual([90, 47]);
        expect(await old.addGroup(groupId)).toBe(90);
        expect(await old.commitOffset(groupId, topic, 1)).toBe(47);
        expect(await next.add(topic)).toBe(0);
        expect(await next.write(topic, ["a"])).toMatchObject({ errorCode: 0, baseOffset: 2 });
        expect(await next.end(true)).toBe(0);
      });
      expect((await context.readAll(topic, 1)).map(({ value }) => value?.toString())).toEqual(["a"]);
    });

    context.scenario("that take too long are aborted, and their producer is fenced", async (topic) => {
      await context.createTopic(topic);
      await context.withRaw(async (client) => {
        const producer = await initProducer(client, `id-${topic}`, { timeoutMs: 100 });
        expect(await producer.add(topic)).toBe(0);
        expect(await producer.write(topic, ["x"])).toMatchObject({ errorCode: 0 });
        const giveUpAt = performance.now() + WAIT_MS;
        while ((await endOffset(client, topic, true)) !== 2) {
          if (performance.now() > giveUpAt) throw new Error("the transaction is not aborted");
          await Bun.sleep(10);
        }
        expect(await producer.write(topic, ["y"])).toMatchObject({ errorCode: 47 });
        expect(await producer.end(true)).toBe(90);
        const next = await initProducer(client, `id-${topic}`);
        expect(next.identity).toEqual({ producerId: producer.identity.producerId, producerEpoch: 2 });
      });
    });

    context.scenario("go on with a raised epoch for a producer that tells who it is (KIP-360)", async (topic) => {
      await context.createTopic(topic);
      await context.withRaw(async (client) => {
        const transactionalId = `id-${topic}`;
        const first = (await initProducer(client, transactionalId)).identity;
        const { producerId } = first;
        const raised = (await initProducer(client, transactionalId, { claim: first })).identity;
        expect(raised).toEqual({ producerId, producerEpoch: 1 });
        // The answer was lost: asked again, it is the same.
        expect((await initProducer(client, transactionalId, { claim: first })).identity).toEqual(raised);
        const other = (await initProducer(client, transactionalId)).identity;
        expect(other).toEqual({ producerId, producerEpoch: 2 });
        const errorOf = async (claim: typeof first, version?: number) =>
          (await settled(() => client.call(grammars.initProducerId, initRequest(transactionalId, { claim }), version)))[
            "errorCode"
          ];
        expect(await errorOf(raised)).toBe(90);
        expect(await errorOf(raised, 3)).toBe(47);
        expect(await errorOf({ producerId: producerId + 1, producerEpoch: 2 })).toBe(90);
        expect(await errorOf({ producerId, producerEpoch: -1 })).toBe(42);
        const next = await initProducer(client, transactionalId, { claim: other });
        expect(next.identity).toEqual({ producerId, producerEpoch: 3 });
        expect(await next.add(topic)).toBe(0);
        expect(await next.write(topic, ["a"])).toMatchObject({ errorCode: 0 });
        expect(await next.end(true)).toBe(0);
      });
    });

    context.scenario("refuse what does not belong to them, with the reason", async (topic) => {
      await context.createTopic(topic, 2);
      const groupId = `group-${topic}`;
      await context.withRaw(async (client) => {
        const producer = await initProducer(client, `id-${topic}`);
        expect([await producer.end(true), await producer.end(false)]).toEqual([48, 48]);
        // Outside of a transaction, and in one for a partition that is no part of it.
        expect(await producer.write(topic, ["x"], 0, 9)).toMatchObject({ errorCode: 48 });
        expect(await producer.commitOffset(groupId, topic, 1, {}, 3)).toBe(48);
        expect(await producer.commitOffset(groupId, topic, 1, {}, 4)).toBe(120);
        expect(await producer.add(topic)).toBe(0);
        expect(await producer.write(topic, ["x"], 1, 9)).toMatchObject({ errorCode: 48 });
        expect(await producer.write(topic, ["x"], 1, 11)).toMatchObject({ errorCode: 120 });
        expect(await producer.send(topic, ["x"], { transactionalId: null })).toMatchObject({ errorCode: 53 });
        expect(await producer.send(topic, ["x"], { transactionalId: `no-${topic}` })).toMatchObject({ errorCode: 49 });
        expect(await producer.write(topic, ["a"])).toMatchObject({ errorCode: 0 });
        expect(await producer.send(topic, ["x"], { attributes: 0, baseSequence: 1 })).toMatchObject({ errorCode: 48 });
        expect(await producer.write(topic, ["b"])).toMatchObject({ errorCode: 0 });
        expect(await producer.end(true)).toBe(0);
        expect(await producer.end(true)).toBe(0);
        expect(await producer.end(false)).toBe(48);
        expect(await producer.write(topic, ["x"], 0, 9)).toMatchObject({ errorCode: 48 });
      });
      expect((await context.readAll(topic, 2)).map(({ value }) => value?.toString())).toEqual(["a", "b"]);
    });

    context.scenario(
      "are refused to strangers, for unknown partitions, and for longer than is allowed",
      async (topic) => {
        await context.createTopic(topic);
        await context.withRaw(async (client) => {
          const producer = await initProducer(client, `id-${topic}`);
          const { identity, transactionalId } = producer;
          const named = { transactionalId, ...identity };
          const partitions = [{ name: topic, partitions: [0, 7] }];
          const some = await settled(
            () => client.call(grammars.addPartitionsToTxn, { ...named, topics: partitions }),
            (answer) => partitionsOf(answer)[0]?.["errorCode"],
          );
          expect(new Map(partitionsOf(some).map(({ index, errorCode }) => [index, errorCode]))).toEqual(
            new Map([
              [0, 55],
              [7, 3],
            ]),
          );
          const endOf = async (request: object) =>
            (await client.call(grammars.endTxn, { ...named, committed: true, ...request }))["errorCode"];
          expect(await endOf({ transactionalId: `no-${topic}` })).toBe(49);
          expect(await endOf({ producerId: identity.producerId + 1 })).toBe(49);
          expect(await endOf({ transactionalId: "" })).toBe(42);
          const initOf = async (id: string, timeoutMs: number) =>
            (
              await settled(() =>
                client.call(grammars.initProducerId, initRequest(id, { timeoutMs, claim: noProducer })),
              )
            )["errorCode"];
          expect(await initOf("", 1000)).toBe(42);
          expect(await initOf(`id-${topic}`, TOO_LONG_MS)).toBe(50);
          expect(await initOf(`id-${topic}`, 0)).toBe(50);
        });
      },
    );

    context.scenario("commit offsets for a member of its generation, and for who does not tell", async (topic) => {
      await context.createTopic(topic);
      const groupId = `group-${topic}`;
      await context.withRaw(async (client) => {
        const join = { ...newMember, groupId, sessionTimeoutMs: 60_000 };
        const joined = await client.call(grammars.joinGroup, join, 3);
        const { memberId, generationId } = joined;
        const assignments = [{ memberId, assignment: Buffer.of(0) }];
        await client.call(grammars.syncGroup, { groupId, generationId, memberId, assignments }, 3);
        const producer = await initProducer(client, `id-${topic}`);
        expect(await producer.addGroup(groupId)).toBe(0);
        const errorOf = (more: object) => producer.commitOffset(groupId, topic, 3, { ...more });
        expect(await errorOf({ memberId, generationId })).toBe(0);
        expect(await errorOf({ memberId, generationId: Number(generationId) + 1 })).toBe(22);
        expect(await errorOf({ memberId: "nobody", generationId })).toBe(25);
        expect(await errorOf({})).toBe(0);
        expect(await producer.end(true)).toBe(0);
        await initProducer(client, `id-${topic}`);
        expect(await errorOf({ memberId: "nobody", generationId })).toBe(47);
      });
    });
  });
}
