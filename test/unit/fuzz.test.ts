import { expect, test } from "bun:test";
import { fuzz } from "../fuzz/fuzz.ts";
import type { FuzzTarget } from "../fuzz/target.ts";
import { fuzzTargets } from "../fuzz/targets.ts";

/* A short run of each; scripts/fuzz has the long ones. */

test.each(fuzzTargets.map((target) => [target.name, target] as const))("%s takes whatever comes", (_name, target) => {
  for (const sample of target.samples) target.read(sample, { next: () => 0.5 });
  const { failure, accepted } = fuzz(target, { seed: 1, inputs: 2000 });
  expect(failure).toBeUndefined();
  // Some must get through the first checks, or nothing behind them is ever tried.
  expect(accepted).toBeGreaterThan(0);
});

test("names are one of a kind", () => {
  expect(new Set(fuzzTargets.map(({ name }) => name)).size).toBe(fuzzTargets.length);
});

class Refusal extends Error {}

test("a decoder that reads beyond its input is found, and found again by seed and number", () => {
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
  const { failure } = fuzz(target, { seed: 3, inputs: 10_000 });
  expect(failure?.error).toBeInstanceOf(TypeError);
  const again = fuzz(target, { seed: 3, inputs: 1, from: failure!.number });
  expect(again.failure?.input).toEqual(failure!.input);
});
