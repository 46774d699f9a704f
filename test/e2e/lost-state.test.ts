import { expect } from "bun:test";
import { rm } from "node:fs/promises";
import { Kafka, logLevel } from "kafkajs";
import { systemClock } from "../../src/base/clock.ts";
import { parseHostPorts } from "../../src/config/addresses.ts";
import { parseTaskId } from "../../src/framework/task-id.ts";
import { HostListLocator } from "../../src/mesos/master-locator.ts";
import { OperatorClient } from "../../src/mesos/operator-client.ts";
import { endToEnd } from "../support/e2e/end-to-end.ts";
import { eventually } from "../support/e2e/eventually.ts";
import { gated, openGate, records } from "../support/e2e/gated.ts";
import { startLocal } from "../support/e2e/local-brigade.ts";
import { configure, startScheduler } from "../support/e2e/scheduler.ts";
import { settledRecords } from "../support/e2e/scheduler-api.ts";

/*
 * What the scheduler keeps is lost: its state folder, or its group in Kafka. The other of the two is still there.
 */

const signal = new AbortController().signal;

async function forgetGroup(kafka: string, group: string): Promise<void> {
  const admin = new Kafka({ brokers: [kafka], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    await admin.deleteGroups([group]);
  } finally {
    await admin.disconnect();
  }
}

endToEnd("tasks are adopted, and no record runs twice, though the state folder is lost", async (world) => {
  await using engines = await startLocal(world, { args: ["--no-scheduler"] });
  const operator = new OperatorClient({
    masters: new HostListLocator(parseHostPorts(engines.mesos) ?? []),
    clock: systemClock,
  });
  const { topics } = engines;
  await world.define(gated(world));
  const config = await configure(world, engines);
  await using first = await startScheduler(world, config);
  await first.api.untilRunning("gated");
  await topics.produceValues("in", [...records("before", 3), ...records("between", 4), ...records("after", 5)]);
  await eventually("all have started", async () => (await world.lines("starts")).length === 12);
  await openGate(world, "before");
  // Settled, that is: what came out and is not committed yet may come out once more.
  await eventually("the first ones are settled", async () => {
    const view = await first.api.processor("gated");
    return view !== undefined && settledRecords(view) === 3;
  });
  const [framework] = await operator.frameworks({ signal });

  expect(await first.process.end("SIGKILL")).toBe(137);
  await rm(world.path("state"), { recursive: true });
  await openGate(world, "between");
  await topics.produceValues("in", records("later", 2));

  await using second = await startScheduler(world, config);
  await eventually("the last ones are adopted", async () => {
    const running = (await second.api.tasks()).filter(({ state }) => state === "running");
    return running.length === 7 && (await topics.size("out")) === 7;
  });
  expect(second.process.logged("no framework id is stored: adopting the framework that the master has")).toHaveLength(
    1,
  );
  expect((await operator.frameworks({ signal })).map(({ id }) => id)).toEqual([framework!.id]);
  // The new ones have an epoch that no task of the first life can have had.
  const epochs = (await second.api.tasks()).map(({ taskId }) => parseTaskId(taskId)?.epoch ?? 0);
  expect(epochs.filter((epoch) => epoch === 1)).toHaveLength(5);
  expect(epochs.filter((epoch) => epoch > 1_000_000_000)).toHaveLength(2);

  await openGate(world, "after");
  await openGate(world, "later");
  const view = await second.api.untilSettled("gated", 14);
  expect((await topics.values("out")).length).toBe(14);
  const starts = await world.lines("starts");
  expect(starts).toHaveLength(14);
  expect(new Set(starts).size).toBe(14);
  expect(view.counters.reruns).toEqual({});

  // From now on the id is stored again, and nobody has to be asked.
  expect(await second.process.end()).toBe(0);
  await using third = await startScheduler(world, config);
  await third.api.untilRunning("gated");
  expect(third.process.logged("no framework id is stored: adopting the framework that the master has")).toEqual([]);
  expect(await third.process.end()).toBe(0);
});

endToEnd("no record runs twice though Kafka has forgotten the group", async (world) => {
  await using engines = await startLocal(world, { args: ["--no-scheduler"] });
  const { topics } = engines;
  await world.define(gated(world));
  await openGate(world, "now");
  const config = await configure(world, engines);
  await using first = await startScheduler(world, config);
  await first.api.untilRunning("gated");
  await topics.produceValues("in", records("now", 20));
  await first.api.untilSettled("gated", 20);
  expect(await first.process.end()).toBe(0);
  await forgetGroup(engines.kafka, "BrigadeProc-in-gated");

  await topics.produceValues("in", records("now", 3));
  await using second = await startScheduler(world, config);
  await second.api.untilSettled("gated", 23);
  expect(await world.lines("starts")).toHaveLength(23);
  expect(second.process.logged("Kafka has lost the group's position; going on from the stored one")).toHaveLength(1);
  expect(await second.process.end()).toBe(0);
});
