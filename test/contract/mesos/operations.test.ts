import { expect, test } from "bun:test";
import { jsonTask, launch, scalar, startTestMesos } from "../../support/mesos/embedded.ts";
import { JsonScheduler } from "../../support/mesos/json-scheduler.ts";

test("operations that are not served are refused by name where they have an id, and those beside them are carried out", async () => {
  await using mesos = await startTestMesos();
  await using scheduler = await JsonScheduler.subscribe(mesos.address);
  const [offer] = await scheduler.offers();
  const reservations = [{ type: "DYNAMIC", role: "work", principal: "me" }];
  const resources = [{ ...scalar("cpus", 1), reservations }];
  const operations = [
    { type: "RESERVE", id: { value: "named" }, reserve: { resources } },
    { type: "UNRESERVE", unreserve: { resources } },
    { type: "CREATE", id: { value: "volume" }, create: { volumes: resources } },
    launch(jsonTask("beside", offer!.agent_id)),
  ];
  expect(await scheduler.call("ACCEPT", { accept: { offer_ids: [offer!.id], operations } })).toBe("202");
  expect(await scheduler.end("beside")).toMatchObject({ state: "TASK_FINISHED" });
  const refused = scheduler.events
    .filter(({ type }) => type === "UPDATE_OPERATION_STATUS")
    .map((event) => (event as { update_operation_status?: { status?: object } }).update_operation_status?.status);
  const error = (value: string, name: string): object => ({
    operation_id: { value },
    state: "OPERATION_ERROR",
    message: `${name} operations are not supported by Brigade's embedded Mesos`,
  });
  expect(refused).toMatchObject([error("named", "RESERVE"), error("volume", "CREATE")]);
  await scheduler.call("TEARDOWN");
});
