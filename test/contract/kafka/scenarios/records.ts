import { describe, expect } from "bun:test";
import { CompressionTypes } from "kafkajs";
import type { ContractContext } from "../context.ts";

export function recordsScenarios(context: ContractContext): void {
  describe("records", () => {
    context.scenario("come back with key, value, headers, timestamp and order as they were sent", async (topic) => {
      await context.createTopic(topic);
      const headers = { text: "a", twice: ["1", "2"], bytes: Buffer.of(0, 255) };
      await context.send(topic, [
        { key: "k1", value: "v1", headers, timestamp: "1700000000123" },
        { key: "k2", value: "" },
        { value: null },
        { key: "", value: "größer" },
      ]);
      const messages = await context.readAll(topic, 4);
      expect(messages.map(({ key, value }) => [key?.toString() ?? null, value?.toString() ?? null])).toEqual([
        ["k1", "v1"],
        ["k2", ""],
        [null, null],
        ["", "größer"],
      ]);
      expect(messages.map(({ offset }) => offset)).toEqual(["0", "1", "2", "3"]);
      expect(messages[0]?.timestamp).toBe("1700000000123");
      expect(messages[0]?.headers).toEqual({
        text: Buffer.from("a"),
        twice: [Buffer.from("1"), Buffer.from("2")],
        bytes: Buffer.of(0, 255),
      });
    });

    context.scenario("travel compressed with gzip in both directions", async (topic) => {
      await context.createTopic(topic);
      const values = Array.from({ length: 500 }, (_, i) => `a value that repeats, number ${i}`);
      await context.send(
        topic,
        values.map((value) => ({ value })),
        CompressionTypes.GZIP,
      );
      const messages = await context.readAll(topic, values.length);
      expect(messages.map(({ value }) => value?.toString())).toEqual(values);
    });

    context.scenario("larger than a fetch wants at most still arrive", async (topic) => {
      await context.createTopic(topic);
      await context.send(topic, [{ value: "x".repeat(900_000) }, { value: "after" }]);
      const messages = await context.readAll(topic, 2, { maxBytes: 1000, maxBytesPerPartition: 1000 });
      expect(messages.map(({ value }) => value?.byteLength)).toEqual([900_000, 5]);
    });

    context.scenario("get the broker's time where the topic says so", async (topic) => {
      await context.createTopic(topic, 1, { "message.timestamp.type": "LogAppendTime" });
      await context.send(topic, [{ value: "a", timestamp: "1000" }]);
      const [message] = await context.readAll(topic, 1);
      expect(Number(message?.timestamp)).toBeGreaterThan(1_700_000_000_000);
    });
  });
}
