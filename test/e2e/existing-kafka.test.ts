import { expect } from "bun:test";
import { definition } from "../support/e2e/definitions.ts";
import { endToEndOnce } from "../support/e2e/end-to-end.ts";
import { startKafka } from "../support/e2e/kafka-beside.ts";
import { processesOf } from "../support/e2e/leftovers.ts";
import { SchedulerApi } from "../support/e2e/scheduler-api.ts";

/*
 * `brigade local --kafka`. That processors work so is shown by all tests that run on a real Kafka; here it is the broker of
 * `brigade kafka`, which is always at hand.
 */

endToEndOnce("with --kafka no broker is started, and the one that was there is left as it was", async (world) => {
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

endToEndOnce("with --kafka and TOPICS_CREATE=false no topic is made there", async (world) => {
  const { kafka } = await startKafka(world);
  await world.define(definition("copy", "in", "out", ["cat"]));
  const args = ["--kafka", kafka, "--mesos-port", "0", "--api-port", "0"];
  await using local = world.start(["local", ...args], { TOPICS_CREATE: "false" });
  const [, api] = await local.says(/"msg":"API serves","address":"([^"]+)"/);
  await new SchedulerApi(`http://${api}`).untilPaused("copy", /Cannot use topics "in", "out": do not exist/);
  expect(await local.end("SIGINT")).toBe(0);
});
