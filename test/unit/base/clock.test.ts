import { expect, jest, test } from "bun:test";
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

test("what is scheduled for more than the 25 days that a timer takes comes in its time", () => {
  const DAY_MS = 86_400_000;
  jest.useFakeTimers();
  try {
    let runs = 0;
    systemClock.schedule(60 * DAY_MS, () => runs++);
    const cancel = systemClock.schedule(60 * DAY_MS, () => runs++);
    jest.advanceTimersByTime(24 * DAY_MS);
    jest.advanceTimersByTime(24 * DAY_MS);
    cancel();
    jest.advanceTimersByTime(12 * DAY_MS - 1);
    expect(runs).toBe(0);
    jest.advanceTimersByTime(1);
    expect(runs).toBe(1);
  } finally {
    jest.useRealTimers();
  }
});
