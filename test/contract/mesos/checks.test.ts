import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readdirSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { freePort } from "../../support/free-port.ts";
import { launch, scalar, startTestMesos, type TestMesos } from "../../support/mesos/embedded.ts";
import { JsonScheduler, type JsonStatus } from "../../support/mesos/json-scheduler.ts";
import { until } from "../../support/until.ts";

/*
 * Checks and health checks of tasks that bring no executor.
 */

let mesos: TestMesos;
let scheduler: JsonScheduler;
beforeEach(async () => {
  mesos = await startTestMesos({ agents: [{ cpus: 4, memMb: 2048, diskMb: 100 }] });
  scheduler = await JsonScheduler.subscribe(mesos.address, {
    user: userInfo().username,
    capabilities: [{ type: "MULTI_ROLE" }, { type: "PARTITION_AWARE" }, { type: "TASK_KILLING_STATE" }],
  });
});
afterEach(async () => {
  await scheduler.call("TEARDOWN");
  await scheduler[Symbol.asyncDispose]();
  await mesos[Symbol.asyncDispose]();
});

/** Tasks that run until they are killed: each in an executor of its own, or all as a group. */
async function run(tasks: Readonly<Record<string, object>>, kind: "command" | "group" = "command"): Promise<void> {
  const [offer] = await scheduler.offers();
  const resources = [scalar("cpus", 0.1), scalar("mem", 32)];
  const command = { value: "exec sleep 1000" };
  const infos = Object.entries(tasks).map(([taskId, more]) => {
    return { name: taskId, task_id: { value: taskId }, agent_id: offer!.agent_id, resources, command, ...more };
  });
  const executor = {
    type: "DEFAULT",
    executor_id: { value: "group" },
    framework_id: { value: scheduler.frameworkId },
    resources: [...resources, scalar("disk", 1)],
  };
  const group = { type: "LAUNCH_GROUP", launch_group: { executor, task_group: { tasks: infos } } };
  const operations = [kind === "group" ? group : launch(...infos)];
  await scheduler.call("ACCEPT", { accept: { offer_ids: [offer!.id], operations } });
}

/** What was said of a task: its state, and what was found out about it. */
function told(taskId: string): readonly (readonly unknown[])[] {
  return scheduler
    .statuses(taskId)
    .map(({ state, reason, healthy }) => [state, reason, healthy].filter((each) => each !== undefined));
}

const REASON = "REASON_TASK_HEALTH_CHECK_STATUS_UPDATED";
const often = { delay_seconds: 0, interval_seconds: 0.02 };

describe("a health check", () => {
  const failing = { ...often, type: "COMMAND", command: { value: "exit 1" }, grace_period_seconds: 0 };

  test.each(["command", "group"] as const)("that fails too often in a row ends the task (%s)", async (kind) => {
    const taskId = `sick ${kind}`;
    await run({ [taskId]: { health_check: { ...failing, consecutive_failures: 2 } } }, kind);
    expect(await scheduler.end(taskId)).toMatchObject({
      state: "TASK_KILLED",
      source: "SOURCE_EXECUTOR",
      message: "Command terminated with signal Terminated",
      healthy: false,
    });
    expect(told(taskId)).toEqual([
      ["TASK_STARTING"],
      ["TASK_RUNNING"],
      ["TASK_RUNNING", REASON, false],
      ["TASK_RUNNING", REASON, false],
      ["TASK_KILLING"],
      ["TASK_KILLED", false],
    ]);
  });

  test("that takes too long has failed", async () => {
    const slow = { ...failing, command: { value: "exec sleep 1000" }, timeout_seconds: 0.05 };
    await run({ slow: { health_check: { ...slow, consecutive_failures: 1 } } });
    expect(await scheduler.end("slow")).toMatchObject({ state: "TASK_KILLED", healthy: false });
  });

  test("by HTTP tells the first success, every failure after it and the next success; nothing within the grace", async () => {
    let status = 503;
    let asked = 0;
    using server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: ({ url }) => {
        asked++;
        return new URL(url).pathname === "/well" ? new Response("", { status }) : Response.redirect("/well", 302);
      },
    });
    const http = { port: server.port, path: "/look" };
    const health = { ...often, type: "HTTP", http, grace_period_seconds: 1000, consecutive_failures: 1_000_000 };
    await run({ web: { health_check: health } });
    await scheduler.follow("web", ({ state }) => state === "TASK_RUNNING");
    await until(() => asked > 4, "it was looked at more than once");
    status = 204;
    const isHealth = (wanted: boolean) => (each: JsonStatus) => each.healthy === wanted;
    await scheduler.follow("web", isHealth(true));
    const from = scheduler.events.length;
    status = 500;
    await scheduler.follow("web", isHealth(false), from);
    status = 200;
    await scheduler.follow("web", isHealth(true), from);
    expect(await scheduler.kill("web")).toMatchObject({ state: "TASK_KILLED" });
    expect(told("web").slice(1, 4)).toEqual([
      ["TASK_RUNNING"],
      ["TASK_RUNNING", REASON, true],
      ["TASK_RUNNING", REASON, false],
    ]);
    expect(told("web").at(-1)).toEqual(["TASK_KILLED"]);
  });
});

