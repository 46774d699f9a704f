import { describe, expect } from "bun:test";
import { gzipSync } from "node:zlib";
import type { ContractContext } from "../context.ts";
import { grammars } from "../grammars.ts";
import { type BatchContent, makeBatch, seal } from "../record-batch.ts";
import { partitionOf, produceRequest } from "../requests.ts";

const garbage = Buffer.from("garbage, and nothing but garbage");
const DAY_MS = 86_400_000;

/** A batch that was changed after its producer had made it, under the right checksum. */
function edited(content: BatchContent, edit: (batch: Buffer) => void): Buffer {
  const batch = makeBatch(content);
  edit(batch);
  return seal(batch);
}

/** A batch that claims to have certain records, and has others. */
function withRecords(claimed: BatchContent, records: Buffer): Buffer {
  const batch = Buffer.concat([makeBatch(claimed).subarray(0, 61), records]);
  batch.writeInt32BE(batch.byteLength - 12, 8);
  return seal(batch);
}

function counted(content: BatchContent, records: number): Buffer {
  return edited(content, (batch) => {
    batch.writeInt32BE(records, 57);
    batch.writeInt32BE(records - 1, 23);
  });
}

const one = { values: ["abc"] };
const two = { values: ["a", "b"] };
const LENGTH_AT = 61;
const VALUE_LENGTH_AT = 66;

export function badRecordScenarios(context: ContractContext): void {
  describe("produce", () => {
    context.scenario("of records that are not what their batch says is refused, packed or not", async (topic) => {
      await context.createTopic(topic);
      await context.withRaw(async (client) => {
        const errorOf = async (batch: Buffer) =>
          partitionOf(await client.call(grammars.produce, produceRequest(topic, batch)))["errorCode"];
        expect(await errorOf(counted(one, 2))).toBe(87);
        expect(await errorOf(counted(two, 1))).toBe(87);
        expect(await errorOf(edited(one, (batch) => batch.writeUInt8(60, LENGTH_AT)))).toBe(87);
        expect(await errorOf(edited(one, (batch) => batch.writeUInt8(10, LENGTH_AT)))).toBe(87);
        expect(await errorOf(edited(one, (batch) => batch.writeUInt8(60, VALUE_LENGTH_AT)))).toBe(87);
        expect(await errorOf(withRecords(one, garbage))).toBe(87);
        expect(await errorOf(counted({ ...one, codec: "gzip" }, 2))).toBe(87);
        expect(await errorOf(counted({ ...two, codec: "gzip" }, 1))).toBe(87);
        expect(await errorOf(withRecords({ ...one, codec: "gzip" }, gzipSync(garbage)))).toBe(87);
        for (const codec of ["gzip", "snappy", "lz4", "zstd"] as const) {
          expect(await errorOf(withRecords({ ...one, codec }, garbage))).toBe(-1);
        }
        expect(await errorOf(makeBatch(one))).toBe(0);
      });
    });

    context.scenario("without a key is refused where the topic keeps the newest of each key", async (topic) => {
      await context.createTopic(topic, 1, { "cleanup.policy": "compact" });
      await context.withRaw(async (client) => {
        const answer = partitionOf(await client.call(grammars.produce, produceRequest(topic, makeBatch(one))));
        expect(answer).toMatchObject({ errorCode: 87 });
      });
    });

    context.scenario("of records from another time is refused where the topic sets bounds", async (topic) => {
      await context.createTopic(topic, 1, {
        "message.timestamp.before.max.ms": `${DAY_MS}`,
        "message.timestamp.after.max.ms": `${DAY_MS}`,
      });
      await context.withRaw(async (client) => {
        const errorAt = async (...timestampsMs: number[]) => {
          const batch = makeBatch({ values: timestampsMs.map(String), timestampsMs });
          return partitionOf(await client.call(grammars.produce, produceRequest(topic, batch)))["errorCode"];
        };
        const nowMs = Date.now();
        expect(await errorAt(nowMs - 2 * DAY_MS)).toBe(32);
        expect(await errorAt(nowMs, nowMs + 2 * DAY_MS)).toBe(32);
        expect(await errorAt(nowMs - DAY_MS / 2, nowMs + DAY_MS / 2)).toBe(0);
      });
    });
  });
}
