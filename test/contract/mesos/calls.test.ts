import { afterAll, beforeAll, expect, test } from "bun:test";
import { startTestMesos, type TestMesos } from "../../support/mesos/embedded.ts";
import { JsonScheduler } from "../../support/mesos/json-scheduler.ts";

/*
 * What no recording holds: each call of a scheduler without the part that it needs, and the few that nobody records.
 */

let mesos: TestMesos;
let scheduler: JsonScheduler;
beforeAll(async () => {
  mesos = await startTestMesos();
  scheduler = await JsonScheduler.subscribe(mesos.address);
  await scheduler.offers();
});
afterAll(async () => {
  await scheduler.call("TEARDOWN");
  await scheduler[Symbol.asyncDispose]();
  await mesos[Symbol.asyncDispose]();
});

const needed: Readonly<Record<string, string>> = {
  ACCEPT: "accept",
  ACCEPT_INVERSE_OFFERS: "accept_inverse_offers",
  ACKNOWLEDGE: "acknowledge",
  ACKNOWLEDGE_OPERATION_STATUS: "acknowledge_operation_status",
  DECLINE: "decline",
  DECLINE_INVERSE_OFFERS: "decline_inverse_offers",
  KILL: "kill",
  MESSAGE: "message",
  RECONCILE: "reconcile",
  RECONCILE_OPERATIONS: "reconcile_operations",
  REQUEST: "request",
  SHUTDOWN: "shutdown",
  SUBSCRIBE: "subscribe",
  UPDATE_FRAMEWORK: "update_framework",
};

test.each(Object.entries(needed))("%s needs its part %s", async (type, part) => {
  expect(await scheduler.call(type)).toBe(`400 Failed to validate scheduler::Call: Expecting '${part}' to be present`);
});

const agent_id = { value: "nowhere" };

test.each<[string, object]>([
  ["REVIVE", {}],
  ["SUPPRESS", { suppress: { roles: ["not mine"] } }],
  ["REQUEST", { request: { requests: [] } }],
  ["DECLINE", { decline: { offer_ids: [{ value: "none" }] } }],
  ["KILL", { kill: { task_id: { value: "none" }, agent_id } }],
  ["SHUTDOWN", { shutdown: { executor_id: { value: "none" }, agent_id } }],
  ["MESSAGE", { message: { executor_id: { value: "none" }, agent_id, data: "" } }],
])("%s of what is not there is received and nothing more: %j", async (type, part) => {
  expect(await scheduler.call(type, part as Record<string, unknown>)).toBe("202");
});

test("an acknowledgement must bear a UUID as Mesos knows them: none of version 7", async () => {
  const acknowledge = (version: number): Promise<string> => {
    const uuid = Buffer.from(`0123456789ab${version}def8123456789abcdef`, "hex").toString("base64");
    return scheduler.call("ACKNOWLEDGE", { acknowledge: { agent_id, task_id: { value: "none" }, uuid } });
  };
  expect(await acknowledge(7)).toBe("400 Failed to validate scheduler::Call: Not a valid UUID");
  expect(await acknowledge(4)).toBe("202");
});

test("an operation that nobody knows is unknown", async () => {
  const operations = [{ operation_id: { value: "none" } }];
  expect(await scheduler.call("RECONCILE_OPERATIONS", { reconcile_operations: { operations } })).toBe("202");
  expect(await scheduler.event("UPDATE_OPERATION_STATUS")).toMatchObject({
    update_operation_status: { status: { operation_id: { value: "none" }, state: "OPERATION_UNKNOWN" } },
  });
});
