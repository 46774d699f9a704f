import { expect, test } from "bun:test";
import { type ProbeResult, TaskChecks } from "../../../src/local/mesos/built-in/task-checks.ts";
import type { AgentId, HealthCheck, TaskId, TaskInfo } from "../../../src/mesos/types.ts";

const task = (more: Partial<TaskInfo>): TaskInfo => {
  return { name: "one", taskId: "one" as TaskId, agentId: "agent" as AgentId, ...more };
};
const healthCheck: HealthCheck = { type: "COMMAND", command: { value: "true" } };
const exit = (exitCode: number): ProbeResult => ({ type: "command", exitCode });

test("the times are Mesos' own where none are given: after 15 s, each 10 s, for 20 s", () => {
  const checks = new TaskChecks(task({ healthCheck }), 1000);
  expect(checks.wakeAtMs).toBe(16_000);
  expect(checks.due(15_999)).toEqual([]);
  expect(checks.due(16_000)).toMatchObject([{ kind: "health", timeoutMs: 20_000 }]);
  expect([checks.wakeAtMs, checks.due(99_000)]).toEqual([undefined, []]);
  checks.probed("health", exit(0), 17_000);
  expect(checks.wakeAtMs).toBe(27_000);
});

test("a timeout of 0 is none", () => {
  const checks = new TaskChecks(task({ healthCheck: { ...healthCheck, delaySeconds: 0, timeoutSeconds: 0 } }), 0);
  expect(checks.due(0)).toMatchObject([{ timeoutMs: undefined }]);
});

test("failures do not count within the grace period, unless there was a success", () => {
  const checks = new TaskChecks(task({ healthCheck }), 0);
  expect(checks.probed("health", exit(1), 10_000)).toBeUndefined();
  expect(checks.probed("health", exit(1), 10_001)).toEqual({ type: "health", healthy: false, kill: false });
  const well = new TaskChecks(task({ healthCheck }), 0);
  expect(well.probed("health", exit(0), 1000)).toEqual({ type: "health", healthy: true, kill: false });
  expect(well.probed("health", exit(1), 2000)).toEqual({ type: "health", healthy: false, kill: false });
});

test("the third failure in a row ends the task, and a success between them starts anew and is told", () => {
  const checks = new TaskChecks(task({ healthCheck: { ...healthCheck, gracePeriodSeconds: 0 } }), 0);
  const told = [1, 1, 0, 0, 1, 1, 1].map((code, at) => {
    const news = checks.probed("health", exit(code), at);
    return news?.type === "health" ? [news.healthy, news.kill] : [];
  });
  expect(told).toEqual([
    [false, false],
    [false, false],
    [true, false],
    [],
    [false, false],
    [false, false],
    [false, true],
  ]);
});

test("what could not be looked at is not well, and an empty status of a check", () => {
  const command = { command: { value: "true" } };
  const checks = new TaskChecks(
    task({ check: { type: "COMMAND", command }, healthCheck: { ...healthCheck, gracePeriodSeconds: 0 } }),
    0,
  );
  const failed = { type: "failed", reason: "too slow" } as const;
  expect(checks.probed("health", failed, 0)).toMatchObject({ healthy: false });
  expect(checks.probed("check", failed, 0)).toBeUndefined();
  expect(checks.probed("check", exit(3), 1)).toEqual({
    type: "check",
    checkStatus: { type: "COMMAND", command: { exitCode: 3 } },
  });
  expect(checks.probed("check", exit(3), 2)).toBeUndefined();
  expect(checks.probed("check", failed, 3)).toEqual({ type: "check", checkStatus: { type: "COMMAND", command: {} } });
});

test("HTTP is well from 200 to 399, TCP where somebody listens; the type is found where it was left out", () => {
  const http: HealthCheck = { http: { port: 80 }, gracePeriodSeconds: 0, delaySeconds: 0, consecutiveFailures: 99 };
  const checks = new TaskChecks(task({ healthCheck: http }), 0);
  expect(checks.due(0)).toMatchObject([
    { probe: { type: "http", scheme: "http", host: "127.0.0.1", port: 80, path: "" } },
  ]);
  const well = [199, 200, 199, 399, 400].map((statusCode, at) => {
    const news = checks.probed("health", { type: "http", statusCode }, at);
    return news?.type === "health" && news.healthy;
  });
  expect(well).toEqual([false, true, false, true, false]);
  const tcp = new TaskChecks(
    task({ healthCheck: { type: "TCP", tcp: { port: 1, protocol: "IPv6" }, delaySeconds: 0 } }),
    0,
  );
  expect(tcp.due(0)).toMatchObject([{ probe: { type: "tcp", host: "::1", port: 1 } }]);
  expect(tcp.probed("health", { type: "tcp", succeeded: true }, 1)).toMatchObject({ healthy: true });
});

test("a task that is being killed is looked at no more", () => {
  const checks = new TaskChecks(task({ healthCheck }), 0);
  checks.stop();
  expect([checks.wakeAtMs, checks.due(99_000), checks.probed("health", exit(0), 99_000)]).toEqual([
    undefined,
    [],
    undefined,
  ]);
});
