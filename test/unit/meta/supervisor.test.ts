import { expect, test } from "bun:test";
import { errorToData } from "../../../src/base/errors.ts";
import { Supervisor } from "../../../src/meta/supervisor.ts";
import { advance, fakeContext, settle, specOf } from "./fakes.ts";

test("a Worker gets settings, specification and deployment with its start", () => {
  const { context, workers } = fakeContext();
  new Supervisor(context).run(specOf("a"));
  expect(workers.of("a").received).toEqual([
    { type: "start", settings: context.settings, spec: specOf("a"), deployment: context.deployment },
  ]);
});

test("a changed specification reaches the Worker that runs", async () => {
  const { context, workers } = fakeContext();
  const supervisor = new Supervisor(context);
  supervisor.run(specOf("a"));
  await settle();
  supervisor.run(specOf("a", "v2"));
  expect(workers.count("a")).toBe(1);
  expect(workers.of("a").spec?.version).toBe("v2");
});

test("a Worker that dies is started again after a pause, and the others do not notice", async () => {
  const { clock, context, workers } = fakeContext();
  const supervisor = new Supervisor(context);
  supervisor.run(specOf("a"));
  supervisor.run(specOf("b"));
  await settle();
  workers.of("a").exit(1, new Error("boom"));
  expect(supervisor.states()).toEqual([
    { name: "a", phase: "failed", reason: "boom" },
    { name: "b", phase: "running", reason: null },
  ]);
  await advance(clock, 999);
  expect(workers.count("a")).toBe(1);
  await advance(clock, 1);
  expect(workers.count("a")).toBe(2);
  expect(workers.count("b")).toBe(1);
  expect(supervisor.states()[0]?.phase).toBe("running");
});

test("pauses grow while a Worker keeps dying, and are short again after it lived well", async () => {
  const { clock, context, workers } = fakeContext();
  new Supervisor(context).run(specOf("a"));
  for (const pauseMs of [1000, 2000, 4000]) {
    const before = workers.count("a");
    workers.of("a").exit(1);
    await advance(clock, pauseMs - 1);
    expect(workers.count("a")).toBe(before);
    await advance(clock, 1);
    expect(workers.count("a")).toBe(before + 1);
  }
  await advance(clock, 60_000);
  workers.of("a").exit(1);
  await advance(clock, 1000);
  expect(workers.count("a")).toBe(5);
});

test("a Worker that says a new one would not help stays down until its specification changes", async () => {
  const { clock, context, workers } = fakeContext();
  const supervisor = new Supervisor(context);
  supervisor.run(specOf("a"));
  await settle();
  workers.of("a").say({ type: "failed", error: errorToData(new Error("Framework failed over")), restart: false });
  workers.of("a").exit(0);
  await advance(clock, 3_600_000);
  expect(workers.count("a")).toBe(1);
  expect(supervisor.states()).toEqual([{ name: "a", phase: "failed", reason: "Framework failed over" }]);
  supervisor.run(specOf("a", "v2"));
  expect(workers.count("a")).toBe(2);
});

test("a removed processor is forgotten once its Worker has said that all is done", async () => {
  const { context, workers, removed } = fakeContext();
  const supervisor = new Supervisor(context);
  supervisor.run(specOf("a"));
  await settle();
  supervisor.remove("a");
  expect(workers.of("a").types()).toEqual(["start", "remove"]);
  await settle();
  expect(removed).toEqual(["a"]);
  expect(supervisor.states()).toEqual([]);
});

test("a removal that dies half-way is tried again by a new Worker", async () => {
  const { clock, context, workers, removed } = fakeContext();
  workers.answering = false;
  const supervisor = new Supervisor(context);
  supervisor.run(specOf("a"));
  supervisor.remove("a");
  workers.of("a").exit(1);
  expect(removed).toEqual([]);
  workers.answering = true;
  await advance(clock, 1000);
  expect(workers.of("a").types()).toEqual(["start", "remove"]);
  expect(removed).toEqual(["a"]);
});

test("a processor that is defined again while it is being removed starts anew once that is done", async () => {
  const { context, workers, removed } = fakeContext();
  workers.answering = false;
  const supervisor = new Supervisor(context);
  supervisor.run(specOf("a"));
  supervisor.remove("a");
  supervisor.run(specOf("a", "v2"));
  expect(workers.count("a")).toBe(1);
  workers.of("a").say({ type: "stopped" });
  workers.of("a").exit(0);
  expect(workers.count("a")).toBe(2);
  expect(workers.of("a").spec?.version).toBe("v2");
  expect(removed).toEqual([]);
});

test("stopping ends all Workers, also those that rest after a death", async () => {
  const { context, workers, removed } = fakeContext();
  const supervisor = new Supervisor(context);
  supervisor.run(specOf("a"));
  supervisor.run(specOf("b"));
  await settle();
  workers.of("b").exit(1);
  await supervisor.stopAll("keep", 10_000);
  expect(workers.of("a").received.at(-1)).toEqual({ type: "stop", mode: "keep", timeoutMs: 8000 });
  expect(workers.count("b")).toBe(1);
  expect(removed).toEqual([]);
});

test("a Worker that does not stop in time is terminated", async () => {
  const { clock, context, workers } = fakeContext();
  workers.answering = false;
  const supervisor = new Supervisor(context);
  supervisor.run(specOf("a"));
  const stopped = supervisor.stopAll("keep", 10_000);
  await advance(clock, 9999);
  expect(workers.of("a").terminated).toBe(false);
  await advance(clock, 1);
  expect(workers.of("a").terminated).toBe(true);
  await stopped;
});

test("a drain without limit can be cut short by a kill", async () => {
  const { clock, context, workers } = fakeContext();
  workers.answering = false;
  const supervisor = new Supervisor(context);
  supervisor.run(specOf("a"));
  const drained = supervisor.stopAll("drain", Number.POSITIVE_INFINITY);
  await advance(clock, 3_600_000);
  expect(workers.of("a").terminated).toBe(false);
  const killed = supervisor.stopAll("kill", 10_000);
  expect(
    workers
      .of("a")
      .received.slice(1)
      .map((message) => message.type === "stop" && message.mode),
  ).toEqual(["drain", "kill"]);
  workers.of("a").say({ type: "stopped" });
  workers.of("a").exit(0);
  await Promise.all([drained, killed]);
});

test("a Worker that does not answer is shown as it was, not connected and without a rate", async () => {
  const { clock, context, workers } = fakeContext();
  const supervisor = new Supervisor(context);
  supervisor.run(specOf("a"));
  await settle();
  expect((await supervisor.snapshots())[0]).toMatchObject({ name: "a", phase: "running", inFlight: 7 });
  workers.of("a").exit(1, new Error("boom"));
  const [down] = await supervisor.snapshots();
  expect(down).toMatchObject({ phase: "failed", reason: "boom", inFlight: 7, framework: { connected: false } });
  workers.answering = false;
  await advance(clock, 1000);
  const asked = supervisor.snapshots();
  await advance(clock, 2000);
  expect((await asked)[0]).toMatchObject({ phase: "starting", inFlight: 7 });
});
