import { describe, expect } from "bun:test";
import { becomes, type ContractContext } from "../context.ts";
import { grammars } from "../grammars.ts";
import { readBatches } from "../record-batch.ts";
import { metadataRequest } from "../requests.ts";
import type { WireValue } from "../wire-grammar.ts";

type Rows = readonly WireValue[];

/** What an answer tells of each partition: its values, or its error. */
function told(answer: WireValue): Record<string, unknown> {
  const partitions = (answer["topics"] as Rows).flatMap((topic) => topic["partitions"] as Rows);
  return Object.fromEntries(
    partitions.map(({ index, errorCode, records }) => [
      String(index),
      errorCode === 0
        ? readBatches((records as Uint8Array | null) ?? new Uint8Array(0)).flatMap(({ values }) => values)
        : errorCode,
    ]),
  );
}

export function sessionScenarios(context: ContractContext): void {
  describe("fetch sessions", () => {
    for (const version of [12, 16]) {
      const by = version < 13 ? "by name" : "by id";
      context.scenario(`name only what changes, and are told only what is new (${by})`, async (topic) => {
        await context.createTopic(topic, 3);
        await context.withRaw(async (client) => {
          const { topics } = await client.call(grammars.metadata, metadataRequest([topic]));
          const topicId = (topics as Rows)[0]?.["topicId"];
          const fetch = async (
            sessionId: unknown,
            sessionEpoch: number,
            offsets: Readonly<Record<number, number>>,
            forgotten: readonly number[] = [],
            inVersion = version,
          ) => {
            const partitions = Object.entries(offsets).map(([index, fetchOffset]) => {
              return { index: Number(index), currentLeaderEpoch: -1, fetchOffset, maxBytes: 100_000 };
            });
            const request = {
              maxWaitMs: 0,
              minBytes: 0,
              maxBytes: 100_000,
              isolationLevel: 0,
              sessionId,
              sessionEpoch,
              topics: partitions.length === 0 ? [] : [{ name: topic, topicId, partitions }],
              forgotten: forgotten.length === 0 ? [] : [{ name: topic, topicId, partitions: forgotten }],
            };
            return await client.call(grammars.fetch, request, inVersion);
          };
          const send = (partition: number, value: string) => context.send(topic, [{ partition, value }]);

          await send(0, "a");
          const opened = await fetch(0, 0, { 0: 0, 1: 0 });
          const { sessionId } = opened;
          expect(sessionId).not.toBe(0);
          expect(told(opened)).toEqual({ 0: ["a"], 1: [] });
          expect(told(await fetch(sessionId, 1, { 0: 1 }))).toEqual({});
          await send(1, "b");
          await send(2, "not wanted");
          const second = await fetch(sessionId, 2, {});
          expect(second).toMatchObject({ errorCode: 0, sessionId });
          expect(told(second)).toEqual({ 1: ["b"] });
          expect(told(await fetch(sessionId, 3, { 1: 1, 2: 0 }, [0]))).toEqual({ 2: ["not wanted"] });
          await send(0, "forgotten");
          expect(told(await fetch(sessionId, 4, { 2: 9 }))).toEqual({ 2: 1 });

          expect(await fetch(sessionId, 4, {})).toMatchObject({ errorCode: 71 });
          expect(await fetch(Number(sessionId) ^ 1, 5, {})).toMatchObject({ errorCode: 70 });
          const closed = await fetch(sessionId, -1, { 0: 0 });
          expect(closed).toMatchObject({ errorCode: 0, sessionId: 0 });
          expect(told(closed)).toEqual({ 0: ["a", "forgotten"] });
          expect(await fetch(sessionId, 5, {})).toMatchObject({ errorCode: 70 });

          const { sessionId: next } = await fetch(0, 0, { 0: 0, 1: 0 });
          const other = await fetch(next, 1, {}, [], version < 13 ? 13 : 12);
          expect(other).toMatchObject({ errorCode: 106, sessionId: 0, topics: [] });
          expect(told(await fetch(next, 1, {}))).toEqual({ 0: ["a", "forgotten"], 1: ["b"] });
          expect(await fetch(next, 2, {}, [0, 1])).toMatchObject({ errorCode: 0, sessionId: 0, topics: [] });
          expect(await fetch(next, 3, {})).toMatchObject({ errorCode: 70 });
        });
      });
    }

    context.scenario(
      "tell by its id that a topic is no more, and one made anew under its name is another",
      async (topic) => {
        await context.createTopic(topic);
        await context.withRaw(async (client) => {
          const idOf = async () =>
            ((await client.call(grammars.metadata, metadataRequest([topic])))["topics"] as Rows)[0]?.["topicId"];
          const topicId = await idOf();
          const errorOf = async (id: unknown) => {
            const partitions = [{ index: 0, currentLeaderEpoch: -1, fetchOffset: 0, maxBytes: 1000 }];
            const request = {
              maxWaitMs: 0,
              minBytes: 0,
              maxBytes: 1000,
              isolationLevel: 0,
              sessionId: 0,
              sessionEpoch: -1,
            };
            const topics = [{ topicId: id, partitions }];
            return told(await client.call(grammars.fetch, { ...request, topics, forgotten: [] }, 13));
          };
          expect(await errorOf(topicId)).toEqual({ 0: [] });
          await context.withAdmin((admin) => admin.deleteTopics({ topics: [topic] }));
          await context.createTopic(topic);
          await becomes(async () => (await idOf()) !== topicId, true);
          await becomes(() => errorOf(topicId), { 0: 100 });
        });
      },
    );
  });
}
