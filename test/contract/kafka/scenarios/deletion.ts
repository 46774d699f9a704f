import { describe, expect } from "bun:test";
import { type ContractContext, WAIT_MS } from "../context.ts";
import { grammars } from "../grammars.ts";
import type { RawClient } from "../raw-client.ts";
import { makeBatch, readBatches } from "../record-batch.ts";
import { fetchRequest, listOffsetsRequest, partitionOf, partitionsOf, produceRequest } from "../requests.ts";

const EARLIEST = -2;
/** Smallest segment that Kafka 4 allows; the embedded broker goes by batches. */
const SEGMENT_BYTES = 1_048_576;

async function logStart(client: RawClient, topic: string): Promise<unknown> {
  return partitionOf(await client.call(grammars.listOffsets, listOffsetsRequest(topic, EARLIEST)))["offset"];
}

async function beginsAt(client: RawClient, topic: string, offset: number): Promise<void> {
  const giveUpAt = performance.now() + WAIT_MS;
  for (;;) {
    const found = await logStart(client, topic);
    if (found === offset) return;
    if (performance.now() > giveUpAt) throw new Error(`the log begins at ${String(found)}, must begin at ${offset}`);
    await Bun.sleep(20);
  }
}

async function write(client: RawClient, topic: string, values: readonly string[], ageMs = 0): Promise<void> {
  const nowMs = Date.now();
  const batch = makeBatch({ values, timestampsMs: values.map(() => nowMs - ageMs) });
  expect(partitionOf(await client.call(grammars.produce, produceRequest(topic, batch)))).toMatchObject({
    errorCode: 0,
  });
}

export function deletionScenarios(context: ContractContext): void {
  describe("records", () => {
    context.scenario("are deleted up to an offset, also within a batch, and stay so after a restart", async (topic) => {
      await context.createTopic(topic, 2);
      const remove = async (client: RawClient, index: number, offset: number) => {
        const topics = [{ name: topic, partitions: [{ index, offset }] }];
        return partitionOf(await client.call(grammars.deleteRecords, { topics }));
      };
      await context.withRaw(async (client) => {
        await write(client, topic, ["a", "b", "c"]);
        await write(client, topic, ["d", "e"]);
        expect(await remove(client, 0, 6)).toMatchObject({ errorCode: 1, lowWatermark: -1 });
        expect(await remove(client, 7, 0)).toMatchObject({ errorCode: 3 });
        expect(await remove(client, 0, 1)).toMatchObject({ errorCode: 0, lowWatermark: 1 });
        expect(await remove(client, 0, 0)).toMatchObject({ errorCode: 0, lowWatermark: 1 });
        expect(await logStart(client, topic)).toBe(1);
        const fetched = async (offset: number) =>
          partitionOf(await client.call(grammars.fetch, fetchRequest(topic, offset, { maxWaitMs: 0 }), 12));
        expect(await fetched(0)).toMatchObject({ errorCode: 1 });
        expect(await fetched(1)).toMatchObject({ errorCode: 0, logStartOffset: 1, highWatermark: 5 });
        expect(readBatches((await fetched(1))["records"] as Uint8Array)[0]?.values).toEqual(["a", "b", "c"]);
        expect(await remove(client, 0, 3)).toMatchObject({ errorCode: 0, lowWatermark: 3 });
        expect(await remove(client, 1, -1)).toMatchObject({ errorCode: 0, lowWatermark: 0 });
      });
      await context.broker().restart();
      await context.withRaw(async (client) => {
        expect(await logStart(client, topic)).toBe(3);
        expect(await remove(client, 0, -1)).toMatchObject({ errorCode: 0, lowWatermark: 5 });
        await write(client, topic, ["f"]);
        expect(await logStart(client, topic)).toBe(5);
      });
      expect((await context.readAll(topic, 1)).map(({ value }) => value?.toString())).toEqual(["f"]);
    });

    context.scenario("cannot be deleted where the topic keeps the newest of each key", async (topic) => {
      await context.createTopic(topic, 1, { "cleanup.policy": "compact" });
      await context.withRaw(async (client) => {
        const topics = [{ name: topic, partitions: [{ index: 0, offset: 0 }] }];
        const answer = await client.call(grammars.deleteRecords, { topics });
        expect(partitionsOf(answer)).toMatchObject([{ errorCode: 44 }]);
      });
    });

    context.scenario("go when they are older than the topic keeps them", async (topic) => {
      await context.createTopic(topic, 1, { "retention.ms": "60000" });
      await context.withRaw(async (client) => {
        await write(client, topic, ["old", "older"], 120_000);
        await beginsAt(client, topic, 2);
        await write(client, topic, ["new"]);
        expect(await logStart(client, topic)).toBe(2);
      });
    });

    context.scenario("go when there are more of them than the topic keeps, the oldest first", async (topic) => {
      await context.createTopic(topic, 1, { "retention.bytes": "1000000", "segment.bytes": `${SEGMENT_BYTES}` });
      await context.withRaw(async (client) => {
        for (let i = 0; i < 4; i++) await write(client, topic, ["x".repeat(600_000)]);
        await beginsAt(client, topic, 2);
      });
    });
  });
}
