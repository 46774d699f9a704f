import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { normalize, rangesContain, subtractRanges } from "../../../src/local/mesos/ranges.ts";
import { Resources, resourceProblem } from "../../../src/local/mesos/resources.ts";
import type { Resource } from "../../../src/mesos/types.ts";

const scalar = (name: string, value: number): Resource => ({ name, type: "SCALAR", scalar: { value } });
const ports = (...pairs: (readonly [number, number])[]): Resource => ({
  name: "ports",
  type: "RANGES",
  ranges: { range: pairs.map(([begin, end]) => ({ begin, end })) },
});

describe("scalars", () => {
  test("are added and taken away in thousandths, without binary dust", () => {
    let rest = Resources.of([scalar("cpus", 1)]);
    for (let i = 0; i < 10; i++) rest = rest.minus(Resources.of([scalar("cpus", 0.1)]));
    expect(rest.isEmpty).toBe(true);
  });

  test("of one name and different reservations stand side by side", () => {
    const reserved = { ...scalar("cpus", 1), reservations: [{ type: "STATIC" as const, role: "r" }] };
    const both = Resources.of([scalar("cpus", 2), reserved]);
    expect(both.contains(Resources.of([scalar("cpus", 3)]))).toBe(false);
    expect(both.toList({ allocationRole: null, legacyRole: false })).toHaveLength(2);
  });

  test("of 0 are nothing", () => {
    expect(Resources.of([scalar("cpus", 0)]).isEmpty).toBe(true);
  });

  test("print as Mesos prints them", () => {
    const all = Resources.of([scalar("cpus", 2), scalar("mem", 1024.5), ports([31_000, 31_001], [31_005, 31_005])]);
    expect(all.print("*")).toBe(
      "ports(allocated: *):[31000-31001, 31005-31005]; cpus(allocated: *):2; mem(allocated: *):1024.5",
    );
    expect(Resources.none.print("*")).toBe("{}");
  });
});

test("what was taken from a collection that contains it can be put back", () => {
  const amount = fc.integer({ min: 0, max: 5000 }).map((thousandths) => thousandths / 1000);
  fc.assert(
    fc.property(amount, amount, amount, amount, (a, b, c, d) => {
      const whole = Resources.of([scalar("cpus", a + b), scalar("mem", c + d)]);
      const part = Resources.of([scalar("cpus", b), scalar("mem", d)]);
      expect(whole.contains(part)).toBe(true);
      expect(whole.minus(part).plus(part).equals(whole)).toBe(true);
    }),
  );
});

describe("ranges agree with sets of numbers", () => {
  const range = fc.tuple(fc.nat(30), fc.nat(6)).map(([begin, length]) => ({ begin, end: begin + length }));
  const list = fc.array(range, { maxLength: 5 });
  const numbers = (ranges: readonly { begin: number; end: number }[]): Set<number> =>
    new Set(ranges.flatMap(({ begin, end }) => Array.from({ length: end - begin + 1 }, (_, i) => begin + i)));

  test("in union, difference and inclusion", () => {
    fc.assert(
      fc.property(list, list, (a, b) => {
        const [left, right] = [normalize(a), normalize(b)];
        expect(numbers(left)).toEqual(numbers(a));
        expect(numbers(normalize([...left, ...right]))).toEqual(numbers(a).union(numbers(b)));
        expect(numbers(subtractRanges(left, right))).toEqual(numbers(a).difference(numbers(b)));
        expect(rangesContain(left, right)).toBe(numbers(b).isSubsetOf(numbers(a)));
      }),
    );
  });
});

describe("a malformed resource", () => {
  test.each([
    [scalar("cpus", -1), "Resource 'cpus:-1' is invalid: Invalid scalar resource: value <= 0"],
    [scalar("cpus", 0.0001), "Resource 'cpus:0' is invalid: Invalid scalar resource: value <= 0"],
    [scalar("", 1), "Resource ':1' is invalid: Empty resource name"],
    [{ name: "cpus", type: "SCALAR" }, "Resource 'cpus:0' is invalid: Invalid scalar resource"],
    [ports([2, 1]), "Resource 'ports:[2-1]' is invalid: Invalid ranges resource: begin > end"],
    [ports([1, 5], [5, 6]), "Resource 'ports:[1-5, 5-6]' is invalid: Invalid ranges resource: overlapping ranges"],
    [
      { name: "x", type: "SET", set: { item: ["a", "a"] } },
      "Resource 'x:{a, a}' is invalid: Invalid set resource: duplicated elements",
    ],
    [{ name: "x", type: "TEXT" }, "Resource 'x:' is invalid: Unsupported resource type"],
    [
      { ...scalar("mem", 1), disk: {}, allocationInfo: { role: "a" } },
      "Resource 'mem(allocated: a):1' is invalid: DiskInfo should not be set for mem resource",
    ],
    [{ ...scalar("mem", 1), role: "/a" }, "Resource 'mem:1' is invalid: Role '/a' cannot start with a slash"],
    [
      { ...scalar("mem", 1), reservations: [{ role: "*" }] },
      "Resource 'mem:1' is invalid: Invalid reservation: role \"*\" cannot be reserved",
    ],
    [{ ...scalar("mem", 1), role: "a/b", reservations: [{ role: "a" }] }, undefined],
    [scalar("cpus", 0), undefined],
  ] satisfies [Resource, string | undefined][])("%j: %s", (resource, problem) => {
    expect(resourceProblem(resource)).toBe(problem);
  });
});
