import { expect, test } from "bun:test";
import { showUtf8, utf8 } from "../../../src/base/bytes.ts";
import { silentLogger } from "../../../src/base/log.ts";
import { forgetMember, StoredMember } from "../../../src/meta/stored-member.ts";
import { MemoryStore } from "./fakes.ts";

const key = "processors/upper/member";

class CountingStore extends MemoryStore {
  writes = 0;
  failing = false;

  override async write(at: string, value: Uint8Array): Promise<void> {
    this.writes++;
    if (this.failing) throw new Error("disk full");
    await super.write(at, value);
  }
}

function load(store: CountingStore, group = "g"): Promise<StoredMember> {
  return StoredMember.load({ store, processor: "upper", group, log: silentLogger });
}

test("the next life learns who the last one was, and each id is written once", async () => {
  const store = new CountingStore();
  const first = await load(store);
  expect(first.former).toBeUndefined();
  for (const member of ["a", "a", "b", "b", "b"]) first.joined(member);
  await first.close();
  expect(store.writes).toBe(2);
  expect(showUtf8(store.values.get(key)!)).toBe('{"version":1,"group":"g","member":"b"}');

  const second = await load(store);
  expect(second.former).toBe("b");
  second.joined("c");
  expect(second.former).toBe("b");
  await second.close();
  expect((await load(store)).former).toBe("c");
});

test("a member of another group is none of ours", async () => {
  const store = new CountingStore();
  const first = await load(store);
  first.joined("a");
  await first.close();
  expect((await load(store, "other")).former).toBeUndefined();
});

test("what cannot be stored or read counts as nothing", async () => {
  const store = new CountingStore();
  store.failing = true;
  const first = await load(store);
  first.joined("a");
  await first.close();
  expect(store.writes).toBe(1);
  const sound = '{"version":1,"group":"g","member":"a"}';
  for (const text of ["", "{", "[]", sound.replace("1", "2"), sound.replace('"a"', "7"), sound.replace('"a"', '""')]) {
    store.values.set(key, utf8(text));
    expect((await load(store)).former).toBeUndefined();
  }
  store.values.set(key, utf8(sound));
  expect((await load(store)).former).toBe("a");
  await forgetMember(store, "upper");
  expect((await load(store)).former).toBeUndefined();
});
