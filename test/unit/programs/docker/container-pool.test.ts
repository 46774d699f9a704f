import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  type ContainerKind,
  ContainerPool,
  type PoolCommand,
  type PoolEvent,
} from "../../../../src/programs/docker/container-pool.ts";

const warm = (id: string, count: number): ContainerKind => {
  return { id, ready: count, limit: count, maxUses: 1, idleMs: Infinity };
};
const kept = (id: string, maxUses = 3): ContainerKind => {
  return { id, ready: 0, limit: Infinity, maxUses, idleMs: 60_000 };
};

/** Commands as short text: `make kept-1`, `give kept-1 run-a`. */
function show(commands: readonly PoolCommand<string>[]): string[] {
  return commands.map((command) => {
    switch (command.type) {
      case "make":
      case "remove":
        return `${command.type} ${command.container}`;
      case "give":
        return `give ${command.container} ${command.run}`;
      case "run-fresh":
        return `run-fresh ${command.run}`;
      case "end":
        return `end ${command.run}: ${command.end}`;
      case "turned-off":
        return `turned-off ${command.kind.id}: ${command.message}`;
    }
  });
}

function pool(): (event: PoolEvent<string>, nowMs?: number) => string[] {
  const machine = new ContainerPool<string>();
  return (event, nowMs = 0) => show(machine.step(event, nowMs));
}

const want = (run: string, kind: ContainerKind): PoolEvent<string> => ({ type: "wanted", run, kind });
const made = (container: string): PoolEvent<string> => ({ type: "made", container });
const left = (container: string, reusable = true): PoolEvent<string> => ({ type: "left", container, reusable });
const exited = (container: string): PoolEvent<string> => ({ type: "exited", container, message: "exit code 1" });

describe("warm containers", () => {
  test("are made once the first has come up, and each is replaced when its run is over", () => {
    const step = pool();
    expect(step(want("a", warm("v1", 2)))).toEqual(["make kept-1"]);
    expect(step(made("kept-1"))).toEqual(["give kept-1 a", "make kept-2"]);
    expect(step(made("kept-2"))).toEqual([]);
    expect(step(want("b", warm("v1", 2)))).toEqual(["give kept-2 b"]);
    expect(step(left("kept-1"))).toEqual(["remove kept-1", "make kept-3"]);
    expect(step(left("kept-2", false))).toEqual(["remove kept-2", "make kept-4"]);
  });

  test("are never more than are paid for: a run waits where all are in use", () => {
    const step = pool();
    step(want("a", warm("v1", 1)));
    step(made("kept-1"));
    expect(step(want("b", warm("v1", 1)))).toEqual([]);
    expect(step(left("kept-1"))).toEqual(["remove kept-1", "make kept-2"]);
    expect(step(made("kept-2"))).toEqual(["give kept-2 b"]);
  });

  test("one that ends before it got a run turns them off, and runs go on in fresh containers", () => {
    const step = pool();
    step(want("a", warm("v1", 2)));
    step(made("kept-1"));
    step(made("kept-2"));
    expect(step(exited("kept-2"))).toEqual(["remove kept-2", "turned-off v1: exit code 1"]);
    expect(step(want("b", warm("v1", 2)))).toEqual(["run-fresh b"]);
    expect(step(left("kept-1"))).toEqual(["remove kept-1"]);
  });

  test("one that ends as it is given to a run costs that run nothing", () => {
    const step = pool();
    step(want("a", warm("v1", 2)));
    step(made("kept-1"));
    expect(step(exited("kept-1"))).toEqual([
      "remove kept-1",
      "turned-off v1: exit code 1",
      "remove kept-2",
      "run-fresh a",
    ]);
  });

  test("another version gets a chance of its own after one was turned off", () => {
    const step = pool();
    step(want("a", warm("v1", 1)));
    step(made("kept-1"));
    step(exited("kept-1"));
    expect(step(want("b", warm("v2", 1)))).toEqual(["make kept-2"]);
    expect(step(want("c", warm("v1", 1)))).toEqual(["run-fresh c"]);
  });

  test("what cannot be made ends the run that wanted it, and the next one tries again", () => {
    const step = pool();
    step(want("a", warm("v1", 2)));
    const failure = { type: "not-made", container: "kept-1", end: "no such image" } as const;
    expect(step(failure)).toEqual(["remove kept-1", "end a: no such image"]);
    expect(step(want("b", warm("v1", 2)))).toEqual(["make kept-2"]);
  });

  test("those of an old version make room one by one", () => {
    const step = pool();
    step(want("a", warm("v1", 2)));
    step(made("kept-1"));
    step(made("kept-2"));
    step(left("kept-1"));
    step(made("kept-3"));
    // Both wait; a run of the new version takes the place of one.
    expect(step(want("b", warm("v2", 2)))).toEqual(["remove kept-2", "make kept-4"]);
    expect(step(made("kept-4"))).toEqual(["give kept-4 b", "remove kept-3", "make kept-5"]);
  });

  test("after the Engine was lost nothing is made until a run wants it", () => {
    const step = pool();
    step(want("a", warm("v1", 2)));
    step(made("kept-1"));
    step(made("kept-2"));
    expect(step({ type: "lost", container: "kept-2" })).toEqual(["remove kept-2"]);
    expect(step(left("kept-1", false))).toEqual(["remove kept-1"]);
    expect(step(want("b", warm("v1", 2)))).toEqual(["make kept-3"]);
    expect(step(made("kept-3"))).toEqual(["give kept-3 b", "make kept-4"]);
  });
});

