import { type Admin, Kafka, logLevel } from "kafkajs";
import { systemClock } from "../../../src/base/clock.ts";
import { silentLogger } from "../../../src/base/log.ts";
import type { HostPort } from "../../../src/config/settings.ts";
import { KafkaClient } from "../../../src/kafka/client.ts";
import { TopicConnection } from "../../../src/kafka/connection.ts";
import { eventually } from "./eventually.ts";

/** Takes all groups and all topics away, so that names can be used again, by clients that have seen none of them. */
export async function emptyKafka(broker: HostPort): Promise<void> {
  const kafka = new Kafka({ brokers: [`${broker.host}:${broker.port}`], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  try {
    // What a client that was killed has asked for last may be done only now: it is looked at again.
    await eventually("Kafka is empty", async () => {
      const [groups, topics] = [await groupsOf(admin), await topicsOf(admin)];
      if (groups.length === 0 && topics.length === 0) return true;
      await leaveAll(admin, broker, groups);
      if (groups.length > 0) await admin.deleteGroups([...groups]);
      if (topics.length > 0) await admin.deleteTopics({ topics: [...topics] });
      return false;
    });
  } finally {
    await admin.disconnect();
  }
}

async function groupsOf(admin: Admin): Promise<readonly string[]> {
  return (await admin.listGroups()).groups.map(({ groupId }) => groupId);
}

/** But for Kafka's own. */
async function topicsOf(admin: Admin): Promise<readonly string[]> {
  return (await admin.listTopics()).filter((topic) => !topic.startsWith("__"));
}

/** Members that were killed are members until their session times out, and a group with members is not deleted. */
async function leaveAll(admin: Admin, broker: HostPort, groupIds: readonly string[]): Promise<void> {
  if (groupIds.length === 0) return;
  const { groups } = await admin.describeGroups([...groupIds]);
  const client = new KafkaClient({ brokers: [broker], clientId: "e2e", log: silentLogger });
  try {
    // Where there are groups, there is this topic.
    const connection = new TopicConnection(client, "__consumer_offsets", systemClock);
    await connection.open();
    for (const { groupId, members } of groups) {
      const coordinator = await connection.coordinator(groupId);
      for (const { memberId } of members) await coordinator.leaveGroup({ groupId, memberId });
    }
  } finally {
    client.close();
  }
}
