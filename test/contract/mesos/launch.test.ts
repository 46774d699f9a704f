import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { jsonTask, launch, startTestMesos, type TestMesos } from "../../support/mesos/embedded.ts";
import { type JsonMessage, JsonScheduler } from "../../support/mesos/json-scheduler.ts";
import { readRecording } from "../../support/mesos-recordings.ts";
import { until } from "../../support/until.ts";

let mesos: TestMesos;
beforeAll(async () => {
  const ports = { begin: 31_000, end: 31_099 };
  const attributes = { rack: "r0", zone: "z1" };
  mesos = await startTestMesos({ agents: [{ cpus: 4, memMb: 2048, diskMb: 4096, ports, attributes }] });
});
afterAll(() => mesos[Symbol.asyncDispose]());

describe("a task on a custom executor", () => {
  test("goes from SUBSCRIBE to ACKNOWLEDGE as with a real master", async () => {
    await using scheduler = await JsonScheduler.subscribe(mesos.address);
    const [offer] = await scheduler.offers();
    const accept = {
      offer_ids: [offer!.id],
      operations: [launch(jsonTask("one", offer!.agent_id))],
      filters: { refuse_seconds: 0 },
    };
    expect(await scheduler.call("ACCEPT", { accept })).toBe("202");
    const running = await scheduler.update("one", "TASK_RUNNING");
    expect(await scheduler.acknowledge(running)).toBe("202");
    const finished = await scheduler.update("one", "TASK_FINISHED");
    expect(Buffer.from(finished.data ?? "", "base64").toString()).toBe("output of one");
    expect(await scheduler.acknowledge(finished)).toBe("202");

    const { recorded, own } = sameEvents(scheduler.events);
    expect(own).toEqual(recorded);

    await scheduler.call("SHUTDOWN", { shutdown: { executor_id: { value: "worker" }, agent_id: offer!.agent_id } });
    const failure = await scheduler.event("FAILURE");
    expect(failure["failure"]).toEqual({ agent_id: offer!.agent_id, executor_id: { value: "worker" }, status: 0 });
    expect(await scheduler.call("TEARDOWN")).toBe("202");
    await until(() => scheduler.ended === "orderly", "the stream ends");
  });

  test("leaves a sandbox with stdout, stderr and the link latest", async () => {
    await using scheduler = await JsonScheduler.subscribe(mesos.address);
    const [offer] = await scheduler.offers();
    const accept = { offer_ids: [offer!.id], operations: [launch(jsonTask("two", offer!.agent_id))] };
    await scheduler.call("ACCEPT", { accept });
    await scheduler.update("two", "TASK_RUNNING");
    const agents = join(mesos.workDir, "agents", "1", "slaves");
    const [agentId = ""] = readdirSync(agents);
    const executor = join(agents, agentId, "frameworks", scheduler.frameworkId, "executors", "worker");
    expect(readFileSync(join(executor, "runs", "latest", "stdout"), "utf8")).toBe("launched two\n");
    expect(existsSync(join(executor, "runs", "latest", "stderr"))).toBe(true);
    await scheduler.call("TEARDOWN");
  });

  test("fails with its executor, after the FAILURE that tells the wait status", async () => {
    await using scheduler = await JsonScheduler.subscribe(mesos.address);
    const [offer] = await scheduler.offers();
    const task = jsonTask("three", offer!.agent_id, { order: { exit: 3, silent: true } });
    await scheduler.call("ACCEPT", { accept: { offer_ids: [offer!.id], operations: [launch(task)] } });
    const status = await scheduler.update("three", "TASK_FAILED");
    expect(status).toMatchObject({
      source: "SOURCE_AGENT",
      reason: "REASON_EXECUTOR_TERMINATED",
      message: "Executor terminated",
    });
    const types = scheduler.events.map(({ type }) => type);
    expect(types.indexOf("FAILURE")).toBeLessThan(types.indexOf("UPDATE"));
    expect((await scheduler.event("FAILURE"))["failure"]).toMatchObject({ status: 768 });
    await scheduler.call("TEARDOWN");
  });

  test("is killed by its executor on KILL, and MESSAGE passes both ways", async () => {
    await using scheduler = await JsonScheduler.subscribe(mesos.address);
    const [offer] = await scheduler.offers();
    const task = jsonTask("four", offer!.agent_id, { order: { forever: true } });
    await scheduler.call("ACCEPT", { accept: { offer_ids: [offer!.id], operations: [launch(task)] } });
    await scheduler.acknowledge(await scheduler.update("four", "TASK_RUNNING"));
    const message = { agent_id: offer!.agent_id, executor_id: { value: "worker" }, data: "AAH/" };
    await scheduler.call("MESSAGE", { message });
    expect((await scheduler.event("MESSAGE"))["message"]).toEqual(message);
    await scheduler.call("KILL", { kill: { task_id: { value: "four" } } });
    await scheduler.acknowledge(await scheduler.update("four", "TASK_KILLED"));
    await scheduler.call("TEARDOWN");
  });
});

/** The scheduler's events of recording 03 up to the first TASK_FINISHED, and ours, reduced to what must agree. */
function sameEvents(events: readonly JsonMessage[]): { recorded: unknown; own: unknown } {
  const recording = readRecording("03-custom-executor")
    .lines.filter(({ conn, kind }) => conn === "sub-1" && kind === "event")
    .map(({ body }) => body as JsonMessage);
  return { recorded: shape(recording.slice(0, 5)), own: shape(events.filter(isNoRepeat).slice(0, 5)) };
}

/** An OFFERS of the rest comes between, and further HEARTBEATs do; when is a matter of time. */
function isNoRepeat(event: JsonMessage, index: number, all: readonly JsonMessage[]): boolean {
  const repeats = event.type === "OFFERS" || event.type === "HEARTBEAT";
  return !repeats || all.findIndex(({ type }) => type === event.type) === index;
}

/** Names and kinds of all fields: values differ by ids, times and addresses. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shape).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  if (typeof value !== "object" || value === null) return typeof value;
  // A master's capabilities are not sent; the recorder's executor sends message, labels and data with TASK_RUNNING.
  const own = ["capabilities", "labels", "message", "data"];
  const telling = ["type", "state", "source", "name", "role", "path", "protocol", "scheme", "text", "scalar", "ranges"];
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !own.includes(name))
      .map(([name, part]) => [name, telling.includes(name) ? part : shape(part)]),
  );
}
