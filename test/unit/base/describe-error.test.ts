import { expect, test } from "bun:test";
import { describeError } from "../../../src/base/errors.ts";

test("an error is told with its causes, in one line", () => {
  const cause = new Error("connection refused", { cause: new Error("errno 111") });
  expect(describeError(new Error("Cannot read the topic", { cause }))).toBe(
    "Cannot read the topic: connection refused: errno 111",
  );
});

test("what a message says already is not told again", () => {
  const cause = new Error("connection refused");
  const wrapped = new Error("Connection error: connection refused", { cause });
  expect(
    describeError(new Error("Cannot read the topic: Connection error: connection refused", { cause: wrapped })),
  ).toBe("Cannot read the topic: Connection error: connection refused");
});
