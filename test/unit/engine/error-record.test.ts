import { describe, expect, test } from "bun:test";
import { showUtf8, utf8 } from "../../../src/base/bytes.ts";
import { errorRecords, type FailureDetails } from "../../../src/engine/error-record.ts";
import { recordBytes } from "../../../src/engine/outputs.ts";
import type { InputRecord, OutputRecord } from "../../../src/engine/ports.ts";
import { processorSpec } from "../../support/specs.ts";
import { record, runResult } from "../../support/tracker-driver.ts";

const spec = processorSpec();
const ofInput = processorSpec({ error: { topic: "errors", value: "input" } });

const details: FailureDetails = {
  reason: "exit code 3",
  attempts: 2,
  result: { ...runResult({ type: "exited", code: 3 }, "printed"), stderrTail: utf8("e".repeat(1000)) },
  group: "the group",
};

/** Where 10 kB came as the value, and 4 kB as a header. */
const large: InputRecord = {
  ...record(7, 0, "k".repeat(100)),
  value: new Uint8Array(10_000),
  headers: [["h", new Uint8Array(4000)]],
};

const cut = (spec: Parameters<typeof errorRecords>[0], input: InputRecord, maxBytes: number): OutputRecord =>
  errorRecords(spec, input, { ...details, result: { ...details.result!, stdout: new Uint8Array(6000) } }, maxBytes)[0]!;

function headersOf({ headers }: OutputRecord): Readonly<Record<string, string>> {
  return Object.fromEntries(headers.map(([name, value]) => [name, value === null ? "null" : showUtf8(value)]));
}

test("an error record tells where its input stands, who gave it up, why, and after how many attempts", () => {
  const [error] = errorRecords(spec, record(7, 2, "key"), details, 1_000_000);
  expect(error).toMatchObject({ topic: "errors", key: utf8("key"), value: utf8("printed") });
  expect(headersOf(error!)).toEqual({
    trace: "t7",
    "brigade.error.processor": "upper",
    "brigade.error.topic": "in",
    "brigade.error.partition": "2",
    "brigade.error.offset": "7",
    "brigade.error.timestamp": "1007",
    "brigade.error.attempts": "2",
    "brigade.error.reason": "exit code 3",
    "brigade.error.exit-code": "3",
    "__dlq.errors.topic": "in",
    "__dlq.errors.partition": "2",
    "__dlq.errors.offset": "7",
    "__dlq.errors.group": "the group",
    "__dlq.errors.delivery.count": "2",
    "__dlq.errors.message": "exit code 3",
    "brigade.error.stderr": "e".repeat(1000),
  });
});

test("what an input tells of an earlier failure is not told of this one", () => {
  const [earlier] = errorRecords(
    spec,
    { ...record(3), topic: "first" },
    { ...details, result: runResult({ type: "signaled", signal: "SIGSEGV" }) },
    1_000_000,
  );
  const input = { ...record(7, 2, "key"), headers: earlier!.headers };
  const [again] = errorRecords(spec, input, { ...details, result: undefined }, 1_000_000);
  const [fresh] = errorRecords(spec, record(7, 2, "key"), { ...details, result: undefined }, 1_000_000);
  const names = again!.headers.map(([name]) => name);
  expect(names).toEqual(fresh!.headers.map(([name]) => name));
  expect(headersOf(again!)).toEqual({ ...headersOf(fresh!), trace: "t3" });
});

describe("what does not fit is cut, as little as will do", () => {
  const cases: readonly [what: string, spec: typeof ofInput, maxBytes: number, truncated: string | undefined][] = [
    ["nothing", ofInput, 20_000, undefined],
    ["stderr first", ofInput, 16_200, "stderr"],
    ["then the headers of an input", ofInput, 14_000, "stderr,headers"],
    ["then its value", ofInput, 5000, "stderr,headers,value"],
    ["of stdout its end, before the headers", spec, 8000, "stderr,stdout"],
    ["then the headers", spec, 2000, "stderr,stdout,headers"],
    ["and the key last of all", ofInput, 900, "stderr,headers,value,key"],
  ];
  test.each(cases)("%s", (_what, spec, maxBytes, truncated) => {
    const error = cut(spec, large, maxBytes);
    expect(headersOf(error)["brigade.error.truncated"]).toBe(truncated);
    expect(headersOf(error)["brigade.error.offset"]).toBe("7");
    if (maxBytes > 1000) expect(recordBytes(error)).toBeLessThanOrEqual(maxBytes);
  });

  test("a value that is cut fills what there is room for", () => {
    const error = cut(ofInput, large, 5000);
    expect(recordBytes(error)).toBeGreaterThan(4800);
  });

  test("a null value stays one, and is not cut", () => {
    const error = cut(ofInput, { ...large, value: null }, 2000);
    expect(error.value).toBeNull();
    expect(headersOf(error)["brigade.error.truncated"]).toBe("stderr,headers");
  });
});
