import { describe, expect } from "bun:test";
import { type ContractContext, FOR_EVER_MS } from "../context.ts";
import { grammars } from "../grammars.ts";
import { makeBatch } from "../record-batch.ts";
import { fetchRequest, partitionOf, produceRequest } from "../requests.ts";

export function fetchScenarios(context: ContractContext): void {
  describe("fetch", () => {
    context.scenario("waits for records and is answered as soon as they are there", async (topic) => {
      await context.createTopic(topic);
      await context.withRaw(async (client) => {
        // Longer than the test may take: only the records can end it.
        const waiting = client.call(grammars.fetch, fetchRequest(topic, 0, { maxWaitMs: FOR_EVER_MS }), 12);
        await context.send(topic, [{ value: "now" }]);
        expect(partitionOf(await waiting)).toMatchObject({ errorCode: 0, highWatermark: 1 });
      });
    });

    context.scenario("waits until there are as many bytes as it wants", async (topic) => {
      await context.createTopic(topic);
      await context.withRaw(async (client) => {
        const batch = makeBatch({ values: ["x".repeat(100)] });
        const minBytes = 2 * batch.byteLength;
        const waiting = client.call(grammars.fetch, fetchRequest(topic, 0, { maxWaitMs: FOR_EVER_MS, minBytes }), 12);
        for (let i = 0; i < 2; i++)
          await context.withRaw(
            async (other) => void (await other.call(grammars.produce, produceRequest(topic, batch))),
          );
        expect((partitionOf(await waiting)["records"] as Uint8Array).byteLength).toBe(minBytes);
      });
    });

    context.scenario("ends with nothing when its time is over", async (topic) => {
      await context.createTopic(topic);
      await context.withRaw(async (client) => {
        const answer = partitionOf(await client.call(grammars.fetch, fetchRequest(topic, 0, { maxWaitMs: 50 }), 12));
        expect(answer).toMatchObject({ errorCode: 0, highWatermark: 0 });
      });
    });

    context.scenario("tells at once what it cannot read", async (topic) => {
      await context.createTopic(topic);
      await context.withRaw(async (client) => {
        const errorOf = async (offset: number, partition: number, epoch = -1) => {
          const request = fetchRequest(topic, offset, { maxWaitMs: FOR_EVER_MS, partition, epoch });
          return partitionOf(await client.call(grammars.fetch, request, 12))["errorCode"];
        };
        expect(await errorOf(1, 0)).toBe(1);
        expect(await errorOf(-1, 0)).toBe(1);
        expect(await errorOf(0, 5)).toBe(3);
        expect(await errorOf(0, 0, 99)).toBe(75);
      });
    });
  });
}
