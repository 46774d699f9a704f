import { expect, test } from "bun:test";
import { seededRandom } from "../../src/base/random.ts";
import { kindOfFault, schedule, targets } from "./schedule.ts";

function first(count: number, seed: number, target: (typeof targets)[number]) {
  const plan = schedule(target, seededRandom(seed));
  return Array.from({ length: count }, () => plan.next().value);
}

test("a seed gives the same faults for ever, another one others", () => {
  expect(first(20, 7, "all")).toEqual(first(20, 7, "all"));
  expect(first(20, 7, "all")).not.toEqual(first(20, 8, "all"));
});

test("every kind of fault of a target comes up", () => {
  const counts = targets.map((target) => new Set(first(500, 1, target).map(({ fault }) => kindOfFault(fault))).size);
  expect(counts).toEqual([5, 4, 5, 6, 16, 6]);
});

test("a scheduler is killed only where it is at risk", () => {
  for (const target of ["executors", "agents", "engines"] as const) {
    const kinds = first(500, 1, target).map(({ fault }) => kindOfFault(fault));
    expect(kinds.filter((kind) => /scheduler|everything/.test(kind))).toEqual([]);
  }
});
