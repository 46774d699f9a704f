import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { AgentId, Attribute, Offer, OfferId, Resource } from "../../../src/mesos/types.ts";
import { type Host, type Placement, place, type WaitingGroup } from "../../../src/placement/place.ts";
import { fits, minus, nothing, offered, plus, type Quantities, quantities } from "../../../src/placement/quantities.ts";
import { foldObstacles } from "../../../src/placement/reasons.ts";
import {
  brokenConstraint,
  type Constraint,
  type ExecutorNeed,
  executorCharge,
  makeShape,
  type Shape,
} from "../../../src/placement/shape.ts";

function scalar(name: string, value: number, extra: Partial<Resource> = {}): Resource {
  return { name, type: "SCALAR", scalar: { value }, ...extra };
}

function host(name: string, cpus: number, memMb: number, extra: Partial<Host> & { rack?: string } = {}): Host {
  const agentId = `agent-${name}` as AgentId;
  const { rack, ...rest } = extra;
  const attributes: Attribute[] = rack === undefined ? [] : [{ name: "rack", type: "TEXT", text: { value: rack } }];
  const offer = {
    id: `offer-${name}` as OfferId,
    agentId,
    hostname: name,
    resources: [scalar("cpus", cpus), scalar("mem", memMb)],
  } as unknown as Offer;
  return {
    agentId,
    hostname: name,
    attributes,
    offers: [offer],
    inUse: nothing,
    executors: new Map(),
    pause: undefined,
    ...rest,
  };
}

function shape(cpus: number, memMb: number, extra: Partial<Omit<Shape, "id" | "resources">> = {}): Shape {
  return makeShape({ resources: quantities({ cpus, memMb }), executor: null, constraints: [], ...extra });
}

function executorNeed(key: string, cpus: number, memMb: number, slots = Infinity): ExecutorNeed {
  return { key, resources: quantities({ cpus, memMb }), slots };
}

function group(of: Shape, ...orders: number[]): WaitingGroup {
  return { shape: of, waiting: orders.map((order) => ({ key: `task-${order}`, order })) };
}

function hostsOf(placement: Placement): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { hostname, launches } of placement.accepts) for (const { key } of launches) found[key] = hostname;
  return found;
}

