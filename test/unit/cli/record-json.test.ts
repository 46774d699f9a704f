import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { utf8 } from "../../../src/base/bytes.ts";
import { recordFromJson, recordToJson } from "../../../src/cli/record-json.ts";
import type { InputRecord } from "../../../src/engine/ports.ts";

const record: InputRecord = {
  topic: "in",
  partition: 1,
  offset: 7,
  timestampMs: 1_700_000_000_000,
  key: utf8("k"),
  value: Uint8Array.of(0xff, 0x00),
  headers: [["h", utf8("1")]],
};

describe("a record as a line of JSON", () => {
  test("has bytes that are no UTF-8 in base64", () => {
    expect(JSON.parse(recordToJson(record))).toEqual({
      topic: "in",
      partition: 1,
      offset: 7,
      timestamp: 1_700_000_000_000,
      key: "k",
      valueBase64: "/wA=",
      headers: [{ name: "h", value: "1" }],
    });
  });

  test("comes back as it was, null and empty told apart", () => {
    const bytes = fc.uint8Array({ maxLength: 20 });
    const header = fc.tuple(fc.string(), fc.option(bytes));
    fc.assert(
      fc.property(fc.option(bytes), fc.option(bytes), fc.array(header), (key, value, headers) => {
        expect(recordFromJson(recordToJson({ ...record, key, value, headers }), 1)).toEqual({ key, value, headers });
      }),
    );
  });

  test("needs neither key nor headers", () => {
    expect(recordFromJson('{"value":"v"}', 1)).toEqual({ key: null, value: utf8("v"), headers: [] });
  });

  test("that is wrong names its line and what is wrong with it", () => {
    expect(() => recordFromJson("{", 3)).toThrow("Cannot produce line 3: it is not JSON");
    expect(() => recordFromJson("[]", 3)).toThrow("it is not a JSON object");
    expect(() => recordFromJson('{"value":7}', 3)).toThrow("value is not a string or null");
    expect(() => recordFromJson('{"headers":{}}', 3)).toThrow("headers is not an array");
    expect(() => recordFromJson('{"headers":[{"value":"x"}]}', 3)).toThrow("a header is not an object with a name");
  });
});
