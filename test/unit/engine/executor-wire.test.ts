import { expect, test } from "bun:test";
import { utf8 } from "../../../src/base/bytes.ts";
import { decodeExecutorConfig, ExecutorWireError, encodeExecutorConfig } from "../../../src/engine/executor-wire.ts";

test("an executor's configuration comes back as it was sent", () => {
  expect(decodeExecutorConfig(encodeExecutorConfig({ idleTimeoutMs: 1500 }))).toEqual({ idleTimeoutMs: 1500 });
});

test("fields that a later version adds are ignored", () => {
  expect(decodeExecutorConfig(utf8('{"version":1,"idleTimeoutMs":0,"colour":"blue"}'))).toEqual({ idleTimeoutMs: 0 });
});

test.each([
  ["", "not JSON"],
  ["{", "not JSON"],
  ["null", "no JSON object"],
  ['{"idleTimeoutMs":1}', "version undefined"],
  ['{"version":2,"idleTimeoutMs":1}', "version 2"],
  ['{"version":1,"idleTimeoutMs":-1}', "idleTimeoutMs is -1"],
  ['{"version":1}', "idleTimeoutMs is undefined"],
])("%p is refused with its reason", (text, reason) => {
  expect(() => decodeExecutorConfig(utf8(text))).toThrow(ExecutorWireError);
  expect(() => decodeExecutorConfig(utf8(text))).toThrow(reason);
});
