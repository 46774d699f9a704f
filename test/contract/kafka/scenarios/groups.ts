import { describe, expect } from "bun:test";
import { until } from "../../../support/until.ts";
import { type ContractContext, WAIT_MS } from "../context.ts";
import { grammars } from "../grammars.ts";
import { newMember, partitionOf } from "../requests.ts";

export function groupsScenarios(context: ContractContext): void {
  describe("groups", () => {
    context.scenario("share a topic's partitions between two members, and all again when one leaves", async (topic) => {
      await context.createTopic(topic, 4);
      const groupId = `group-${topic}`;
      const first = await context.joinConsumer(groupId, topic);
      await until(() => first.partitions().length === 4, "the only member has all partitions", WAIT_MS);
      const second = await context.joinConsumer(groupId, topic);
      await until(() => first.partitions().length === 2 && second.partitions().length === 2, "both have two", WAIT_MS);
      expect([...first.partitions(), ...second.partitions()].toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3]);
      await context.send(
        topic,
        [0, 1, 2, 3].map((partition) => ({ value: `${partition}`, partition })),
      );
      await until(() => first.seen.length + second.seen.length === 4, "all are read", WAIT_MS);
      await context.withAdmin(async (admin) => {
        const { groups } = await admin.describeGroups([groupId]);
        expect(groups[0]).toMatchObject({ state: "Stable", protocolType: "consumer", errorCode: 0 });
        expect(groups[0]?.members).toHaveLength(2);
      });
      await first.consumer.disconnect();
      await until(() => second.partitions().length === 4, "the other has all", WAIT_MS);
      await second.consumer.disconnect();
    });

    context.scenario("keep committed offsets with their metadata over a restart of the broker", async (topic) => {
      await context.createTopic(topic, 2);
      const groupId = `group-${topic}`;
      const member = await context.joinConsumer(groupId, topic);
      await until(() => member.partitions().length === 2, "the member has its partitions", WAIT_MS);
      const metadata = "é".repeat(2048);
      await member.consumer.commitOffsets([{ topic, partition: 0, offset: "5", metadata }]);
      await member.consumer.commitOffsets([{ topic, partition: 1, offset: "7", metadata: "" }]);
      await member.consumer.disconnect();
      await context.broker().restart();
      await context.withAdmin(async (admin) => {
        const [stored] = await admin.fetchOffsets({ groupId, topics: [topic] });
        expect(stored?.partitions.toSorted((a, b) => a.partition - b.partition)).toEqual([
          { partition: 0, offset: "5", metadata },
          { partition: 1, offset: "7", metadata: null }, // kafkajs' word for the empty string
        ]);
      });
    });

    context.scenario(
      "refuse metadata that is too long, unknown partitions and strangers, and take the rest",
      async (topic) => {
        await context.createTopic(topic);
        await context.withRaw(async (client) => {
          const commit = async (groupId: string, index: number, metadata: string, generationId = -1, memberId = "") => {
            const partitions = [{ index, offset: 3, leaderEpoch: -1, metadata }];
            // The newest version that gets the same answer of Kafka 3.9 and 4: to 9, 4 has another for unknown groups.
            const request = { groupId, generationId, memberId, topics: [{ name: topic, partitions }] };
            const answer = await client.call(grammars.offsetCommit, request, 8);
            return partitionOf(answer)["errorCode"];
          };
          const groupId = `group-${topic}`;
          expect(await commit(groupId, 0, "x".repeat(4097))).toBe(12);
          expect(await commit(groupId, 9, "")).toBe(3);
          expect(await commit(`new-${groupId}`, 0, "", 5, "nobody")).toBe(22);
          expect(await commit("", 0, "")).toBe(0); // old clients have no name for their group
          // It is characters that are counted.
          expect(await commit(groupId, 0, "é".repeat(4097))).toBe(12);
          expect(await commit(groupId, 0, "é".repeat(4096))).toBe(0);
          expect(await commit(groupId, 9, "", 5, "nobody")).toBe(3);
          expect(await commit(groupId, 0, "", 5, "nobody")).toBe(25);
        });
      },
    );

    context.scenario("are listed, and deleted when nobody is in them", async (topic) => {
      await context.createTopic(topic);
      const groupId = `group-${topic}`;
      const member = await context.joinConsumer(groupId, topic);
      await until(() => member.partitions().length === 1, "the member has its partition", WAIT_MS);
      await member.consumer.commitOffsets([{ topic, partition: 0, offset: "0" }]);
      await context.withAdmin(async (admin) => {
        expect((await admin.listGroups()).groups).toContainEqual({ groupId, protocolType: "consumer" });
        const refused = await admin.deleteGroups([groupId]).catch((error: unknown) => error);
        expect(refused).toMatchObject({ groups: [{ groupId, errorCode: 68 }] });
        await member.consumer.disconnect();
        await admin.deleteGroups([groupId]);
        expect((await admin.listGroups()).groups.map((group) => group.groupId)).not.toContain(groupId);
      });
      await context.withRaw(async (client) => {
        expect(await client.call(grammars.deleteGroups, { groupIds: [groupId, groupId] })).toMatchObject({
          results: [{ errorCode: 69 }],
        });
      });
    });

    context.scenario("want to be told the protocol by members whose version can tell it", async (topic) => {
      const groupId = `group-${topic}`;
      await context.withRaw(async (client) => {
        const join = { ...newMember, groupId, sessionTimeoutMs: 60_000 };
        const { memberId, generationId } = await client.call(grammars.joinGroup, join, 3);
        const sync = async (version: number, protocolName: string | null) => {
          const assignments = [{ memberId, assignment: Buffer.of(7) }];
          const request = { groupId, generationId, memberId, protocolType: "consumer", protocolName, assignments };
          return (await client.call(grammars.syncGroup, request, version))["errorCode"];
        };
        expect([await sync(5, null), await sync(5, "range")]).toEqual([23, 0]);
      });
    });

    context.scenario("refuse session time-outs out of bounds, and groups without a name", async () => {
      await context.withRaw(async (client) => {
        const join = async (groupId: string, sessionTimeoutMs: number) =>
          (await client.call(grammars.joinGroup, { ...newMember, groupId, sessionTimeoutMs }))["errorCode"];
        expect(await join("g", 1)).toBe(26);
        expect(await join("g", 2_000_000_000)).toBe(26);
        expect(await join("", 10_000)).toBe(24);
        expect(await client.call(grammars.offsetDelete, { groupId: "", topics: [] })).toMatchObject({ errorCode: 24 });
      });
    });
  });
}
