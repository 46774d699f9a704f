import { expect, test } from "bun:test";
import { describeOwner, thisOwner } from "../../../src/state/owner.ts";

test("the owner of a lock is told, whatever stands where it should", () => {
  expect(describeOwner(thisOwner(0))).toMatch(/^process \d+ on .+ \(since 1970-01-01T00:00:00.000Z\)$/);
  for (const written of ["", '{"pid":', "null", "5", "[]"]) expect(describeOwner(written)).toBe("another process");
});
