import { expect, test } from "bun:test";
import { repeatedIn } from "../../../src/base/repeated.ts";

test("what is repeated is told once, in the order in which it comes again", () => {
  expect([...repeatedIn("abcacba")]).toEqual(["a", "c", "b"]);
  expect(repeatedIn([1, 2, 3]).size).toBe(0);
});

test("a list as long as a call may carry is looked through at once, not item by item", () => {
  expect([...repeatedIn([...Array(2_000_000).keys(), 7])]).toEqual([7]);
});
