import { expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readDirectory } from "../../../src/meta/read-directory.ts";
import { MetaScheduler, type MetaSchedulerOptions } from "../../../src/meta/scheduler.ts";
import type { ManualClock } from "../../support/manual-clock.ts";
import { rejection } from "../../support/rejection.ts";
import { until } from "../../support/until.ts";
import { advance, type FakeWorkers, fakeContext, settings, settle } from "./fakes.ts";

/** A scheduler over a real folder, with fake Workers and time that the test moves. */
async function schedulerOver(files: Readonly<Record<string, string>>): Promise<{
  readonly folder: string;
  readonly clock: ManualClock;
  readonly workers: FakeWorkers;
  readonly options: MetaSchedulerOptions;
  readonly scheduler: MetaScheduler;
  /** Lets one poll happen, and waits until it is acted on. */
  poll(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}> {
  const folder = await mkdtemp(join(tmpdir(), "brigade-test-"));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const { context, clock, workers } = fakeContext();
  let readings = 0;
  const options: MetaSchedulerOptions = {
    ...context,
    // No file-system events: the watcher's path does not exist, and only polls read the folder.
    settings: { ...settings, processorDir: join(folder, "unwatched") },
    readDirectory: async () => {
      const reading = await readDirectory(folder);
      readings++;
      return reading;
    },
  };
  const scheduler = new MetaScheduler(options);
  return {
    folder,
    clock,
    workers,
    options,
    scheduler,
    async poll() {
      const before = readings;
      await advance(clock, settings.processorPollMs);
      await until(() => readings > before, "the folder is read");
      await settle();
    },
    async [Symbol.asyncDispose]() {
      await scheduler.stop();
      await rm(folder, { recursive: true });
    },
  };
}

function definition(name: string, more: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({ name, input: `${name}-in`, output: `${name}-out`, command: ["cat"], ...more });
}

test("every definition found at the start gets a Worker, and untilRunning waits for them", async () => {
  await using run = await schedulerOver({ "a.json": definition("a"), "b.json": definition("b") });
  await run.scheduler.start();
  await run.scheduler.untilRunning(new AbortController().signal);
  const { processors, problems } = await run.scheduler.snapshot();
  expect(processors.map(({ name, phase }) => [name, phase])).toEqual([
    ["a", "running"],
    ["b", "running"],
  ]);
  expect(problems).toEqual([]);
});

test("a definition added, changed and removed at run time starts, updates and removes its Worker", async () => {
  await using run = await schedulerOver({ "a.json": definition("a") });
  await run.scheduler.start();
  await writeFile(join(run.folder, "b.json"), definition("b"));
  await run.poll();
  expect(run.workers.count("b")).toBe(1);
  await writeFile(join(run.folder, "b.json"), definition("b", { cpus: 2 }));
  await run.poll();
  expect(run.workers.of("b").spec?.cpus).toBe(2);
  await rm(join(run.folder, "b.json"));
  await run.poll();
  expect(run.workers.of("b").types()).not.toContain("remove");
  await run.poll();
  expect(run.workers.of("b").types()).toContain("remove");
  expect((await run.scheduler.snapshot()).processors.map(({ name }) => name)).toEqual(["a"]);
});

test("a file that breaks is reported with its place, and its processor runs on in its version", async () => {
  await using run = await schedulerOver({ "a.json": definition("a"), "b.json": definition("b") });
  await run.scheduler.start();
  await writeFile(join(run.folder, "b.json"), '{ "name": "b", "input": }');
  for (let i = 0; i < 3; i++) await run.poll();
  const { problems, held, processors } = await run.scheduler.snapshot();
  expect(problems).toMatchObject([{ severity: "error", file: join(run.folder, "b.json"), line: 1 }]);
  expect(held).toEqual([{ name: "b", reason: "broken-file" }]);
  expect(processors.map(({ name }) => name)).toEqual(["a", "b"]);
  expect(run.workers.of("b").types()).not.toContain("update");
});

test("an emptied folder removes nothing until it is confirmed", async () => {
  await using run = await schedulerOver({ "a.json": definition("a"), "b.json": definition("b") });
  await run.scheduler.start();
  await rm(join(run.folder, "a.json"));
  await rm(join(run.folder, "b.json"));
  for (let i = 0; i < 3; i++) await run.poll();
  expect((await run.scheduler.snapshot()).processors).toHaveLength(2);
  expect(await run.scheduler.confirmRemoval(["a"])).toEqual(["a"]);
  expect(await run.scheduler.confirmRemoval("all")).toEqual(["b"]);
  await settle();
  expect((await run.scheduler.snapshot()).processors).toEqual([]);
});

test("a removal of what is defined, or of nothing known, is refused and says why", async () => {
  await using run = await schedulerOver({ "a.json": definition("a") });
  await run.scheduler.start();
  expect(String(await rejection(run.scheduler.confirmRemoval(["a"])))).toContain("must be deleted there");
  expect(String(await rejection(run.scheduler.confirmRemoval(["x"])))).toContain("there is none of that name");
});

test("a definition that disappears while the scheduler is down is still removed properly", async () => {
  await using run = await schedulerOver({ "a.json": definition("a"), "b.json": definition("b") });
  await run.scheduler.start();
  await run.scheduler.stop();
  await rm(join(run.folder, "b.json"));
  const next = new MetaScheduler(run.options);
  await next.start();
  expect(run.workers.count("b")).toBe(2);
  await run.poll();
  await run.poll();
  expect(run.workers.of("b").types()).toContain("remove");
  await next.stop();
});

test("a folder that is missing at the start is reported and leaves what ran before running", async () => {
  await using run = await schedulerOver({ "a.json": definition("a") });
  await run.scheduler.start();
  await run.scheduler.stop();
  const moved = { ...run.options, readDirectory: () => readDirectory(join(run.folder, "unmounted")) };
  const next = new MetaScheduler(moved);
  await next.start();
  const { processors, problems, held } = await next.snapshot();
  expect(processors.map(({ name }) => name)).toEqual(["a"]);
  expect(problems[0]?.message).toContain("does not exist");
  expect(held).toEqual([{ name: "a", reason: "unreadable" }]);
  await next.stop();
});

test("a folder that need not be there is no mistake, until there was a processor", async () => {
  await using run = await schedulerOver({ "a.json": definition("a") });
  const none = join(run.folder, "unmounted");
  const missing = { ...run.options, mayBeginWithout: true, readDirectory: () => readDirectory(none) };
  const before = new MetaScheduler(missing);
  await before.start();
  expect(await before.snapshot()).toMatchObject({ directory: { readable: true }, processors: [], problems: [] });
  await before.stop();
  await run.scheduler.start();
  await run.scheduler.stop();
  const after = new MetaScheduler(missing);
  await after.start();
  const { problems, held } = await after.snapshot();
  expect(problems[0]?.message).toContain("does not exist");
  expect(held).toEqual([{ name: "a", reason: "unreadable" }]);
  await after.stop();
});
