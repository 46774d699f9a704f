import { test } from "bun:test";
import fc from "fast-check";
import { World } from "./model-world.ts";

test("whatever breaks, no task runs twice without a cause, no result is lost, and all is tidy in the end", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 31 }), fc.integer({ min: 50, max: 1500 }), (seed, steps) => {
      new World(seed).run(steps);
    }),
    { numRuns: 100 },
  );
});