describe("containers that are used again", () => {
  test("are as many as there are runs at once, the one that was used last first", () => {
    const step = pool();
    expect(step(want("a", kept("v1")))).toEqual(["make kept-1"]);
    expect(step(want("b", kept("v1")))).toEqual(["make kept-2"]);
    expect(step(made("kept-2"))).toEqual(["give kept-2 a"]);
    expect(step(made("kept-1"))).toEqual(["give kept-1 b"]);
    expect(step(left("kept-1"), 10)).toEqual([]);
    expect(step(left("kept-2"), 20)).toEqual([]);
    expect(step(want("c", kept("v1")), 30)).toEqual(["give kept-2 c"]);
  });

  test("one that is being cleared is waited for, and not doubled", () => {
    const step = pool();
    step(want("a", kept("v1")));
    step(made("kept-1"));
    expect(step({ type: "over", container: "kept-1" })).toEqual([]);
    expect(step(want("b", kept("v1")))).toEqual([]);
    expect(step(left("kept-1"))).toEqual(["give kept-1 b"]);
    step({ type: "over", container: "kept-1" });
    expect(step(want("c", kept("v1")))).toEqual([]);
    expect(step(left("kept-1", false))).toEqual(["remove kept-1", "make kept-2"]);
  });

  test("end after so many uses, or when they were idle for long", () => {
    const step = pool();
    step(want("a", kept("v1", 2)));
    step(made("kept-1"));
    step(left("kept-1"));
    expect(step(want("b", kept("v1", 2)))).toEqual(["give kept-1 b"]);
    expect(step(left("kept-1"))).toEqual(["remove kept-1"]);
    step(want("c", kept("v1", 2)));
    step(made("kept-2"));
    step(left("kept-2"), 1000);
    expect(step({ type: "wake" }, 60_999)).toEqual([]);
    expect(step({ type: "wake" }, 61_000)).toEqual(["remove kept-2"]);
  });

  test("one that dies between two runs is forgotten, also where the next was just given to it", () => {
    const step = pool();
    step(want("a", kept("v1")));
    step(made("kept-1"));
    step(left("kept-1"));
    expect(step(want("b", kept("v1")))).toEqual(["give kept-1 b"]);
    expect(step(exited("kept-1"))).toEqual(["remove kept-1", "make kept-2"]);
    expect(step(made("kept-2"))).toEqual(["give kept-2 b"]);
  });
});

/*
 * Any order of events, against what must always hold. The world answers every `make` and `give` some time.
 */
type Move =
  | { readonly type: "want"; readonly kind: number }
  | { readonly type: "unwant" | "come-up" | "fail" | "lose" | "exit" | "leave" | "break"; readonly which: number }
  | { readonly type: "time"; readonly ms: number };

