import { describe, expect, test } from "bun:test";
import { fuzz } from "../fuzz/fuzz.ts";
import { MemoryBound, MemoryGrowthError, peakMemory } from "../fuzz/memory.ts";
import type { FuzzTarget } from "../fuzz/target.ts";
import { fuzzTargets } from "../fuzz/targets.ts";

/* A short run of each; scripts/fuzz has the long ones. */

const DEADLINE_MS = 120_000;

test.each(fuzzTargets.map((target) => [target.name, target] as const))(
  "%s takes whatever comes",
  async (_name, target) => {
    target.state?.renew();
    for (const sample of target.samples) await target.read(sample, { next: () => 0.5 });
    const { failure, accepted } = await fuzz(target, { seed: 1, inputs: target.state === undefined ? 2000 : 500 });
    expect(failure).toBeUndefined();
    // Some must get through the first checks, or nothing behind them is ever tried.
    expect(accepted).toBeGreaterThan(0);
  },
  DEADLINE_MS,
);

test("names are one of a kind", () => {
  expect(new Set(fuzzTargets.map(({ name }) => name)).size).toBe(fuzzTargets.length);
});

class Refusal extends Error {}

test("a decoder that reads beyond its input is found, and found again by seed and number", async () => {
  const target: FuzzTarget = {
    name: "careless",
    samples: [Uint8Array.of(2, 7, 7)],
    read(input) {
      const length = input[0];
      if (length === undefined || length > 100) throw new Refusal("too long");
      for (let at = 1; at <= length; at++) if (input[at] === undefined) throw new TypeError("beyond the end");
    },
    refusals: [Refusal],
  };
  const { failure } = await fuzz(target, { seed: 3, inputs: 10_000 });
  expect(failure?.error).toBeInstanceOf(TypeError);
  const again = await fuzz(target, { seed: 3, inputs: 1, from: failure!.number });
  expect(again.failure?.input).toEqual(failure!.input);
});

describe("memory", () => {
  const MIB = 1024 * 1024;
  const target = (read: FuzzTarget["read"]): FuzzTarget => ({
    name: "greedy",
    samples: [Uint8Array.of(1, 2, 3)],
    read,
    refusals: [],
  });

  test("that a decoder keeps from each input is found", async () => {
    let heldBytes = 0;
    const memory = new MemoryBound(100 * MIB, () => ({ resident: heldBytes, mapped: 0 }));
    const holding = target(() => void (heldBytes += 20_000));
    const { failure } = await fuzz(holding, { seed: 1, inputs: 10_000, memory });
    expect(failure?.error).toBeInstanceOf(MemoryGrowthError);
    expect((await fuzz(holding, { seed: 1, inputs: 1000 })).failure).toBeUndefined();
  });

  test("that is asked for by a length which an input claims is found, though it is never written to", async () => {
    const claiming = target(() => void new Uint8Array(4096 * MIB));
    // What this process had taken before may hide some of it.
    const memory = new MemoryBound(0);
    const before = peakMemory().mapped;
    await Promise.resolve(claiming.read(Uint8Array.of(), { next: () => 0.5 }));
    expect(peakMemory().mapped).toBeGreaterThan(before);
    expect(() => memory.check()).toThrow(MemoryGrowthError);
  });

  test(
    "that zlib frees with the event loop alone is not taken for a decoder's",
    async () => {
      const unpacking = fuzzTargets.filter(({ name }) => name === "kafka/packed with gzip");
      expect(unpacking).toHaveLength(1);
      for (const each of unpacking) {
        // Without a turn of the event loop these would take 20 kB each.
        const { failure } = await fuzz(each, { seed: 1, inputs: 30_000, memory: new MemoryBound(300 * MIB) });
        expect(failure).toBeUndefined();
      }
    },
    DEADLINE_MS,
  );
});
