import { expect } from "bun:test";
import { Kafka, logLevel } from "kafkajs";
import { endToEndOnce } from "../support/e2e/end-to-end.ts";
import { Topics } from "../support/e2e/topics.ts";
import type { World } from "../support/e2e/world.ts";
import { freePort } from "../support/free-port.ts";

/* The embedded broker by itself. */

async function startBroker(world: World, args: readonly string[] = []) {
  const process = world.start(["kafka", ...args]);
  const [, address = ""] = await process.says(/^brigade ready kafka=(\S+)$/m);
  return { process, address, topics: new Topics(world, address) };
}

/** As a client does that would like the topic to be made. @returns its number of partitions, 0 where it is not there */
async function askFor(topic: string, address: string): Promise<number> {
  const kafka = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING, retry: { retries: 3 } });
  const producer = kafka.producer({ allowAutoTopicCreation: true });
  const admin = kafka.admin();
  try {
    await producer.connect();
    await producer.send({ topic, messages: [{ value: "x" }] }).catch(() => undefined);
    await admin.connect();
    if (!(await admin.listTopics()).includes(topic)) return 0;
    return (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0]?.partitions.length ?? 0;
  } finally {
    await producer.disconnect();
    await admin.disconnect();
  }
}

endToEndOnce(
  "brigade kafka serves alone, and keeps topics and offsets over its end and over kill -9",
  async (world) => {
    const data = world.path("kafka");
    const first = await startBroker(world, ["--listen", `127.0.0.1:${await freePort()}`, "--data", data, "--sync"]);
    await first.topics.create("in", 1);
    await first.topics.produceValues("in", ["one", "two"]);
    expect(await first.process.end()).toBe(0);

    const second = await startBroker(world, ["--listen", first.address, "--data", data]);
    expect(second.address).toBe(first.address);
    await second.topics.produceValues("in", ["three"]);
    await second.process.end("SIGKILL");

    const third = await startBroker(world, ["--listen", first.address, "--data", data]);
    expect(await third.topics.values("in")).toEqual(["one", "three", "two"]);
  },
);

endToEndOnce("brigade kafka tells clients to connect where it was told to, and does as it was set", async (world) => {
  const { address, topics, process } = await startBroker(world, [
    ...["--listen", "0.0.0.0:0", "--no-topics-create", "--set", "message.max.bytes=1000"],
  ]);
  expect(address).toMatch(/^127\.0\.0\.1:\d+$/);
  await topics.create("in", 2);
  await topics.produceValues("in", ["small"]);
  const large = await world.run(["produce", "in", "--kafka", address], { stdin: `${"x".repeat(2000)}\n` });
  expect([large.code, large.err]).toEqual([1, expect.stringContaining("MESSAGE_TOO_LARGE")]);
  expect(await askFor("unknown", address)).toBe(0);
  expect(await process.end()).toBe(0);

  const making = await startBroker(world, ["--listen", "127.0.0.1:0", "--partitions", "3"]);
  expect(await askFor("unknown", making.address)).toBe(3);

  const advertising = await startBroker(world, ["--listen", "127.0.0.1:0", "--advertise", "kafka.example:19092"]);
  expect(advertising.address).toBe("kafka.example:19092");
});

endToEndOnce("brigade kafka says what is wrong and ends", async (world) => {
  const data = world.path("kafka");
  const { address } = await startBroker(world, ["--listen", "127.0.0.1:0", "--data", data]);
  const samePort = await world.run(["kafka", "--listen", address]);
  expect([samePort.code, samePort.err]).toEqual([1, expect.stringContaining(`${address}: the port is taken`)]);
  const sameData = await world.run(["kafka", "--listen", "127.0.0.1:0", "--data", data]);
  expect([sameData.code, sameData.err]).toEqual([1, expect.stringContaining("another broker has it open")]);
  const usage = await world.run(["kafka", "--listen", "9092"]);
  expect([usage.code, usage.err]).toEqual([2, expect.stringContaining("must be host:port")]);
});