describe("placement", () => {
  test("fills the fullest host first and breaks ties by host name", () => {
    const hosts = [
      host("b", 4, 4000),
      host("a", 4, 4000),
      host("c", 4, 4000, { inUse: quantities({ cpus: 4, memMb: 4000 }) }),
    ];
    const placement = place({ hosts, groups: [group(shape(1, 1000), 1, 2, 3, 4, 5)], nowMs: 0 });
    expect(hostsOf(placement)).toEqual({ "task-1": "c", "task-2": "c", "task-3": "c", "task-4": "c", "task-5": "a" });
    expect(placement.declines).toEqual([
      { agentId: "agent-b" as AgentId, offerIds: ["offer-b" as OfferId], refuseSeconds: null },
    ]);
  });

  test("computes in thousandths: 0.1 and 0.2 fit where 0.3 is free", () => {
    const placement = place({
      hosts: [host("a", 0.3, 64)],
      groups: [group(shape(0.1, 32), 1), group(shape(0.2, 32), 2)],
      nowMs: 0,
    });
    expect(Object.keys(hostsOf(placement))).toEqual(["task-1", "task-2"]);
    expect(placement.accepts[0]?.launches.map(({ resources }) => resources)).toEqual([
      [scalar("cpus", 0.1), scalar("mem", 32)],
      [scalar("cpus", 0.2), scalar("mem", 32)],
    ]);
  });

  test("charges the executor once per agent, and not where it runs already", () => {
    const executor = executorNeed("e", 0.5, 100);
    const hosts = [host("a", 2.5, 1000), host("b", 2, 1000, { executors: new Map([["e", 1]]) })];
    const placement = place({ hosts, groups: [group(shape(1, 100, { executor }), 1, 2, 3, 4, 5)], nowMs: 0 });
    const launches = Object.fromEntries(placement.accepts.map((accept) => [accept.hostname, accept.launches]));
    expect(launches["a"]?.map((launch) => launch.executorResources)).toEqual([
      [scalar("cpus", 0.5), scalar("mem", 100)],
      null,
    ]);
    expect(launches["b"]?.map((launch) => launch.executorResources)).toEqual([null, null]);
    expect(placement.unplaced).toHaveLength(1);
  });

  test("gives an executor no more tasks than it takes at once, and starts no second one beside it", () => {
    const wanted = shape(0.1, 0, { executor: executorNeed("e", 0.1, 500, 2) });
    const hosts = [host("a", 9, 9000), host("b", 9, 9000, { executors: new Map([["e", 1]]) })];
    const placement = place({ hosts, groups: [group(wanted, 1, 2, 3, 4, 5)], nowMs: 0 });
    const launches = Object.fromEntries(placement.accepts.map((accept) => [accept.hostname, accept.launches.length]));
    expect(launches).toEqual({ a: 2, b: 1 });
    const obstacles = placement.unplaced.flatMap((one) => one.obstacles.map(({ obstacle }) => obstacle));
    expect(foldObstacles(wanted, obstacles, 0)).toBe(
      "needs 0.1 cpus, 0 MB (and 0.1 cpus, 500 MB for an executor): 2 hosts with all 2 runs that take place there at once",
    );
  });

  test("spends reserved resources first and names the reservation", () => {
    const reservations = [{ type: "STATIC" as const, role: "brigade" }];
    const one = host("a", 0, 0);
    const offers = [
      { ...one.offers[0], resources: [scalar("cpus", 1), scalar("mem", 100), scalar("cpus", 1, { reservations })] },
      { ...one.offers[0], id: "offer-2" as OfferId, resources: [scalar("cpus", 1), scalar("mem", 100)] },
    ] as Offer[];
    const placement = place({ hosts: [{ ...one, offers }], groups: [group(shape(2.5, 150), 1)], nowMs: 0 });
    expect(placement.accepts[0]?.offerIds).toEqual(["offer-a" as OfferId, "offer-2" as OfferId]);
    expect(placement.accepts[0]?.launches[0]?.resources).toEqual([
      scalar("cpus", 1, { reservations }),
      scalar("cpus", 1.5),
      scalar("mem", 150),
    ]);
  });

  test("leaves revocable, shared and volume resources alone", () => {
    const extras = [{ revocable: {} }, { shared: {} }, { disk: {} }];
    const one = host("a", 0, 0);
    const resources = extras.map((extra) => scalar("cpus", 8, extra));
    const hosts = [{ ...one, offers: [{ ...one.offers[0], resources }] as Offer[] }];
    expect(place({ hosts, groups: [group(shape(1, 0), 1)], nowMs: 0 }).accepts).toEqual([]);
  });

  test("writes a task without needs as zero cpus, since Mesos refuses a task without resources", () => {
    const placement = place({ hosts: [host("a", 1, 1)], groups: [group(shape(0, 0), 1)], nowMs: 0 });
    expect(placement.accepts[0]?.launches[0]?.resources).toEqual([scalar("cpus", 0)]);
  });

  test("a request that fits nowhere holds up no other", () => {
    const placement = place({
      hosts: [host("a", 2, 1000)],
      groups: [group(shape(4, 100), 1), group(shape(1, 100), 2, 3, 4)],
      nowMs: 0,
    });
    expect(Object.keys(hostsOf(placement))).toEqual(["task-2", "task-3"]);
  });

  test("reads no more of a queue than there is room for", () => {
    let read = 0;
    const waiting = {
      *[Symbol.iterator]() {
        for (;;) {
          read++;
          yield { key: `task-${read}`, order: read };
        }
      },
    };
    const placement = place({ hosts: [host("a", 3, 300)], groups: [{ shape: shape(1, 100), waiting }], nowMs: 0 });
    expect(placement.accepts[0]?.launches).toHaveLength(3);
    expect(read).toBe(4);
  });

  test.each<[string, Constraint, string | undefined]>([
    ["host name", { attribute: null, value: "b" }, "b"],
    ["attribute", { attribute: "rack", value: "r2" }, "b"],
    ["attribute that no host has", { attribute: "zone", value: "z" }, undefined],
  ])("keeps to a constraint on the %s", (_, constraint, expected) => {
    const hosts = [host("a", 4, 4000, { rack: "r1" }), host("b", 4, 4000, { rack: "r2" })];
    const placement = place({ hosts, groups: [group(shape(1, 1, { constraints: [constraint] }), 1)], nowMs: 0 });
    expect(hostsOf(placement)["task-1"]).toBe(expected as string);
  });

  test("a number as attribute equals its text", () => {
    const attributes: Attribute[] = [{ name: "level", type: "SCALAR", scalar: { value: 10 } }];
    const constraints = [{ attribute: "level", value: "10" }];
    const hosts = [{ ...host("a", 1, 100), attributes }];
    expect(place({ hosts, groups: [group(shape(1, 1, { constraints }), 1)], nowMs: 0 }).accepts).toHaveLength(1);
  });

  test("refuses what it cannot use for as long as the reason lasts", () => {
    const hosts = [
      host("paused", 9, 9000, { pause: { untilMs: 4500, reason: "executor ended" } }),
      host("small", 1, 9000),
      host("wrong", 9, 9000, { rack: "r2" }),
    ];
    const wanted = shape(4, 100, { constraints: [{ attribute: "rack", value: "r1" }] });
    const placement = place({ hosts, groups: [group(wanted, 1), group(shape(20, 1), 2)], nowMs: 1000 });
    expect(placement.declines.map(({ agentId, refuseSeconds }) => [agentId as string, refuseSeconds])).toEqual([
      ["agent-paused", 4],
      ["agent-small", 60],
      ["agent-wrong", 60],
    ]);
    const [first] = place({ hosts: [host("wrong", 9, 9000)], groups: [group(wanted, 1)], nowMs: 0 }).declines;
    expect(first?.refuseSeconds).toBe(300);
  });
});

