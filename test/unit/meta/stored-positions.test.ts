import { expect, test } from "bun:test";
import { showUtf8, utf8 } from "../../../src/base/bytes.ts";
import { silentLogger } from "../../../src/base/log.ts";
import { forgetPositions, StoredPositions } from "../../../src/meta/stored-positions.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { advance, MemoryStore, settle } from "./fakes.ts";

const key = "processors/upper/positions";

class CountingStore extends MemoryStore {
  writes = 0;
  failing = false;

  override async write(at: string, value: Uint8Array): Promise<void> {
    this.writes++;
    if (this.failing) throw new Error("disk full");
    await super.write(at, value);
  }

  get text(): string | undefined {
    const value = this.values.get(key);
    return value && showUtf8(value);
  }
}

async function load(store: CountingStore, more: { group?: string; topic?: string; clock?: ManualClock } = {}) {
  const options = { store, processor: "upper", group: "g", topic: "in", log: silentLogger, clock: new ManualClock() };
  return StoredPositions.load({ ...options, ...more });
}

const commit = (partition: number, offset: number) => [{ partition, offset, metadata: "" }];

test("many commits are one write, some seconds later", async () => {
  const store = new CountingStore();
  const clock = new ManualClock();
  const positions = await load(store, { clock });
  for (let offset = 1; offset <= 100; offset++) positions.committed(commit(0, offset));
  positions.committed(commit(3, 7));
  expect(positions.last(0)).toBe(100);
  await advance(clock, 4000);
  expect(store.writes).toBe(0);
  await advance(clock, 1000);
  expect(store.text).toBe('{"version":1,"group":"g","topic":"in","positions":{"0":100,"3":7}}');
  positions.committed(commit(0, 100));
  await advance(clock, 60_000);
  expect(store.writes).toBe(1);
});

test("the next start reads them, and what has changed since the last write is stored at the end", async () => {
  const store = new CountingStore();
  const positions = await load(store);
  positions.committed(commit(2, 40));
  await positions.close();
  await positions.close();
  expect(store.writes).toBe(1);
  const again = await load(store);
  expect([again.last(2), again.last(0)]).toEqual([40, undefined]);
});

test("positions of another group or topic are not ours", async () => {
  const store = new CountingStore();
  const positions = await load(store);
  positions.committed(commit(0, 40));
  await positions.close();
  expect((await load(store, { group: "other" })).last(0)).toBeUndefined();
  expect((await load(store, { topic: "other" })).last(0)).toBeUndefined();
});

test("a topic that was made anew has none of the old one's", async () => {
  const store = new CountingStore();
  const positions = await load(store);
  positions.committed(commit(0, 40));
  positions.of("old");
  expect(positions.last(0)).toBe(40);
  await positions.close();
  const again = await load(store);
  again.of("old");
  expect([again.topicId, again.last(0)]).toEqual(["old", 40]);
  again.of("new");
  expect(again.last(0)).toBeUndefined();
  await again.close();
  expect((await load(store)).topicId).toBe("new");
  expect((await load(store, { topic: "other" })).topicId).toBeUndefined();
});

test("a topic that is gone takes its positions along", async () => {
  const store = new CountingStore();
  const positions = await load(store);
  positions.committed(commit(0, 40));
  positions.forget();
  expect(positions.last(0)).toBeUndefined();
  await positions.close();
  expect((await load(store)).last(0)).toBeUndefined();
});

test("what cannot be stored now is stored later", async () => {
  const store = new CountingStore();
  const clock = new ManualClock();
  const positions = await load(store, { clock });
  store.failing = true;
  positions.committed(commit(0, 40));
  await advance(clock, 5000);
  store.failing = false;
  await settle();
  await advance(clock, 5000);
  expect(store.writes).toBe(2);
  expect((await load(store)).last(0)).toBe(40);
});

test("what cannot be read counts as nothing", async () => {
  const store = new CountingStore();
  const sound = '{"version":1,"group":"g","topic":"in","positions":{"0":4}}';
  for (const text of ["", "{", "[]", sound.replace("1", "2"), sound.replace("4", '"x"'), sound.replace("4", "-1")]) {
    store.values.set(key, utf8(text));
    expect((await load(store)).last(0)).toBeUndefined();
  }
  store.values.set(key, utf8(sound));
  expect((await load(store)).last(0)).toBe(4);
  await forgetPositions(store, "upper");
  expect((await load(store)).last(0)).toBeUndefined();
});
