import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Alarm, Alarms } from "../../../src/framework/alarms.ts";

test("alarms ring in the order of their times, once, unless cancelled", () => {
  const action = fc.oneof(
    fc.record({ type: fc.constant("set" as const), atMs: fc.nat(100) }),
    fc.record({ type: fc.constant("cancel" as const), which: fc.nat(200) }),
    fc.record({ type: fc.constant("take" as const), nowMs: fc.nat(100) }),
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
      const alarms = new Alarms<number>();
      const set: Alarm<number>[] = [];
      let model: { atMs: number; purpose: number }[] = [];
      for (const one of actions) {
        if (one.type === "set") {
          model.push({ atMs: one.atMs, purpose: set.length });
          set.push(alarms.set(one.atMs, set.length));
        } else if (one.type === "cancel") {
          alarms.cancel(set[one.which]);
          model = model.filter(({ purpose }) => purpose !== one.which);
        } else {
          const taken = alarms.takeDue(one.nowMs);
          const earliest = Math.min(...model.map(({ atMs }) => atMs));
          if (taken === undefined) expect(earliest).toBeGreaterThan(one.nowMs);
          else expect(model.find(({ purpose }) => purpose === taken)?.atMs).toBe(earliest);
          model = model.filter(({ purpose }) => purpose !== taken);
        }
        expect(alarms.next() ?? Infinity).toBe(Math.min(...model.map(({ atMs }) => atMs)));
      }
    }),
  );
});

test("many cancelled alarms leave the others in place", () => {
  const alarms = new Alarms<number>();
  const all = Array.from({ length: 10_000 }, (_, index) => alarms.set(index, index));
  for (const [index, alarm] of all.entries()) if (index % 100 !== 7) alarms.cancel(alarm);
  const rung: number[] = [];
  for (let one = alarms.takeDue(10_000); one !== undefined; one = alarms.takeDue(10_000)) rung.push(one);
  expect(rung).toEqual(Array.from({ length: 100 }, (_, index) => index * 100 + 7));
});
