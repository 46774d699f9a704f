import { expect, test } from "bun:test";
import { utf8 } from "../../../src/base/bytes.ts";
import type { FrameworkId } from "../../../src/mesos/types.ts";
import type { FormerFramework } from "../../../src/meta/former-framework.ts";
import { forgetIdentity, type Identity, saveIdentity, takeIdentity } from "../../../src/meta/identity.ts";
import { rejection } from "../../support/rejection.ts";
import { MemoryStore } from "./fakes.ts";

const wallMs = 1_800_000_000_500;
const id = "f-0001" as FrameworkId;

/** How often the master was asked, beside what came of it. */
async function take(store: MemoryStore, found?: FormerFramework): Promise<Identity & { readonly asked: number }> {
  let asked = 0;
  const lookUp = async (): Promise<FormerFramework | undefined> => {
    asked++;
    return found;
  };
  return { ...(await takeIdentity({ store, processor: "upper", lookUp, wallMs })), asked };
}

test("the epoch is raised, and stored, at each start; a stored id needs no master", async () => {
  const store = new MemoryStore();
  expect(await take(store)).toEqual({ frameworkId: undefined, epoch: 1, asked: 1 });
  await saveIdentity(store, "upper", { frameworkId: id, epoch: 1 });
  expect(await take(store)).toEqual({ frameworkId: id, epoch: 2, asked: 0 });
  expect(await take(store)).toEqual({ frameworkId: id, epoch: 3, asked: 0 });
});

test("a framework that was found again goes on with an epoch above all that it ever had", async () => {
  const seconds = wallMs / 1000;
  const epochAfter = async (lastEpoch: number, storedEpoch?: number): Promise<number> => {
    const store = new MemoryStore();
    if (storedEpoch !== undefined) await saveIdentity(store, "upper", { frameworkId: undefined, epoch: storedEpoch });
    const { frameworkId, epoch } = await take(store, { id, lastEpoch });
    expect(frameworkId).toBe(id);
    expect(await take(store)).toEqual({ frameworkId: id, epoch: epoch + 1, asked: 0 });
    return epoch;
  };
  expect(await epochAfter(0)).toBe(Math.floor(seconds));
  expect(await epochAfter(12)).toBe(Math.floor(seconds));
  expect(await epochAfter(2_000_000_000)).toBe(2_000_000_001);
  expect(await epochAfter(12, 2_000_000_000)).toBe(2_000_000_001);
});

test("an id that was never stored is looked for at each start", async () => {
  const store = new MemoryStore();
  await take(store);
  await take(store);
  expect(await take(store)).toEqual({ frameworkId: undefined, epoch: 3, asked: 1 });
  await forgetIdentity(store, "upper");
  expect((await take(store)).epoch).toBe(1);
});

test("an identity that cannot be read stops the start: a new framework would run everything again", async () => {
  const store = new MemoryStore();
  for (const text of ["{", '{"version":2,"epoch":1}', '{"version":1,"epoch":"1"}']) {
    store.values.set("processors/upper/identity", utf8(text));
    expect(await rejection(take(store))).toMatchObject({ code: "identity-unreadable" });
  }
});

test.each(["-1", "1e300", "1.5", "null", '"1"'])(
  "a stored epoch of %s is refused: what runs would be launched again",
  async (epoch) => {
    const store = new MemoryStore();
    await store.write("processors/upper/identity", utf8(`{"version":1,"frameworkId":"f","epoch":${epoch}}`));
    expect(String(await rejection(take(store)))).toContain(`epoch is ${JSON.stringify(JSON.parse(epoch))}`);
  },
);
