import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { concatBytes, showUtf8, utf8 } from "../../../src/base/bytes.ts";
import type { Header, InputRecord } from "../../../src/engine/ports.ts";
import {
  decodeRunRequest,
  decodeRunResult,
  encodeRunRequest,
  encodeRunResult,
  RunWireError,
  runSpec,
} from "../../../src/engine/run-wire.ts";
import { processorSpec } from "../../support/specs.ts";
import { runResult } from "../../support/tracker-driver.ts";

const spec = runSpec(processorSpec());
const bytes: fc.Arbitrary<Uint8Array | null> = fc.option(fc.uint8Array({ maxLength: 20 }));
const header: fc.Arbitrary<Header> = fc.tuple(fc.string(), bytes);
const record: fc.Arbitrary<InputRecord> = fc.record({
  topic: fc.string(),
  partition: fc.nat(),
  offset: fc.maxSafeNat(),
  timestampMs: fc.maxSafeNat(),
  key: bytes,
  value: bytes,
  headers: fc.array(header, { maxLength: 5 }),
});

describe("a run request", () => {
  test("comes back as it was sent, null and empty told apart", () => {
    fc.assert(
      fc.property(record, fc.nat(), (each, attempt) => {
        expect(decodeRunRequest(encodeRunRequest({ spec, record: each, attempt }))).toEqual({
          spec,
          record: each,
          attempt,
        });
      }),
    );
  });

  test("that is cut anywhere is refused", () => {
    const [sample] = fc.sample(record, { numRuns: 1, seed: 1 });
    if (sample === undefined) throw new Error("no sample");
    const value = utf8("the end of what is sent");
    const whole = encodeRunRequest({ spec, record: { ...sample, value, headers: [] }, attempt: 1 });
    for (let length = 0; length < whole.byteLength; length++) {
      expect(() => decodeRunRequest(whole.subarray(0, length))).toThrow(RunWireError);
    }
  });
});

describe("a run request of the version before", () => {
  /** As version 1 wrote it: `forcePull` was the one option of containers, each of them fresh, and there were no secrets. */
  const ofVersion1 = (program: unknown): Uint8Array => {
    const { secrets: _, warm: _warm, maxUses: _maxUses, ...old } = { ...spec, program };
    const place = { topic: "in", partition: 0, offset: 7, timestampMs: 1, keyBytes: null, valueBytes: 2, headers: [] };
    const json = utf8(JSON.stringify({ spec: old, attempt: 1, ...place }));
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, json.byteLength);
    return concatBytes([Uint8Array.of(1), length, json, utf8("hi")]);
  };

  test.each([
    [true, "always"],
    [false, "if-missing"],
  ] as const)("is read: forcePull %p means to pull %s", (forcePull, pull) => {
    const { spec: read, record: own } = decodeRunRequest(
      ofVersion1({ type: "image", image: "echo", forcePull, command: null }),
    );
    const program = { type: "image", image: "echo", command: null, container: { pull } } as const;
    expect(read).toEqual({ ...spec, program, secrets: [], warm: 0, maxUses: 1 });
    expect(own.value).toEqual(utf8("hi"));
  });

  test("is read where its program is a command", () => {
    expect(decodeRunRequest(ofVersion1(spec.program)).spec).toEqual({ ...spec, maxUses: 1 });
  });

  test("of another version is refused with the versions that are read", () => {
    const [, ...rest] = ofVersion1(spec.program);
    expect(() => decodeRunRequest(Uint8Array.of(9, ...rest))).toThrow("version 9, this Brigade reads 1 and 2");
  });
});

describe("a run result", () => {
  test("comes back as it was sent, with its attempt and a notice where there are any", () => {
    const result = runResult({ type: "exited", code: 3 }, "partial");
    for (const each of [result, { ...result, attempt: 2 }, { ...result, notice: "it is slow" }]) {
      expect(decodeRunResult(encodeRunResult(each))).toEqual(each);
    }
  });
});

describe("a head of another shape is refused", () => {
  const whole = encodeRunResult(runResult({ type: "exited", code: 3 }, "out"));
  const request = encodeRunRequest({
    spec,
    record: { topic: "t", partition: 0, offset: 1, timestampMs: 1, key: null, value: null, headers: [["h", null]] },
    attempt: 1,
  });
  const withHead = (bytes: Uint8Array, change: (head: Record<string, unknown>) => unknown): Uint8Array => {
    const end = 5 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(1);
    const head = change(JSON.parse(showUtf8(bytes.subarray(5, end))) as Record<string, unknown>);
    const text = utf8(JSON.stringify(head));
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, text.byteLength);
    return concatBytes([bytes.subarray(0, 1), length, text, bytes.subarray(end)]);
  };

  test.each<[string, (head: Record<string, unknown>) => unknown]>([
    ["null", () => null],
    ["a list", () => []],
    ["without headers", (head) => ({ ...head, headers: undefined })],
    ["with a header that is none", (head) => ({ ...head, headers: [["h"]] })],
    ["with a negative length", (head) => ({ ...head, valueBytes: -1 })],
    ["without a program", (head) => ({ ...head, spec: {} })],
    ["with an offset that is text", (head) => ({ ...head, offset: "1" })],
  ])("a request: %s", (_, change) => {
    expect(decodeRunRequest(withHead(request, (head) => head)).attempt).toBe(1);
    expect(() => decodeRunRequest(withHead(request, change))).toThrow(RunWireError);
  });

  test.each<[string, (head: Record<string, unknown>) => unknown]>([
    ["null", () => null],
    ["without an outcome", (head) => ({ ...head, outcome: undefined })],
    ["with an outcome that nobody knows", (head) => ({ ...head, outcome: { type: "vanished" } })],
    ["with an outcome that is inherited", (head) => ({ ...head, outcome: { type: "constructor" } })],
    ["with an exit code that is text", (head) => ({ ...head, outcome: { type: "exited", code: "3" } })],
    ["with a negative length", (head) => ({ ...head, stdoutBytes: -3 })],
  ])("a result: %s", (_, change) => {
    expect(decodeRunResult(withHead(whole, (head) => head)).outcome).toEqual({ type: "exited", code: 3 });
    expect(() => decodeRunResult(withHead(whole, change))).toThrow(RunWireError);
  });
});
