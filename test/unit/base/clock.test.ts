import { expect, test } from "bun:test";
import { systemClock } from "../../../src/base/clock.ts";

test("what is scheduled for now comes in the next turn of the event loop, and not a timer's millisecond later", async () => {
  const order: string[] = [];
  systemClock.schedule(0, () => order.push("now"));
  systemClock.schedule(-5, () => order.push("overdue"));
  systemClock.schedule(0, () => order.push("cancelled"))();
  order.push("this turn");
  await new Promise((resolve) => setImmediate(resolve));
  expect(order).toEqual(["this turn", "now", "overdue"]);
});
