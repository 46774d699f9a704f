import { expect, test } from "bun:test";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../src/base/clock.ts";
import { silentLogger } from "../../../src/base/log.ts";
import type { ScanTrigger } from "../../../src/meta/directory.ts";
import { DirectoryWatcher } from "../../../src/meta/watcher.ts";
import { until } from "../../support/until.ts";

interface Watched {
  readonly root: string;
  readonly triggers: ScanTrigger[];
  [Symbol.asyncDispose](): Promise<void>;
}

/** Watches `path` in a new folder, which `prepare` fills first. */
async function watched(path: string, pollMs: number, prepare: (root: string) => Promise<unknown>): Promise<Watched> {
  const root = await mkdtemp(join(tmpdir(), "brigade-test-"));
  await prepare(root);
  const triggers: ScanTrigger[] = [];
  const onChange = async (trigger: ScanTrigger): Promise<void> => {
    triggers.push(trigger);
  };
  const watcher = new DirectoryWatcher({
    path: join(root, path),
    pollMs,
    clock: systemClock,
    log: silentLogger,
    onChange,
  });
  await watcher.start();
  return {
    root,
    triggers,
    async [Symbol.asyncDispose]() {
      await watcher.close();
      await rm(root, { recursive: true });
    },
  };
}

const NEVER_MS = 3_600_000;

test("the start reads once, and counts as a poll", async () => {
  await using run = await watched("dir", NEVER_MS, (root) => mkdir(join(root, "dir")));
  expect(run.triggers).toEqual(["poll"]);
});

test("a change in the folder is read without waiting for the next poll", async () => {
  await using run = await watched("dir", NEVER_MS, (root) => mkdir(join(root, "dir")));
  await writeFile(join(run.root, "dir", "a.json"), "{}");
  await until(() => run.triggers.includes("event"), "a change is read");
});

test("a single file that is replaced by renaming is read as well", async () => {
  await using run = await watched("a.json", NEVER_MS, (root) => writeFile(join(root, "a.json"), "{}"));
  await writeFile(join(run.root, "new"), "{ }");
  await rename(join(run.root, "new"), join(run.root, "a.json"));
  await until(() => run.triggers.includes("event"), "a change is read");
});

test("a folder that appears later is polled for, and then watched", async () => {
  await using run = await watched("dir", 20, async () => undefined);
  await until(() => run.triggers.length >= 2, "the second poll");
  await mkdir(join(run.root, "dir"));
  const polls = run.triggers.length;
  await until(() => run.triggers.length >= polls + 2, "two more polls");
  await writeFile(join(run.root, "dir", "a.json"), "{}");
  await until(() => run.triggers.includes("event"), "a change is read");
});