const move: fc.Arbitrary<Move> = fc.oneof(
  { arbitrary: fc.record({ type: fc.constant("want" as const), kind: fc.nat({ max: 1 }) }), weight: 4 },
  {
    arbitrary: fc.record({ type: fc.constantFrom("come-up" as const, "leave" as const), which: fc.nat({ max: 7 }) }),
    weight: 6,
  },
  {
    arbitrary: fc.record({
      type: fc.constantFrom("unwant" as const, "fail" as const, "lose" as const, "exit" as const, "break" as const),
      which: fc.nat({ max: 7 }),
    }),
    weight: 2,
  },
  { arbitrary: fc.record({ type: fc.constant("time" as const), ms: fc.nat({ max: 40_000 }) }), weight: 1 },
);

type RunState = "waiting" | "answered" | { readonly in: string };

class World {
  readonly #machine = new ContainerPool<string>();
  readonly #kinds: readonly ContainerKind[];
  readonly containers = new Map<string, { kind: ContainerKind; state: "making" | "idle" | "busy"; uses: number }>();
  readonly runs = new Map<string, { readonly kind: ContainerKind; state: RunState }>();
  readonly off = new Set<string>();
  #nowMs = 0;
  closed = false;

  constructor(kinds: readonly ContainerKind[]) {
    this.#kinds = kinds;
  }

  step(event: PoolEvent<string>): void {
    for (const command of this.#machine.step(event, this.#nowMs)) this.#perform(command);
    this.#check();
  }

  play(one: Move): void {
    switch (one.type) {
      case "want": {
        const kind = this.#kinds[one.kind] as ContainerKind;
        const run = `run-${this.runs.size}`;
        this.runs.set(run, { kind, state: "waiting" });
        return this.step({ type: "wanted", run, kind });
      }
      case "unwant": {
        const run = pick(this.#runsThat("waiting"), one.which);
        if (run === undefined) return;
        (this.runs.get(run) as { state: RunState }).state = "answered";
        return this.step({ type: "unwanted", run });
      }
      case "come-up":
        return this.#to("making", one.which, (container) => {
          (this.containers.get(container) as { state: string }).state = "idle";
          this.step({ type: "made", container });
        });
      case "fail":
        return this.#to("making", one.which, (container) => this.step({ type: "not-made", container, end: "failed" }));
      case "lose":
        return this.#to("making", one.which, (container) => this.step({ type: "lost", container }));
      case "exit":
        return this.#to("idle", one.which, (container) =>
          this.step({ type: "exited", container, message: "exit code 1" }),
        );
      case "leave":
        return this.#to("busy", one.which, (container) => {
          this.#endRunIn(container, "answered");
          if (one.which % 2 === 0) this.step({ type: "over", container });
          // The machine decides whether it stays.
          (this.containers.get(container) as { state: string }).state = "idle";
          this.step({ type: "left", container, reusable: one.which % 3 !== 0 });
        });
      case "break":
        return this.#to("busy", one.which, (container) => {
          this.#endRunIn(container, "waiting");
          this.step({ type: "exited", container, message: "exit code 1" });
        });
      case "time":
        this.#nowMs += one.ms;
        return this.step({ type: "wake" });
    }
  }

  /** Every container comes up and every run leaves, until nothing happens any more. */
  heal(): void {
    for (let turns = 0; ; turns++) {
      const before = [...this.containers.values()].map(({ state }) => state).filter((state) => state !== "idle");
      if (before.length === 0) return;
      expect(turns).toBeLessThan(1000);
      this.play(before.includes("making") ? { type: "come-up", which: 0 } : { type: "leave", which: 1 });
    }
  }

  states(kind: ContainerKind): string[] {
    return [...this.containers.values()].filter((one) => one.kind.id === kind.id).map(({ state }) => state);
  }

  waiting(): string[] {
    return this.#runsThat("waiting");
  }

  #runsThat(state: RunState): string[] {
    return [...this.runs].filter(([, run]) => run.state === state).map(([name]) => name);
  }

  #to(state: "making" | "idle" | "busy", which: number, act: (container: string) => void): void {
    const all = [...this.containers].filter(([, container]) => container.state === state).map(([name]) => name);
    const container = pick(all, which);
    if (container !== undefined) act(container);
  }

  #endRunIn(container: string, state: RunState): void {
    for (const run of this.runs.values()) {
      if (typeof run.state === "object" && run.state.in === container) run.state = state;
    }
  }

  #perform(command: PoolCommand<string>): void {
    switch (command.type) {
      case "make":
        expect(this.containers.has(command.container)).toBe(false);
        expect(this.off.has(command.kind.id)).toBe(false);
        expect(this.closed).toBe(false);
        this.containers.set(command.container, { kind: command.kind, state: "making", uses: 0 });
        return;
      case "remove":
        expect(this.containers.delete(command.container)).toBe(true);
        return;
      case "give": {
        const container = this.containers.get(command.container);
        const run = this.runs.get(command.run);
        expect(run?.state).toBe("waiting");
        expect(container?.state).toBe("idle");
        expect(container?.kind.id).toBe(run?.kind.id as string);
        if (container === undefined || run === undefined) return;
        container.state = "busy";
        container.uses++;
        expect(container.uses).toBeLessThanOrEqual(container.kind.maxUses);
        run.state = { in: command.container };
        return;
      }
      case "run-fresh":
      case "end": {
        const run = this.runs.get(command.run);
        expect(run?.state).toBe("waiting");
        if (run !== undefined) run.state = "answered";
        return;
      }
      case "turned-off":
        expect(this.off.has(command.kind.id)).toBe(false);
        this.off.add(command.kind.id);
    }
  }

  #check(): void {
    for (const kind of this.#kinds) expect(this.containers.size).toBeLessThanOrEqual(kind.limit);
    for (const run of this.waiting()) {
      const { kind } = this.runs.get(run) as { kind: ContainerKind };
      expect(this.states(kind)).not.toContain("idle");
      // Something is under way after which it is its turn.
      const all = [...this.containers.values()].map(({ state }) => state);
      expect(all.includes("making") || all.includes("busy")).toBe(true);
    }
  }
}

