import { describe, expect } from "bun:test";
import { becomes, type ContractContext } from "../context.ts";
import { grammars } from "../grammars.ts";
import type { RawClient } from "../raw-client.ts";
import { makeBatch } from "../record-batch.ts";
import { NO_TOPIC_ID, partitionOf, produceRequest } from "../requests.ts";
import type { WireValue } from "../wire-grammar.ts";

const TOPIC = 2;
const BROKER = 4;
const [SET, DELETE, APPEND, SUBTRACT] = [0, 1, 2, 3];

type Rows = readonly WireValue[];

async function describeTopic(client: RawClient, topic: string): Promise<ReadonlyMap<unknown, WireValue>> {
  const resources = [{ resourceType: TOPIC, resourceName: topic, configurationKeys: null }];
  const { results } = await client.call(grammars.describeConfigs, { resources, includeSynonyms: true });
  const configs = (results as Rows).flatMap((result) => result["configs"] as Rows);
  return new Map(configs.map((config) => [config["name"], config]));
}

export function configScenarios(context: ContractContext): void {
  describe("configurations", () => {
    context.scenario("are changed one by one, and tell where each value comes from", async (topic) => {
      await context.createTopic(topic, 1, { "retention.ms": "1000000" });
      await context.withRaw(async (client) => {
        const alter = async (configs: Rows, named: WireValue = {}, validateOnly = false) => {
          const resources = [{ resourceType: TOPIC, resourceName: topic, configs, ...named }];
          const { results } = await client.call(grammars.incrementalAlterConfigs, { resources, validateOnly });
          return (results as Rows)[0]?.["errorCode"];
        };
        const set = (name: string, value: string | null, operation = SET) => [{ name, operation, value }];
        expect(await alter(set("max.message.bytes", "500"))).toBe(0);
        expect(await alter(set("retention.ms", "77"), {}, true)).toBe(0);
        expect(await alter(set("cleanup.policy", "compact", APPEND))).toBe(0);
        expect(await alter(set("no.such.config", "1"))).toBe(40);
        expect(await alter(set("retention.ms", "soon"))).toBe(40);
        expect(await alter(set("retention.ms", null))).toBe(42);
        expect(await alter(set("retention.ms", "1", APPEND))).toBe(40);
        expect(await alter(set("retention.ms", "1"), { resourceName: `no-${topic}` })).toBe(3);

        await becomes(
          async () => (await describeTopic(client, topic)).get("cleanup.policy")?.["value"],
          "delete,compact",
        );
        const configs = await describeTopic(client, topic);
        expect(configs.get("max.message.bytes")).toMatchObject({
          value: "500",
          source: 1,
          synonyms: [
            { name: "max.message.bytes", value: "500", source: 1 },
            { name: "message.max.bytes", value: "1048588", source: 5 },
          ],
        });
        expect(configs.get("cleanup.policy")).toMatchObject({ value: "delete,compact", type: 7 });
        expect(configs.get("retention.ms")).toMatchObject({ value: "1000000", source: 1 });
        expect(configs.get("segment.ms")).toMatchObject({ value: "604800000", source: 5 });

        const errorOf = async (size: number) => {
          const batch = makeBatch({ values: ["x".repeat(size)] });
          return partitionOf(await client.call(grammars.produce, produceRequest(topic, batch)))["errorCode"];
        };
        await becomes(() => errorOf(600), 10);
        expect(await alter(set("max.message.bytes", null, DELETE))).toBe(0);
        expect(await alter(set("cleanup.policy", "compact", SUBTRACT))).toBe(0);
        await becomes(() => errorOf(600), 0);
        await becomes(async () => (await describeTopic(client, topic)).get("max.message.bytes")?.["source"], 5);
      });
    });

    context.scenario("must go together, be a topic's, and are all told to who names none", async (topic) => {
      await context.createTopic(topic, 1, { "min.compaction.lag.ms": "10" });
      await context.withRaw(async (client) => {
        const alter = async (resourceName: string, name: string, value: string | null, operation = SET) => {
          const resources = [{ resourceType: TOPIC, resourceName, configs: [{ name, operation, value }] }];
          const { results } = await client.call(grammars.incrementalAlterConfigs, { resources, validateOnly: false });
          return (results as Rows)[0]?.["errorCode"];
        };
        expect(await alter(topic, "max.compaction.lag.ms", "5")).toBe(40);
        expect(await alter(topic, "max.compaction.lag.ms", "10")).toBe(0);
        expect(await alter(topic, "retention.ms", "9223372036854775808")).toBe(40);
        expect(await alter(topic, "compression.gzip.level", "0")).toBe(40);
        expect(await alter(topic, "no.such.config", null, DELETE)).toBe(0);
        expect(await alter("", "retention.ms", "1")).toBe(42);
        expect(await alter("not a name", "retention.ms", "1")).toBe(17);
        expect(await alter(topic, "cleanup.policy", "compact , delete")).toBe(0);
        const shown = async () => (await describeTopic(client, topic)).get("cleanup.policy")?.["value"];
        await becomes(shown, "compact,delete");
        const resources = [{ resourceType: TOPIC, resourceName: topic, configurationKeys: [] }];
        const { results } = await client.call(grammars.describeConfigs, { resources });
        const told = (results as Rows).flatMap((result) => result["configs"] as Rows);
        expect(told.map(({ name }) => name)).toContain("retention.ms");
        const wanted = { name: `new-${topic}`, numPartitions: 1, replicationFactor: 1, assignments: [] };
        const lags = ["min", "max"].map((which) => ({
          name: `${which}.compaction.lag.ms`,
          value: which === "min" ? "9" : "8",
        }));
        const { topics } = await client.call(grammars.createTopics, {
          topics: [{ ...wanted, configs: lags }],
          validateOnly: true,
        });
        expect(topics).toMatchObject([{ errorCode: 40 }]);
      });
    });

    context.scenario("are replaced as a whole by the older request", async (topic) => {
      await context.createTopic(topic, 1, { "retention.ms": "1000000" });
      await context.withRaw(async (client) => {
        const configs = [{ name: "max.message.bytes", value: "500" }];
        const resources = [{ resourceType: TOPIC, resourceName: topic, configs }];
        const answer = await client.call(grammars.alterConfigs, { resources, validateOnly: false });
        expect(answer["results"]).toMatchObject([{ errorCode: 0, resourceName: topic }]);
        await becomes(async () => {
          const now = await describeTopic(client, topic);
          return [now.get("max.message.bytes")?.["value"], now.get("retention.ms")?.["source"]];
        }, ["500", 5]);
      });
    });

    context.scenario("of the broker are described, and those for its start cannot be changed", async () => {
      await context.withRaw(async (client) => {
        const described = async (resourceName: string) => {
          const resources = [{ resourceType: BROKER, resourceName, configurationKeys: ["node.id"] }];
          return ((await client.call(grammars.describeConfigs, { resources }))["results"] as Rows)[0];
        };
        expect(await described("1")).toMatchObject({ errorCode: 0, configs: [{ name: "node.id", value: "1" }] });
        expect(await described("7")).toMatchObject({ errorCode: 42 });
        const configs = [{ name: "node.id", operation: SET, value: "3" }];
        const resources = [{ resourceType: BROKER, resourceName: "1", configs }];
        const answer = await client.call(grammars.incrementalAlterConfigs, { resources, validateOnly: false });
        expect(answer["results"]).toMatchObject([{ errorCode: 42 }]);
      });
    });
  });

  describe("topics", () => {
    context.scenario("have an id of their own, by which they are found and deleted", async (topic) => {
      await context.withRaw(async (client) => {
        const wanted = { name: topic, numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] };
        const made = async () => {
          const answer = await client.call(grammars.createTopics, { topics: [wanted], validateOnly: false });
          return (answer["topics"] as Rows)[0] ?? {};
        };
        const first = await made();
        expect(first).toMatchObject({ errorCode: 0, numPartitions: 2, replicationFactor: 1 });
        expect((first["configs"] as Rows).map(({ name }) => name)).toContain("retention.ms");
        const { topicId } = first;
        expect(topicId).not.toBe(NO_TOPIC_ID);
        const found = async (id: unknown) => {
          const topics = [{ name: null, topicId: id }];
          const answer = await client.call(grammars.metadata, { topics, allowAutoTopicCreation: false }, 12);
          return (answer["topics"] as Rows)[0];
        };
        await becomes(async () => (await found(topicId))?.["errorCode"], 0);
        expect(await found(topicId)).toMatchObject({ name: topic, topicId });
        const removed = async (id: unknown) => {
          const answer = await client.call(grammars.deleteTopics, { topics: [{ name: null, topicId: id }] });
          return (answer["topics"] as Rows)[0];
        };
        expect(await removed(topicId)).toMatchObject({ errorCode: 0, name: topic, topicId });
        expect(await removed(topicId)).toMatchObject({ errorCode: 100 });
        await becomes(async () => (await found(topicId))?.["errorCode"], 100);
        expect(await found(topicId)).toMatchObject({ name: null });
        expect((await made())["topicId"]).not.toBe(topicId);
      });
    });
  });

  describe("the cluster", () => {
    context.scenario("is described by its brokers", async () => {
      await context.withRaw(async (client) => {
        const { port } = context.broker().address;
        const described = await client.call(grammars.describeCluster, { endpointType: 1 });
        expect(described).toMatchObject({ errorCode: 0, controllerId: 1, brokers: [{ nodeId: 1, port }] });
        expect(described["clusterId"]).not.toBe("");
        const refused = async (endpointType: number) => await client.call(grammars.describeCluster, { endpointType });
        expect(await refused(9)).toMatchObject({ errorCode: 115, endpointType: 1 });
        expect(await refused(2)).toMatchObject({ errorCode: 114, endpointType: 1 });
      });
    });
  });
}
