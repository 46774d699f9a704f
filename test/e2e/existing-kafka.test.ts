import { expect } from "bun:test";
import { definition } from "../support/e2e/definitions.ts";
import { endToEnd } from "../support/e2e/end-to-end.ts";
import { eventually } from "../support/e2e/eventually.ts";
import { startKafka } from "../support/e2e/kafka-beside.ts";
import { processesOf } from "../support/e2e/leftovers.ts";
import { SchedulerApi } from "../support/e2e/scheduler-api.ts";

/* `brigade local --kafka`: a Kafka that is there before, while and after Brigade runs. */

endToEnd("with --kafka no broker is started, and the one that was there is left as it was", async (world) => {
  const { kafka, topics } = await startKafka(world);
  await world.define(definition("copy", "in", "out", ["cat"]));
  // Any of its brokers will do.
  const brokers = `127.0.0.1:1,${kafka}`;
  const args = ["--kafka", brokers, "--mesos-port", "0", "--api-port", "0", "--data", world.path("data")];
  for (const settled of [1, 2]) {
    await using local = world.start(["local", ...args]);
    const [, api = "", named] = await local.says(/^brigade ready api=(\S+) kafka=(\S+) mesos=\S+$/m);
    expect(named).toBe(brokers);
    const engines = processesOf(world.folder).map(({ command }) => /\blocal-\w+/.exec(command)?.[0]);
    expect(engines.filter((engine) => engine !== undefined)).toEqual(["local-mesos"]);
    await topics.produceValues("in", [`${settled}`]);
    await new SchedulerApi(api).untilSettled("copy", settled);
    expect(await local.end("SIGINT")).toBe(0);
  }
  expect(await topics.values("out")).toEqual(["1", "2"]);
});

endToEnd("with --kafka and TOPICS_CREATE=false no topic is made there", async (world) => {
  const { kafka } = await startKafka(world);
  await world.define(definition("copy", "in", "out", ["cat"]));
  const args = ["--kafka", kafka, "--mesos-port", "0", "--api-port", "0"];
  await using local = world.start(["local", ...args], { TOPICS_CREATE: "false" });
  const [, api] = await local.says(/"msg":"API serves","address":"([^"]+)"/);
  await new SchedulerApi(`http://${api}`).untilPaused("copy", /Cannot use topics "in", "out": do not exist/);
  expect(await local.end("SIGINT")).toBe(0);
});

endToEnd("a Kafka that ends and comes back costs no record", async (world) => {
  const { kafka, topics, restart } = await startKafka(world);
  await world.define(definition("copy", "in", "out", ["cat"], { error: "errors" }));
  await using local = world.start(["local", "--kafka", kafka, "--mesos-port", "0", "--api-port", "0"]);
  const [, api = ""] = await local.says(/^brigade ready api=(\S+)/m);
  const values = Array.from({ length: 200 }, (_, index) => `${index}`);
  await topics.produceValues("in", values);
  await eventually("some of it is done", async () => (await topics.size("out")) >= 20);
  await restart();
  await topics.produceValues("in", ["after"]);
  await new SchedulerApi(api).untilSettled("copy", values.length + 1);
  expect(new Set(await topics.values("out"))).toEqual(new Set([...values, "after"]));
  expect(await topics.size("errors")).toBe(0);
  expect(await local.end("SIGINT")).toBe(0);
});
