import { describe, expect } from "bun:test";
import { ConfigResourceTypes } from "kafkajs";
import { becomes, type ContractContext } from "../context.ts";
import { grammars } from "../grammars.ts";
import { listOffsetsRequest, metadataRequest, NO_TOPIC_ID, partitionOf, partitionsOf } from "../requests.ts";
import type { WireValue } from "../wire-grammar.ts";

export function topicsScenarios(context: ContractContext): void {
  describe("topics", () => {
    context.scenario("are created, described, grown and deleted", async (topic) => {
      await context.withAdmin(async (admin) => {
        await context.createTopic(topic, 2, { "retention.ms": "12345" });
        expect(await admin.listTopics()).toContain(topic);
        await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] });
        await becomes(async () => {
          const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
          return topics[0]?.partitions.length;
        }, 3);
        const { resources } = await admin.describeConfigs({
          includeSynonyms: false,
          resources: [{ type: ConfigResourceTypes.TOPIC, name: topic }],
        });
        const configs = new Map(resources[0]?.configEntries.map((entry) => [entry.configName, entry.configValue]));
        expect([configs.get("retention.ms"), configs.get("cleanup.policy")]).toEqual(["12345", "delete"]);
        await admin.deleteTopics({ topics: [topic] });
        await becomes(async () => (await admin.listTopics()).includes(topic), false);
      });
    });

    context.scenario("that cannot be are refused with the reason", async (topic) => {
      await context.createTopic(topic);
      await context.withRaw(async (client) => {
        const create = async (wanted: WireValue) => {
          const full = {
            name: `new-${topic}`,
            numPartitions: 1,
            replicationFactor: 1,
            assignments: [],
            configs: [],
            ...wanted,
          };
          const answer = await client.call(grammars.createTopics, { topics: [full], validateOnly: true });
          return (answer["topics"] as WireValue[])[0]?.["errorCode"];
        };
        expect(await create({ name: topic })).toBe(36);
        expect(await create({ name: "not a name" })).toBe(17);
        expect(await create({ numPartitions: 0 })).toBe(37);
        expect(await create({ replicationFactor: 3 })).toBe(38);
        expect(await create({ configs: [{ name: "no.such.config", value: "1" }] })).toBe(40);
        expect(await create({ numPartitions: -1, replicationFactor: -1 })).toBe(0);
        const grow = async (name: string, count: number) => {
          const request = { topics: [{ name, count, assignments: null }], validateOnly: false };
          return ((await client.call(grammars.createPartitions, request))["results"] as WireValue[])[0]?.["errorCode"];
        };
        expect(await grow(topic, 1)).toBe(37);
        expect(await grow(`new-${topic}`, 2)).toBe(3);
        const deletion = await client.call(grammars.deleteTopics, { topicNames: [`new-${topic}`] }, 5);
        expect(deletion).toMatchObject({ topics: [{ errorCode: 3 }] });
      });
    });

    context.scenario(
      "that a request names twice or doubtfully are left as they are, and that is said once",
      async (topic) => {
        await context.createTopic(topic);
        await context.withRaw(async (client) => {
          const { topics: known } = await client.call(grammars.metadata, metadataRequest([topic, topic]));
          expect(known).toMatchObject([{ name: topic, errorCode: 0 }]);
          const { topicId } = (known as WireValue[])[0] ?? {};
          const wanted = { numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
          const made = [{ name: `new-${topic}`, ...wanted }];
          const { topics: created } = await client.call(grammars.createTopics, {
            topics: [...made, ...made],
            validateOnly: false,
          });
          expect(created).toMatchObject([{ name: `new-${topic}`, errorCode: 42, configs: [] }]);
          const more = [2, 3].map((count) => ({ name: topic, count, assignments: null }));
          const { results } = await client.call(grammars.createPartitions, { topics: more, validateOnly: false });
          expect(results).toMatchObject([{ name: topic, errorCode: 42 }]);
          const errorsOf = async (...topics: WireValue[]) =>
            ((await client.call(grammars.deleteTopics, { topics }))["topics"] as WireValue[]).map(
              (row) => row["errorCode"],
            );
          const [byName, byId] = [
            { name: topic, topicId: NO_TOPIC_ID },
            { name: null, topicId },
          ];
          expect(await errorsOf(byName, byName)).toEqual([42]);
          expect(await errorsOf(byId, byId)).toEqual([42]);
          expect(await errorsOf(byName, byId)).toEqual([42]);
          expect(await errorsOf({ name: topic, topicId })).toEqual([42]);
          expect(await errorsOf({ name: null, topicId: NO_TOPIC_ID })).toEqual([42]);
          const { topics: left } = await client.call(grammars.metadata, metadataRequest([topic, `new-${topic}`]));
          const told = new Map((left as WireValue[]).map(({ name, errorCode }) => [name, errorCode]));
          expect([told.get(topic), told.get(`new-${topic}`)]).toEqual([0, 3]);
        });
      },
    );

    context.scenario("that nobody made are unknown to who must not make them", async (topic) => {
      await context.withRaw(async (client) => {
        const asked = await client.call(grammars.metadata, metadataRequest([topic]));
        expect(asked).toMatchObject({ topics: [{ name: topic, errorCode: 3 }] });
      });
    });

    context.scenario(
      "tell no offset to who asks for it in a version that does not know of it, or twice",
      async (topic) => {
        await context.createTopic(topic);
        await context.send(topic, [{ value: "v" }]);
        await context.withRaw(async (client) => {
          const errorOf = async (timestamp: number, version: number) =>
            partitionOf(await client.call(grammars.listOffsets, listOffsetsRequest(topic, timestamp), version))[
              "errorCode"
            ];
          expect([await errorOf(-1, 1), await errorOf(-2, 1)]).toEqual([0, 0]);
          expect([await errorOf(-3, 6), await errorOf(-3, 7)]).toEqual([35, 0]);
          expect([await errorOf(-4, 7), await errorOf(-4, 8)]).toEqual([35, 0]);
          expect([await errorOf(-5, 8), await errorOf(-5, 9)]).toEqual([35, 0]);
          expect(await errorOf(-100, 9)).toBe(35);
          const partition = { index: 0, currentLeaderEpoch: -1, timestamp: -1 };
          const twice = { isolationLevel: 0, topics: [{ name: topic, partitions: [partition, partition] }] };
          const refused = partitionsOf(await client.call(grammars.listOffsets, twice));
          expect(refused.map(({ errorCode }) => errorCode)).not.toContain(0);
          expect(refused).toContainEqual({ index: 0, errorCode: 42, timestamp: -1, offset: -1, leaderEpoch: -1 });
        });
      },
    );

    context.scenario("tell offsets by time, and their beginning and end", async (topic) => {
      await context.createTopic(topic);
      // Older records would be the retention's, whenever that looks.
      const startMs = Date.now();
      await context.send(
        topic,
        [100, 200, 300].map((ms) => ({ value: "v", timestamp: `${startMs + ms}` })),
      );
      await context.withAdmin(async (admin) => {
        expect(await admin.fetchTopicOffsets(topic)).toEqual([{ partition: 0, offset: "3", low: "0", high: "3" }]);
        expect(await admin.fetchTopicOffsetsByTimestamp(topic, startMs + 150)).toEqual([{ partition: 0, offset: "1" }]);
        expect(await admin.fetchTopicOffsetsByTimestamp(topic, startMs + 301)).toEqual([{ partition: 0, offset: "3" }]);
      });
    });
  });
}
