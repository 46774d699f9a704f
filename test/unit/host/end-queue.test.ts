import { expect, test } from "bun:test";
import { EndQueue } from "../../../src/host/end-queue.ts";
import { ManualClock } from "../../support/manual-clock.ts";

function start() {
  const clock = new ManualClock();
  const told: string[] = [];
  return { clock, told, ends: new EndQueue<string>(clock, (end) => told.push(end)) };
}

test("programs that end within two milliseconds are told of together, in order", () => {
  const { clock, told, ends } = start();
  ends.add("a", true);
  clock.advance(1);
  ends.add("b", true);
  expect(told).toEqual([]);
  clock.advance(1);
  expect(told).toEqual(["a", "b"]);
  ends.add("c", true);
  clock.advance(1);
  expect(told).toEqual(["a", "b"]);
  clock.advance(1);
  expect(told).toEqual(["a", "b", "c"]);
});

test("with nothing else running nobody waits", () => {
  const { clock, told, ends } = start();
  ends.add("alone", false);
  expect(told).toEqual(["alone"]);
  ends.add("a", true);
  ends.add("last", false);
  expect(told).toEqual(["alone", "a", "last"]);
  clock.advance(10);
  expect(told).toEqual(["alone", "a", "last"]);
});
