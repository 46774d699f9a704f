import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { seededRandom } from "../../../src/base/random.ts";
import { Allocator } from "../../../src/local/mesos/master/allocator.ts";
import { FilterList, refuseMs } from "../../../src/local/mesos/master/filters.ts";
import { Resources } from "../../../src/local/mesos/resources.ts";
import type { AgentId, FrameworkId } from "../../../src/mesos/types.ts";

const a1 = "a1" as AgentId;
const [f1, f2] = ["f1", "f2"] as FrameworkId[] as [FrameworkId, FrameworkId];

function size(cpus: number, memMb: number): Resources {
  return Resources.of([
    { name: "cpus", type: "SCALAR", scalar: { value: cpus } },
    { name: "mem", type: "SCALAR", scalar: { value: memMb } },
  ]);
}

function allocator(...frameworks: FrameworkId[]): Allocator {
  const result = new Allocator(seededRandom(1));
  result.addAgent(a1, size(4, 4000));
  for (const id of frameworks) {
    result.setFramework(id, ["*"], []);
    result.activate(id);
  }
  return result;
}

function runs(of: Allocator, nowMs = 0): string[] {
  return of.allocate(nowMs).map(({ frameworkId, resources }) => `${frameworkId} ${resources.print(null)}`);
}

describe("a run", () => {
  test("gives all that is free on an agent to one framework, once", () => {
    const of = allocator(f1, f2);
    expect(runs(of)).toEqual(["f1 cpus:4; mem:4000"]);
    expect(runs(of)).toEqual([]);
  });

  test("prefers the framework with the smaller dominant share", () => {
    const of = allocator(f1, f2);
    const [first] = of.allocate(0);
    of.release({ ...first!, resources: size(3, 3000) });
    expect(runs(of)).toEqual(["f2 cpus:3; mem:3000"]);
  });

  test("counts what a framework has of a role that it gave up and took again", () => {
    const of = allocator(f1, f2);
    const [first] = of.allocate(0);
    of.setFramework(f1, ["other"], []);
    of.setFramework(f1, ["*"], []);
    of.release({ ...first!, resources: size(3, 3000) });
    expect(runs(of)).toEqual(["f2 cpus:3; mem:3000"]);
  });

  test("passes over frameworks that are suppressed or not connected", () => {
    const of = allocator(f1, f2);
    of.suppress(f1, []);
    of.deactivate(f2);
    expect(runs(of)).toEqual([]);
    of.revive(f1, []);
    expect(runs(of)).toEqual(["f1 cpus:4; mem:4000"]);
  });

  test("does not offer crumbs: less than 0.01 cpus and less than 32 MB", () => {
    const of = allocator(f1);
    const [all] = of.allocate(0);
    of.release({ ...all!, resources: size(0.009, 31) });
    expect(runs(of)).toEqual([]);
    of.release({ ...all!, resources: size(0, 1) });
    expect(runs(of)).toEqual(["f1 cpus:0.009; mem:32"]);
  });
});

describe("a filter", () => {
  test("hides what is contained in the refused resources, and lets more pass at once", () => {
    const of = allocator(f1);
    const [all] = of.allocate(0);
    of.release({ ...all!, resources: size(2, 2000) }, 5000);
    expect(runs(of, 1000)).toEqual([]);
    of.release({ ...all!, resources: size(1, 1000) });
    expect(runs(of, 1000)).toEqual(["f1 cpus:3; mem:3000"]);
  });

  test("ends with its time, with REVIVE and with the connection", () => {
    const refused = (): Allocator => {
      const of = allocator(f1);
      of.release(of.allocate(0)[0]!, 5000);
      return of;
    };
    expect(runs(refused(), 4999)).toEqual([]);
    expect(runs(refused(), 5000)).toHaveLength(1);
    const revived = refused();
    revived.revive(f1, []);
    expect(runs(revived, 1)).toHaveLength(1);
    const reconnected = refused();
    reconnected.deactivate(f1);
    reconnected.activate(f1);
    expect(runs(reconnected, 1)).toHaveLength(1);
  });

  test("of one framework does not concern another", () => {
    const of = allocator(f1, f2);
    of.release(of.allocate(0)[0]!, 5000);
    expect(runs(of, 1)).toEqual(["f2 cpus:4; mem:4000"]);
  });

  test("blocks as all filters ever added would, though it forgets those that others imply", () => {
    const filter = fc.record({ cpus: fc.nat(4), mem: fc.nat(4), untilMs: fc.nat(10) });
    fc.assert(
      fc.property(
        fc.array(filter, { maxLength: 12 }),
        fc.nat(4),
        fc.nat(4),
        fc.nat(10),
        (filters, cpus, mem, nowMs) => {
          const list = new FilterList();
          for (const each of filters) list.add(size(each.cpus, each.mem), each.untilMs);
          const naive = filters.some((each) => each.untilMs > nowMs && each.cpus >= cpus && each.mem >= mem);
          expect(list.blocks(size(cpus, mem), nowMs)).toBe(naive);
        },
      ),
    );
  });
});

describe("refuse_seconds", () => {
  test.each([
    [undefined, 5000],
    [{}, 5000],
    [{ refuseSeconds: -1 }, 5000],
    [{ refuseSeconds: Number.NaN }, 5000],
    [{ refuseSeconds: 0 }, undefined],
    [{ refuseSeconds: 0.1 }, 1000],
    [{ refuseSeconds: 60 }, 60_000],
    [{ refuseSeconds: 1e12 }, 365 * 86_400_000],
  ])("%j lasts %p ms", (filters, ms) => {
    expect(refuseMs(filters, 1000)).toBe(ms);
  });
});