describe("a check", () => {
  test("by COMMAND tells an exit code when it is another one, and never ends the task", async () => {
    await run({ gated: { check: { ...often, type: "COMMAND", command: { command: { value: "test -e gate" } } } } });
    const found = (exit_code: number) => (each: JsonStatus) =>
      Bun.deepEquals(each.check_status, { type: "COMMAND", command: { exit_code } });
    const first = await scheduler.follow("gated", found(1));
    expect(first).toMatchObject({ state: "TASK_RUNNING", reason: "REASON_TASK_CHECK_STATUS_UPDATED" });
    writeFileSync(join(sandbox("gated"), "gate"), "");
    await scheduler.follow("gated", found(0));
    const end = await scheduler.kill("gated");
    const none = { type: "COMMAND", command: {} };
    expect(scheduler.statuses("gated").map((each) => [each.state, each.check_status])).toEqual([
      ["TASK_STARTING", none],
      ["TASK_RUNNING", none],
      ["TASK_RUNNING", { type: "COMMAND", command: { exit_code: 1 } }],
      ["TASK_RUNNING", { type: "COMMAND", command: { exit_code: 0 } }],
      ["TASK_KILLING", none],
      ["TASK_KILLED", none],
    ]);
    expect(end.message).toBe("Command terminated with signal Terminated");
  });

  test("by HTTP tells the status, by TCP whether somebody listens", async () => {
    using server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("", { status: 418 }) });
    await run({
      teapot: { check: { ...often, type: "HTTP", http: { port: server.port, path: "/" } } },
      open: { check: { ...often, type: "TCP", tcp: { port: server.port } } },
      closed: { check: { ...often, type: "TCP", tcp: { port: await freePort() } } },
    });
    const isNews = ({ reason }: JsonStatus): boolean => reason === "REASON_TASK_CHECK_STATUS_UPDATED";
    const news = await Promise.all(["teapot", "open", "closed"].map((taskId) => scheduler.follow(taskId, isNews)));
    expect(news.map(({ check_status }) => check_status)).toEqual([
      { type: "HTTP", http: { status_code: 418 } },
      { type: "TCP", tcp: { succeeded: true } },
      { type: "TCP", tcp: { succeeded: false } },
    ]);
    for (const taskId of ["teapot", "open", "closed"]) await scheduler.kill(taskId);
  });
});

function sandbox(executorId: string): string {
  const slaves = join(mesos.workDir, "agents", "1", "slaves");
  const [agentId = ""] = readdirSync(slaves);
  return join(slaves, agentId, "frameworks", scheduler.frameworkId, "executors", executorId, "runs", "latest");
}
