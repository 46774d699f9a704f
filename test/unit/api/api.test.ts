import { expect, test } from "bun:test";
import { createApi } from "../../../src/api/api.ts";
import { serveApi } from "../../../src/api/serve.ts";
import { silentLogger } from "../../../src/base/log.ts";
import { WorkerSilentError } from "../../../src/meta/worker-client.ts";
import { FakeScheduler, processorView, schedulerView } from "./fakes.ts";

function apiOf(scheduler = new FakeScheduler()) {
  return { scheduler, api: createApi({ scheduler, log: silentLogger }) };
}

const paused = processorView("b", { phase: "paused", reason: "topic b-in does not exist" });

test("the process is alive whatever its processors do", async () => {
  const { scheduler, api } = apiOf();
  scheduler.view = schedulerView({ processors: [paused] });
  expect((await api.request("/livez")).status).toBe(200);
});

test("readiness tells in detail which processor is not well", async () => {
  const { scheduler, api } = apiOf();
  expect((await api.request("/readyz")).status).toBe(200);
  scheduler.view = schedulerView({ processors: [processorView("a"), paused] });
  const response = await api.request("/readyz?verbose");
  expect(response.status).toBe(503);
  expect(await response.text()).toBe(
    "[+]processor-dir ok\n[+]processor/a ok\n[-]processor/b paused: topic b-in does not exist\nnot ok\n",
  );
});

test("a framework that is not subscribed, and an unreadable PROCESSOR_DIR, are not well", async () => {
  const { scheduler, api } = apiOf();
  scheduler.view = schedulerView({
    directory: { path: "/mnt/processors", readable: false },
    processors: [processorView("a", { framework: { id: null, connected: false } })],
  });
  const response = await api.request("/health");
  expect(response.status).toBe(503);
  expect(await response.json()).toEqual({
    healthy: false,
    checks: [
      { name: "processor-dir", problem: "/mnt/processors cannot be read" },
      { name: "processor/a", problem: "not connected to the Mesos master" },
    ],
  });
});

test("/status answers as the original did: OK, or 500 and why", async () => {
  const { scheduler, api } = apiOf();
  const well = await api.request("/status");
  expect([well.status, await well.text()]).toEqual([200, "OK"]);
  scheduler.view = schedulerView({ processors: [paused] });
  const ill = await api.request("/status");
  expect([ill.status, await ill.text()]).toEqual([500, "processor/b: paused: topic b-in does not exist"]);
});

test("a mistake in a processor file is shown, and is no illness", async () => {
  const { scheduler, api } = apiOf();
  const mistake = { severity: "error", file: "a.json", path: "$.mem", message: "mem is -1, must be above 0" } as const;
  scheduler.view = schedulerView({ problems: [mistake], held: [{ name: "a", reason: "broken-file" }] });
  expect((await api.request("/status")).status).toBe(200);
  expect(await (await api.request("/api/v1/problems")).json()).toEqual({
    problems: [mistake],
    held: [{ name: "a", reason: "broken-file" }],
  });
});

test("processors are listed, and found by name", async () => {
  const { scheduler, api } = apiOf();
  expect(await (await api.request("/api/v1/status")).json()).toEqual(scheduler.view);
  expect(await (await api.request("/api/v1/processors")).json()).toEqual(scheduler.view.processors);
  expect(await (await api.request("/api/v1/processors/a")).json()).toEqual(scheduler.view.processors[0]);
});

test("a processor's offsets are explained", async () => {
  const { scheduler, api } = apiOf();
  expect(await (await api.request("/api/v1/processors/a/offsets")).json()).toEqual(scheduler.offsetsView);
});

test("errors are problem details", async () => {
  const { api } = apiOf();
  for (const path of ["/api/v1/processors/x", "/api/v1/processors/x/offsets", "/nothing"]) {
    const response = await api.request(path);
    expect(response.status).toBe(404);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(await response.json()).toMatchObject({ status: 404, title: expect.any(String), detail: expect.any(String) });
  }
});

test("a fault inside is a problem too, and does not end the API", async () => {
  const scheduler = Object.assign(new FakeScheduler(), { tasks: () => Promise.reject(new Error("boom")) });
  const { api } = apiOf(scheduler);
  const response = await api.request("/api/v1/tasks");
  expect(response.status).toBe(500);
  expect(await response.json()).toEqual({ title: "Internal error", status: 500, detail: "boom" });
});

test("a Worker that does not answer is no fault inside: later it may", async () => {
  const silent = new WorkerSilentError("Cannot get offsets from the processor's Worker: no answer after 2000 ms");
  const scheduler = Object.assign(new FakeScheduler(), { offsets: () => Promise.reject(silent) });
  const response = await apiOf(scheduler).api.request("/api/v1/processors/a/offsets");
  expect(response.status).toBe(503);
  expect(await response.json()).toEqual({ title: "Not available now", status: 503, detail: silent.message });
});

test("removal is confirmed by name or for all, and refused for what is still defined", async () => {
  const { scheduler, api } = apiOf();
  const post = (path: string, headers: Record<string, string> = {}) => api.request(path, { method: "POST", headers });
  const refused = await post("/api/v1/processors/a/remove");
  expect(refused.status).toBe(409);
  expect(await refused.json()).toMatchObject({ detail: expect.stringContaining("must be deleted there") });
  expect((await post("/api/v1/processors/x/remove")).status).toBe(404);
  scheduler.view = schedulerView({ held: [{ name: "a", reason: "all-gone" }] });
  expect(await (await post("/api/v1/processors/a/remove")).json()).toEqual({ removed: ["a"] });
  expect(await (await post("/api/v1/processors/remove")).json()).toEqual({ removed: ["a"] });
  expect((await post("/api/v1/processors/remove", { origin: "https://elsewhere.example" })).status).toBe(403);
  expect(scheduler.removed).toEqual([["a"], "all"]);
});

test("on port 0 the API says where it really is, and a taken port is a clear error", async () => {
  const { api } = apiOf();
  const served = serveApi(api, { host: "127.0.0.1", port: 0 });
  try {
    const { host, port } = served.address;
    expect((await fetch(`http://${host}:${port}/livez`)).status).toBe(200);
    expect(() => serveApi(api, { host, port })).toThrow(`Cannot serve the API on ${host}:${port}: it is in use`);
  } finally {
    await served.close();
  }
});