function pick<T>(items: readonly T[], which: number): T | undefined {
  return items[which % Math.max(1, items.length)];
}

const kindPairs = fc.oneof(
  fc.integer({ min: 1, max: 3 }).map((count) => [warm("v1", count), warm("v2", count)]),
  fc.integer({ min: 1, max: 4 }).map((uses) => [kept("v1", uses), kept("v2", uses)]),
);

describe("whatever happens", () => {
  test("each run is answered once, no container is given twice at once, and no more are there than are paid for", () => {
    fc.assert(
      fc.property(kindPairs, fc.array(move, { maxLength: 60 }), (kinds, moves) => {
        const world = new World(kinds);
        for (const one of moves) world.play(one);
        world.heal();
        expect(world.waiting()).toEqual([]);
      }),
    );
  });

  test("in the end as many of the last kind are ready as are wanted, and none of another", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3 }), fc.array(move, { maxLength: 60 }), (count, moves) => {
        const kinds = [warm("v1", count), warm("v2", count), warm("v3", count)] as const;
        const world = new World(kinds);
        for (const one of moves) world.play(one);
        // A kind that nothing has happened to yet.
        world.runs.set("last", { kind: kinds[2], state: "waiting" });
        world.step({ type: "wanted", run: "last", kind: kinds[2] });
        world.heal();
        expect(world.states(kinds[2])).toEqual(Array.from({ length: count }, () => "idle"));
        expect(world.containers.size).toBe(count);
      }),
    );
  });

  test("nothing is left after it was closed and the last run has left", () => {
    fc.assert(
      fc.property(
        kindPairs,
        fc.array(move, { maxLength: 40 }),
        fc.array(move, { maxLength: 20 }),
        (kinds, before, after) => {
          const world = new World(kinds);
          for (const one of before) world.play(one);
          world.closed = true;
          world.step({ type: "close" });
          for (const one of after) world.play(one);
          world.heal();
          expect([...world.containers]).toEqual([]);
        },
      ),
    );
  });
});