describe("reasons", () => {
  test("are folded over hosts", () => {
    const wanted = shape(4, 512, { constraints: [{ attribute: "rack", value: "r1" }] });
    const hosts = [
      host("a", 2.5, 4000, { rack: "r1" }),
      host("b", 1, 4000, { rack: "r1" }),
      host("c", 8, 100, { rack: "r1" }),
      host("d", 8, 4000),
      host("e", 8, 4000, { pause: { untilMs: 31_000, reason: "Executor terminated" } }),
    ];
    const [unplaced] = place({ hosts, groups: [group(wanted, 1)], nowMs: 1000 }).unplaced;
    const obstacles = unplaced?.obstacles.map(({ obstacle }) => obstacle) ?? [];
    expect(foldObstacles(wanted, obstacles, 1000)).toBe(
      "needs 4 cpus, 512 MB: 2 hosts short of cpus (best 2.5), 1 host short of mem (best 100 MB), 1 host rack≠r1, " +
        "1 host paused for 30s (Executor terminated)",
    );
  });

  test("are given without any offer, too", () => {
    const wanted = shape(1, 64, { executor: executorNeed("e", 0.1, 32) });
    expect(place({ hosts: [], groups: [group(wanted, 1)], nowMs: 0 }).unplaced).toHaveLength(1);
    expect(foldObstacles(wanted, [], 0)).toBe(
      "needs 1 cpus, 64 MB (and 0.1 cpus, 32 MB for an executor): no host offers anything",
    );
  });
});

// ------------------------------------------------------------------------------------------------- a naive model

interface NaiveRoom {
  readonly host: Host;
  free: Quantities;
  readonly executors: Map<string, number>;
}

/** Every request looks at every host. */
function placeNaively(hosts: readonly Host[], groups: readonly WaitingGroup[], nowMs: number): Record<string, string> {
  const rooms: NaiveRoom[] = hosts.map((one) => ({
    host: one,
    free: offered(one.offers),
    executors: new Map(one.executors),
  }));
  const queue = groups
    .flatMap((one) => [...one.waiting].map((waiting) => ({ ...waiting, shape: one.shape })))
    .sort((a, b) => a.order - b.order);
  const found: Record<string, string> = {};
  for (const request of queue) {
    const need = (room: NaiveRoom): Quantities =>
      plus(request.shape.resources, executorCharge(request.shape, room.executors));
    const fitness = (room: NaiveRoom): number => {
      const capacity = plus(offered(room.host.offers), room.host.inUse);
      const rest = minus(room.free, need(room));
      const share = (name: "cpus" | "mem"): number[] =>
        capacity[name] === 0 ? [] : [(capacity[name] - rest[name]) / capacity[name]];
      const shares = [...share("cpus"), ...share("mem")];
      return shares.length === 0 ? 1 : shares.reduce((sum, one) => sum + one, 0) / shares.length;
    };
    const { executor } = request.shape;
    const best = rooms
      .filter((room) => executor === null || (room.executors.get(executor.key) ?? 0) < executor.slots)
      .filter((room) => room.host.pause === undefined || room.host.pause.untilMs <= nowMs)
      .filter((room) => brokenConstraint(request.shape, room.host) === undefined && fits(need(room), room.free))
      .sort((a, b) => fitness(b) - fitness(a) || (a.host.hostname < b.host.hostname ? -1 : 1))[0];
    if (best === undefined) continue;
    best.free = minus(best.free, need(best));
    if (executor !== null) best.executors.set(executor.key, (best.executors.get(executor.key) ?? 0) + 1);
    found[request.key] = best.host.hostname;
  }
  return found;
}

