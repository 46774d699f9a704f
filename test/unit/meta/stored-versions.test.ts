import { expect, test } from "bun:test";
import { showUtf8, utf8 } from "../../../src/base/bytes.ts";
import { createLogger, type LogEntry, silentLogger } from "../../../src/base/log.ts";
import { seededRandom } from "../../../src/base/random.ts";
import { forgetVersions, StoredVersions } from "../../../src/meta/stored-versions.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { rejection } from "../../support/rejection.ts";
import { processorSpec } from "../../support/specs.ts";
import { advance, MemoryStore, settle } from "./fakes.ts";

const secret = processorSpec({
  version: "v1",
  env: [["PASSWORD", "s3cret"]],
  executor: { ...processorSpec().executor, env: [["TOKEN", "s3cret"]] },
});
const { name, output, error, emptyOutput } = secret;
const settling = { name, version: "v1", output, error, emptyOutput };

/** Fails on demand. */
class FailingStore extends MemoryStore {
  failing = false;

  override async write(key: string, value: Uint8Array): Promise<void> {
    if (this.failing) throw new Error("disk full");
    await super.write(key, value);
  }
}

function load(
  store: MemoryStore,
  more: { clock?: ManualClock; signal?: AbortSignal; onEntry?: (e: LogEntry) => void },
) {
  const log = more.onEntry === undefined ? silentLogger : createLogger({ sink: more.onEntry, level: "info" });
  const signal = more.signal ?? new AbortController().signal;
  const clock = more.clock ?? new ManualClock();
  return StoredVersions.load({ store, processor: "upper", random: seededRandom(1), clock, log, signal });
}

test("the next start finds what settles a result, and nothing secret is stored", async () => {
  const store = new MemoryStore();
  const versions = await load(store, {});
  expect(versions.known).toEqual([]);
  await versions.remember(secret);
  await versions.remember({ ...settling, version: "v2", output: null, error: null, emptyOutput: "drop" });
  expect([...store.values.values()].map(showUtf8).join()).not.toContain("s3cret");
  const again = await load(store, {});
  expect(again.known).toEqual([settling, { name, version: "v2", output: null, error: null, emptyOutput: "drop" }]);
});

test("what is forgotten is gone, and can come back", async () => {
  const store = new MemoryStore();
  const versions = await load(store, {});
  await versions.remember(secret);
  versions.forget("v1");
  const back = versions.remember(secret);
  versions.forget("v2");
  await back;
  expect(await store.list("processors/upper/versions/")).toEqual(["processors/upper/versions/v1"]);
  versions.forget("v1");
  await versions.close();
  expect(await store.list("processors/")).toEqual([]);
});

test("a version that is stored already is not written again", async () => {
  const store = new FailingStore();
  await (await load(store, {})).remember(secret);
  store.failing = true;
  await (await load(store, {})).remember(secret);
});

test("a store that fails is tried until it takes the version", async () => {
  const store = new FailingStore();
  const clock = new ManualClock();
  const entries: LogEntry[] = [];
  const versions = await load(store, { clock, onEntry: (entry) => entries.push(entry) });
  store.failing = true;
  let stored = false;
  const done = versions.remember(secret).then(() => {
    stored = true;
  });
  await settle();
  await advance(clock, 60_000);
  expect(stored).toBe(false);
  expect(entries[0]).toMatchObject({ level: "error", fields: { version: "v1", reason: "disk full" } });
  store.failing = false;
  await advance(clock, 60_000);
  await done;
  expect(store.values.size).toBe(1);
});

test("whoever stops does not wait for the store", async () => {
  const store = new FailingStore();
  store.failing = true;
  const stopping = new AbortController();
  const versions = await load(store, { signal: stopping.signal });
  const rejected = rejection(versions.remember(secret));
  await settle();
  stopping.abort(new Error("stopping"));
  expect(String(await rejected)).toContain("stopping");
  await versions.close();
});

test("a stored version that is damaged is ignored, and said so", async () => {
  const store = new MemoryStore();
  const damaged = [
    "",
    "{",
    "null",
    '{"format":2}',
    '{"format":1}',
    JSON.stringify({ format: 1, ...settling, emptyOutput: "maybe" }),
    JSON.stringify({ format: 1, ...settling, output: 3 }),
    JSON.stringify({ format: 1, ...settling, error: { topic: "errors", value: "both" } }),
    JSON.stringify({ format: 1, ...settling, error: "errors" }),
  ];
  for (const [index, text] of damaged.entries()) store.values.set(`processors/upper/versions/${index}`, utf8(text));
  const entries: LogEntry[] = [];
  const versions = await load(store, { onEntry: (entry) => entries.push(entry) });
  expect(versions.known).toEqual([]);
  expect(entries.map(({ level }) => level)).toEqual(damaged.map(() => "warn"));
});

test("a removed processor leaves none, and those of another one stay", async () => {
  const store = new MemoryStore();
  await (await load(store, {})).remember(secret);
  store.values.set("processors/upper-2/versions/v1", utf8("{}"));
  await forgetVersions(store, "upper");
  expect(await store.list("")).toEqual(["processors/upper-2/versions/v1"]);
});
