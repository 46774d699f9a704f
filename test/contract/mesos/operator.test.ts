import { expect, test } from "bun:test";
import { systemClock } from "../../../src/base/clock.ts";
import { HostListLocator } from "../../../src/mesos/master-locator.ts";
import { OperatorClient } from "../../../src/mesos/operator-client.ts";
import { jsonTask, launch, startTestMesos, type TestMesos } from "../../support/mesos/embedded.ts";
import { JsonScheduler } from "../../support/mesos/json-scheduler.ts";
import { until } from "../../support/until.ts";

const signal = new AbortController().signal;

function operatorOf(mesos: TestMesos): OperatorClient {
  return new OperatorClient({ masters: new HostListLocator([mesos.address]), clock: systemClock });
}

test("the operator sees frameworks with their labels, whether they are connected or away, until they are over", async () => {
  await using mesos = await startTestMesos();
  const operator = operatorOf(mesos);
  expect(await operator.frameworks({ signal })).toEqual([]);
  const labels = { labels: [{ key: "brigade-deployment", value: "blue" }, { key: "empty" }] };
  const info = { name: "labelled", failover_timeout: 60, checkpoint: true, labels };
  await using scheduler = await JsonScheduler.subscribe(mesos.address, info);
  await scheduler.event("SUBSCRIBED");
  const seen = { id: scheduler.frameworkId, name: "labelled", labels: labels.labels };
  expect(await operator.frameworks({ signal })).toEqual([{ ...seen, connected: true } as never]);

  scheduler.disconnect();
  let connected = true;
  while (connected) connected = (await operator.frameworks({ signal })).some((framework) => framework.connected);
  expect(await operator.frameworks({ signal })).toEqual([{ ...seen, connected: false } as never]);

  await using again = await JsonScheduler.subscribe(mesos.address, { ...info, id: { value: scheduler.frameworkId } });
  await again.event("SUBSCRIBED");
  await again.call("TEARDOWN");
  await until(() => again.ended !== "no", "the framework is torn down");
  expect(await operator.frameworks({ signal })).toEqual([]);
});

test("the operator sees the tasks, with the framework that has them", async () => {
  await using mesos = await startTestMesos();
  await using scheduler = await JsonScheduler.subscribe(mesos.address, { failover_timeout: 60 });
  await scheduler.event("SUBSCRIBED");
  const [offer] = await scheduler.offers();
  const task = jsonTask("long", offer!.agent_id, { order: { forever: true } });
  await scheduler.call("ACCEPT", { accept: { offer_ids: [offer!.id], operations: [launch(task)] } });
  expect(await operatorOf(mesos).tasks({ signal })).toEqual([
    { taskId: "long", frameworkId: scheduler.frameworkId, live: true } as never,
  ]);
  await scheduler.call("TEARDOWN");
});

test("the operator is told that no agent is still to return", async () => {
  await using mesos = await startTestMesos();
  expect(await operatorOf(mesos).recoveredAgents({ signal })).toBe(0);
});