const hostArbitrary = fc.record({
  cpus: fc.integer({ min: 0, max: 40 }).map((tenths) => tenths / 10),
  memMb: fc.integer({ min: 0, max: 400 }),
  usedCpus: fc.integer({ min: 0, max: 20 }).map((tenths) => tenths / 10),
  usedMemMb: fc.integer({ min: 0, max: 200 }),
  rack: fc.constantFrom(undefined, "r1", "r2"),
  executors: fc.subarray([
    ["e1", 7],
    ["e2", 1],
  ] as const),
  pausedUntilMs: fc.constantFrom(undefined, 50, 500),
});

const shapeArbitrary = fc.record({
  cpus: fc.integer({ min: 0, max: 15 }).map((tenths) => tenths / 10),
  memMb: fc.integer({ min: 0, max: 150 }),
  executor: fc.constantFrom(null, "e1", "e2"),
  constraints: fc.constantFrom<readonly Constraint[]>(
    [],
    [{ attribute: "rack", value: "r1" }],
    [{ attribute: null, value: "h2" }],
  ),
});

test("placement agrees with a model in which every request looks at every host, and commits no host over its offers", () => {
  fc.assert(
    fc.property(
      fc.array(hostArbitrary, { maxLength: 6 }),
      fc.array(shapeArbitrary, { minLength: 1, maxLength: 4 }),
      fc.array(fc.nat(3), { maxLength: 60 }),
      (hostParts, shapeParts, queue) => {
        const hosts = hostParts.map((one, index) =>
          host(`h${index}`, one.cpus, one.memMb, {
            inUse: quantities({ cpus: one.usedCpus, memMb: one.usedMemMb }),
            executors: new Map(one.executors),
            pause: one.pausedUntilMs === undefined ? undefined : { untilMs: one.pausedUntilMs, reason: "x" },
            ...(one.rack === undefined ? {} : { rack: one.rack }),
          }),
        );
        const shapes = shapeParts.map((one) =>
          shape(one.cpus, one.memMb, {
            constraints: one.constraints,
            executor:
              one.executor === null ? null : executorNeed(one.executor, 0.2, 20, one.executor === "e2" ? 2 : Infinity),
          }),
        );
        const byShape = new Map<string, { shape: Shape; waiting: { key: string; order: number }[] }>();
        queue.forEach((which, order) => {
          const of = shapes[which % shapes.length]!;
          const entry = byShape.get(of.id) ?? { shape: of, waiting: [] };
          byShape.set(of.id, entry);
          entry.waiting.push({ key: `task-${order}`, order });
        });
        const groups = [...byShape.values()];
        const placement = place({ hosts, groups, nowMs: 100 });
        expect(hostsOf(placement)).toEqual(placeNaively(hosts, groups, 100));
        expect(place({ hosts, groups, nowMs: 100 })).toEqual(placement);

        for (const { agentId, launches } of placement.accepts) {
          const taken = launches.flatMap(({ resources, executorResources }) => [
            ...resources,
            ...(executorResources ?? []),
          ]);
          const free = offered(hosts.find((one) => one.agentId === agentId)?.offers ?? []);
          expect(fits(offered([{ resources: taken }]), free)).toBe(true);
        }
        // Each host is either used or given back, and what waits has a reason on every host that was left.
        expect(placement.accepts.length + placement.declines.length).toBe(hosts.length);
        const placed = Object.keys(hostsOf(placement)).length;
        if (placed < queue.length) expect(placement.unplaced.length).toBeGreaterThan(0);
        for (const { obstacles } of placement.unplaced) expect(obstacles).toHaveLength(hosts.length);
      },
    ),
    { numRuns: 300 },
  );
});
