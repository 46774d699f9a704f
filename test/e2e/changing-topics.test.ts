import { expect } from "bun:test";
import { Kafka, logLevel } from "kafkajs";
import { definition } from "../support/e2e/definitions.ts";
import { endToEnd } from "../support/e2e/end-to-end.ts";
import { eventually } from "../support/e2e/eventually.ts";
import { startLocal } from "../support/e2e/local-brigade.ts";
import { configure, startScheduler } from "../support/e2e/scheduler.ts";

type Admin = ReturnType<Kafka["admin"]>;

async function asAdmin(kafka: string, action: (admin: Admin) => Promise<unknown>): Promise<void> {
  const admin = new Kafka({ brokers: kafka.split(","), logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    await action(admin);
  } finally {
    await admin.disconnect();
  }
}

async function makeAnew(admin: Admin, topic: string): Promise<void> {
  await admin.deleteTopics({ topics: [topic] });
  // Kafka takes its time to let go of the name.
  await eventually(`${topic} is there again`, () => admin.createTopics({ topics: [{ topic, numPartitions: 1 }] }));
}

endToEnd("an input topic that is made anew is read from its start, and whatever runs on goes on", async (world) => {
  await world.define(definition("copy", "in", "out", ["cat"]), definition("other", "elsewhere", "done", ["cat"]));
  await using brigade = await startLocal(world);
  const { api, topics, kafka } = brigade;
  await topics.produceValues("in", ["1", "2", "3"]);
  await api.untilSettled("copy", 3);

  await asAdmin(kafka, (admin) => makeAnew(admin, "in"));
  // Fewer than there were: what was committed lies above the end.
  await topics.produceValues("in", ["4", "5"]);
  await eventually("the new ones come out", async () => (await topics.size("out")) === 5);
  expect(await topics.values("out")).toEqual(["1", "2", "3", "4", "5"]);
  await topics.produceValues("elsewhere", ["6"]);
  await api.untilSettled("other", 1);
  expect((await api.processor("other"))?.phase).toBe("running");
});

endToEnd(
  "an input topic that is made anew is read from its start, though it has more than there was",
  async (world) => {
    await using engines = await startLocal(world, { args: ["--no-scheduler"] });
    const { topics, kafka } = engines;
    await world.define(definition("copy", "in", "out", ["cat"]));
    const config = await configure(world, engines);
    await using first = await startScheduler(world, config);
    await topics.produceValues("in", ["a", "b"]);
    await first.api.untilSettled("copy", 2);
    const untilOut = (values: readonly string[]): Promise<true> =>
      // What was read before it was noticed comes out once more.
      eventually("all that was written came out", async () => {
        const out = new Set(await topics.values("out"));
        return out.size === values.length && values.every((value) => out.has(value));
      });

    const many = ["c", "d", "e", "f", "g"];
    await asAdmin(kafka, (admin) => makeAnew(admin, "in"));
    await topics.produceValues("in", many);
    await untilOut(["a", "b", ...many]);
    await first.api.untilSettled("copy", many.length);
    expect(await first.process.end()).toBe(0);

    const more = ["h", "i", "j", "k", "l", "m", "n"];
    await asAdmin(kafka, (admin) => makeAnew(admin, "in"));
    await topics.produceValues("in", more);
    await using second = await startScheduler(world, config);
    await untilOut(["a", "b", ...many, ...more]);
    expect(await second.process.end()).toBe(0);
  },
);

endToEnd(
  "what expires while nobody reads is counted, and partitions that are added are read from their start",
  async (world) => {
    await using engines = await startLocal(world, { args: ["--no-scheduler"] });
    const { topics, kafka } = engines;
    await topics.create("in", 1);
    await world.define(definition("copy", "in", "out", ["cat"]));
    const config = await configure(world, engines);
    await using first = await startScheduler(world, config);
    await topics.produceValues("in", ["0", "1", "2"]);
    await first.api.untilSettled("copy", 3);
    expect(await first.process.end()).toBe(0);

    await topics.produceValues("in", ["3", "4", "5", "6"]);
    const partitions = [{ partition: 0, offset: "5" }];
    await asAdmin(kafka, async (admin) => {
      await admin.fetchTopicOffsets("in"); // kafkajs deletes only from topics that it has heard of
      await admin.deleteTopicRecords({ topic: "in", partitions });
    });
    await using second = await startScheduler(world, config);
    await second.api.untilSettled("copy", 7);
    expect(await topics.values("out")).toEqual(["0", "1", "2", "5", "6"]);
    const metrics = await (await fetch(`${second.api.url}/metrics`)).text();
    expect(metrics).toMatch(/^brigade_records_expired_total\{[^}]*"copy"[^}]*\} 2$/m);

    await asAdmin(kafka, (admin) => admin.createPartitions({ topicPartitions: [{ topic: "in", count: 3 }] }));
    await eventually("the new partition takes records", () =>
      topics.produce("in", [{ partition: 2, value: "7" }]).then(() => true),
    );
    await eventually("it is read", async () => (await topics.size("out")) === 6);
    expect(await topics.values("out")).toEqual(["0", "1", "2", "5", "6", "7"]);
  },
);
