import { describe, expect, test } from "bun:test";
import { utf8 } from "../../../src/base/bytes.ts";
import { AgentRegistry } from "../../../src/local/mesos/master/agent-registry.ts";
import type { AgentId } from "../../../src/mesos/types.ts";
import { MemoryStore } from "../../../src/state/memory-store.ts";
import { rejection } from "../../support/rejection.ts";

const [a, b, c] = ["a", "b", "c"] as AgentId[] as [AgentId, AgentId, AgentId];

/** A store whose writes wait until the test lets them happen, or fails them. */
class GatedStore extends MemoryStore {
  readonly writes: { readonly go: () => void; readonly fail: (error: Error) => void }[] = [];

  override async write(key: string, value: Uint8Array): Promise<void> {
    await new Promise<void>((resolve, reject) => this.writes.push({ go: resolve, fail: reject }));
    await super.write(key, value);
  }
}

describe("the registry of agents", () => {
  test("is empty at first, and tells the next master of all that were admitted", async () => {
    const store = new MemoryStore();
    const registry = await AgentRegistry.load(store);
    expect(registry.registered).toEqual({ agents: [], gone: [] });
    await Promise.all([registry.admit(b), registry.admit(a)]);
    expect((await AgentRegistry.load(store)).registered).toEqual({ agents: [a, b], gone: [] });
  });

  test("forgets who is not kept, and remembers who is gone", async () => {
    const store = new MemoryStore();
    const registry = await AgentRegistry.load(store);
    await registry.admit(a);
    await registry.admit(b);
    await registry.keep({ agents: [b], gone: [a] });
    expect((await AgentRegistry.load(store)).registered).toEqual({ agents: [b], gone: [a] });
    expect([registry.has(a), registry.has(b)]).toEqual([false, true]);
  });

  test("has an agent only once it is written down", async () => {
    const store = new GatedStore();
    const registry = await AgentRegistry.load(store);
    const admitted = registry.admit(a);
    await Promise.resolve();
    expect(registry.has(a)).toBe(false);
    store.writes[0]!.go();
    await admitted;
    expect(registry.has(a)).toBe(true);
  });

  test("keeps who is being admitted, though the master does not have him yet", async () => {
    const store = new GatedStore();
    const registry = await AgentRegistry.load(store);
    const admitted = registry.admit(a);
    await Promise.resolve();
    const kept = registry.keep({ agents: [c], gone: [] });
    store.writes[0]!.go();
    await admitted;
    await Promise.resolve();
    store.writes[1]!.go();
    await kept;
    expect((await AgentRegistry.load(store)).registered.agents).toEqual([a, c]);
  });

  test("writes again what could not be written", async () => {
    const store = new GatedStore();
    const registry = await AgentRegistry.load(store);
    const refused = rejection(registry.admit(a));
    await Promise.resolve();
    store.writes[0]!.fail(new Error("the disk is full"));
    expect(String(await refused)).toContain("the disk is full");
    const admitted = registry.admit(a);
    while (store.writes.length < 2) await Promise.resolve();
    store.writes[1]!.go();
    await admitted;
    expect((await AgentRegistry.load(store)).registered.agents).toEqual([a]);
  });

  test.each(["{", "{}", '{"version":2,"agents":[],"gone":[]}', '{"version":1,"agents":[7],"gone":[]}'])(
    "that reads %s is refused",
    async (text) => {
      const store = new MemoryStore();
      await store.write("agents", utf8(text));
      expect(String(await rejection(AgentRegistry.load(store)))).toContain("Cannot read the registry of agents");
    },
  );
});
