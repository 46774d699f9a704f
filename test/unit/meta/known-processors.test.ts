import { expect, test } from "bun:test";
import { utf8 } from "../../../src/base/bytes.ts";
import { silentLogger } from "../../../src/base/log.ts";
import { KnownProcessors } from "../../../src/meta/known-processors.ts";
import { MemoryStore } from "../../../src/state/memory-store.ts";
import { processorSpec } from "../../support/specs.ts";

test("the next life learns which processors ran", async () => {
  const store = new MemoryStore();
  const specs = [processorSpec({ name: "one" }), processorSpec({ name: "two" })];
  await new KnownProcessors(store, silentLogger).save(specs);
  expect(await new KnownProcessors(store, silentLogger).load()).toEqual(specs);
});

test("a list that is damaged or of another release is ignored, and does not keep the scheduler from starting", async () => {
  const texts = [
    "",
    "{",
    "null",
    "[]",
    '{"version":1,"processors":[]}',
    '{"version":2}',
    '{"version":2,"processors":3}',
  ];
  for (const text of texts) {
    const store = new MemoryStore();
    await store.write("processors", utf8(text));
    expect(await new KnownProcessors(store, silentLogger).load()).toEqual([]);
  }
  const store = new MemoryStore();
  await store.write("processors", Uint8Array.of(0xff, 0xfe));
  expect(await new KnownProcessors(store, silentLogger).load()).toEqual([]);
});
