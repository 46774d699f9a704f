import { describe, expect, test } from "bun:test";
import { Harness, offer, status, uuid } from "./keeper-harness.ts";

describe("without work", () => {
  test("offers are declined almost at once, and soon suppressed", () => {
    const harness = new Harness();
    harness.subscribe();
    harness.offers(offer("o1"), offer("o2", "b"));
    harness.forget();
    harness.advance(5);
    expect(harness.callTypes()).toEqual(["DECLINE"]);
    harness.advance(95);
    expect(harness.callTypes()).toEqual(["DECLINE", "SUPPRESS"]);
    expect(harness.calls("DECLINE")[0]?.offerIds as readonly string[]).toEqual(["o1", "o2"]);
    harness.forget();
    harness.advance(60_000);
    expect(harness.callTypes()).toEqual([]);
  });

  test("an offer that was on its way is declined at once", () => {
    const harness = new Harness();
    harness.subscribe();
    harness.advance(100);
    harness.forget();
    harness.offers(offer("late"));
    expect(harness.callTypes()).toEqual(["DECLINE", "SUPPRESS"]);
  });

  test("a SUPPRESS whose fate is unknown is sent again", () => {
    const harness = new Harness();
    harness.subscribe();
    harness.advance(100);
    harness.forget();
    harness.step({ type: "call-unknown", call: { type: "SUPPRESS" } });
    expect(harness.callTypes()).toEqual(["SUPPRESS"]);
  });
});

describe("when work appears", () => {
  test("offers are revived at once", () => {
    const harness = new Harness();
    harness.subscribe();
    harness.advance(1000);
    harness.forget();
    harness.want("1", "2");
    expect(harness.callTypes()).toEqual(["REVIVE"]);
  });

  test("an offer still in hand is used instead", () => {
    const harness = new Harness();
    harness.subscribe();
    harness.offers(offer("o1"));
    harness.forget();
    harness.want("1", "2");
    expect(harness.callTypes()).toEqual(["ACCEPT"]);
    expect(harness.launches()).toHaveLength(2);
  });

  test("a REVIVE that is not answered is repeated ever more rarely", () => {
    const harness = new Harness();
    harness.subscribe();
    harness.want("1");
    harness.forget();
    harness.advance(10 * 60_000);
    const revives = harness.calls("REVIVE").length;
    expect(revives).toBeGreaterThan(8);
    expect(revives).toBeLessThan(20);
  });
});

describe("with a backlog", () => {
  test("the rest of an accepted offer comes back without a filter, without one it is left to others", () => {
    const harness = new Harness();
    harness.subscribe();
    harness.want("1", "2", "3");
    harness.offers(offer("o1", "a", { cpus: 2.1 }));
    expect(harness.calls("ACCEPT").at(-1)?.filters).toEqual({ refuseSeconds: 0 });
    harness.offers(offer("o2", "b", { cpus: 4 }));
    expect(harness.calls("ACCEPT").at(-1)?.filters).toEqual({ refuseSeconds: 5 });
  });

  test("what cannot be used is declined at once", () => {
    const harness = new Harness();
    harness.subscribe();
    harness.want("1");
    harness.offers(offer("small", "a", { cpus: 0.5 }));
    expect(harness.calls("DECLINE").map(({ filters }) => filters?.refuseSeconds)).toEqual([60]);
    expect(harness.keeper.waiting(harness.nowMs)[0]?.reason).toContain("1 host short of cpus (best 0.5)");
  });

  test("several offers of one agent are accepted together", () => {
    const harness = new Harness();
    harness.subscribe();
    harness.want("1");
    harness.offers(offer("o1", "a", { cpus: 0.6 }), offer("o2", "a", { cpus: 0.6 }));
    expect(harness.calls("ACCEPT")[0]?.offerIds as readonly string[]).toEqual(["o1", "o2"]);
  });

  test("a rescinded offer is not used", () => {
    const harness = new Harness();
    harness.subscribe();
    harness.offers(offer("o1"));
    harness.event({ type: "RESCIND", offerId: offer("o1").id });
    harness.want("1");
    expect(harness.launches()).toEqual([]);
  });

  test("offers of a removed agent are not used", () => {
    const harness = new Harness();
    harness.subscribe();
    harness.offers(offer("o1"));
    harness.event({ type: "FAILURE", agentId: offer("o1").agentId, executorId: undefined, status: undefined });
    harness.want("1");
    expect(harness.launches()).toEqual([]);
  });

  test("offers are revived once a quarter of the slots is free, and after a moment when fewer are", () => {
    const harness = new Harness();
    const keys = Array.from({ length: 12 }, (_, index) => `${index}`);
    harness.subscribe();
    harness.want(...keys);
    harness.offers(offer("o1", "a", { cpus: 8.1 }));
    const infos = harness.launches();
    expect(infos).toHaveLength(8);
    harness.advance(30);
    harness.forget();
    harness.update(status(infos[0]!.taskId, "TASK_FINISHED"));
    expect(harness.callTypes()).toEqual(["REVIVE"]); // the last one is long ago
    harness.update(status(infos[1]!.taskId, "TASK_FINISHED"));
    harness.advance(1);
    expect(harness.callTypes()).toEqual(["REVIVE"]);
    harness.update(status(infos[2]!.taskId, "TASK_FINISHED"));
    harness.advance(1);
    expect(harness.callTypes()).toEqual(["REVIVE", "REVIVE"]); // two of seven
    harness.advance(5);
    harness.update(status(infos[3]!.taskId, "TASK_FINISHED", { uuid: uuid(3) }));
    expect(harness.calls("REVIVE")).toHaveLength(2);
    harness.advance(21);
    expect(harness.calls("REVIVE")).toHaveLength(3);
  });

  test("tasks of one moment go out in one ACCEPT", () => {
    const harness = new Harness();
    harness.subscribe();
    harness.offers(offer("o1"));
    harness.want("1", "2", "3");
    expect(harness.calls("ACCEPT")).toHaveLength(1);
  });
});

test("ten thousand equal tasks wait at no cost to each offer", () => {
  const harness = new Harness();
  harness.subscribe();
  const count = 10_000;
  harness.want(...Array.from({ length: count }, (_, index) => `${index}`));
  harness.offers(...Array.from({ length: 200 }, (_, index) => offer(`o${index}`, `agent-${index}`, { cpus: 4.1 })));
  expect(harness.launches()).toHaveLength(800);
  expect(harness.keeper.waiting(harness.nowMs).map((view) => view.count)).toEqual([count - 800]);
});
