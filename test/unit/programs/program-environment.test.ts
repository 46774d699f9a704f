import { describe, expect, test } from "bun:test";
import { utf8 } from "../../../src/base/bytes.ts";
import { programEnvironment } from "../../../src/programs/program-environment.ts";
import { requestOf } from "./fixture.ts";

describe("the environment of a program", () => {
  test("names the processor, the record and the attempt, and nothing else", () => {
    expect(programEnvironment(requestOf("cat"))).toEqual({
      BRIGADE_PROCESSOR: "echo",
      BRIGADE_TOPIC: "in",
      BRIGADE_PARTITION: "2",
      BRIGADE_OFFSET: "42",
      BRIGADE_TIMESTAMP: "1700000000000",
      BRIGADE_ATTEMPT: "1",
      BRIGADE_RECORD_ID: "in/2/42",
      BRIGADE_HEADERS: "[]",
    });
  });

  test("a key that is text is given as it is", () => {
    const env = programEnvironment(requestOf("cat", { record: { key: utf8("grün\n") } }));
    expect(env["BRIGADE_KEY"]).toBe("grün\n");
    expect(env["BRIGADE_KEY_BASE64"]).toBeUndefined();
  });

  test("an empty key is not a null key", () => {
    expect(programEnvironment(requestOf("cat", { record: { key: new Uint8Array() } }))["BRIGADE_KEY"]).toBe("");
  });

  test.each([
    ["not UTF-8", [0xff, 0x01], "/wE="],
    ["text with a NUL", [0x61, 0x00], "YQA="],
  ] as const)("a key that is %s is given in base64", (_what, bytes, base64) => {
    const env = programEnvironment(requestOf("cat", { record: { key: Uint8Array.from(bytes) } }));
    expect(env["BRIGADE_KEY"]).toBeUndefined();
    expect(env["BRIGADE_KEY_BASE64"]).toBe(base64);
  });

  test("headers keep order, repetitions and null values, and those that are not text come in base64", () => {
    const headers = [
      ["b", utf8("1")],
      ["a", Uint8Array.of(0xff)],
      ["b", utf8("")],
      ["c", null],
    ] as const;
    const env = programEnvironment(requestOf("cat", { record: { headers } }));
    expect(JSON.parse(env["BRIGADE_HEADERS"] ?? "")).toEqual([
      { name: "b", value: "1" },
      { name: "a", base64: "/w==" },
      { name: "b", value: "" },
      { name: "c", value: null },
    ]);
  });

  test("only a null value is announced as null", () => {
    expect(programEnvironment(requestOf("cat", { record: { value: null } }))["BRIGADE_NULL"]).toBe("1");
    expect(
      programEnvironment(requestOf("cat", { record: { value: new Uint8Array() } }))["BRIGADE_NULL"],
    ).toBeUndefined();
  });

  test("env of the processor may replace PATH, but no part of the contract", () => {
    const env = programEnvironment(
      requestOf("cat", {
        spec: {
          env: [
            ["PATH", "/opt/bin"],
            ["MODE", "fast=yes"],
            ["BRIGADE_TOPIC", "mine"],
            ["BRIGADE_NULL", "1"],
            ["BRIGADE_KEY", "mine"],
          ],
        },
      }),
    );
    expect(env["PATH"]).toBe("/opt/bin");
    expect(env["MODE"]).toBe("fast=yes");
    expect(env["BRIGADE_TOPIC"]).toBe("in");
    expect(env["BRIGADE_NULL"]).toBeUndefined();
    expect(env["BRIGADE_KEY"]).toBeUndefined();
  });

  test("what Linux could not pass is left out and named", () => {
    const env = programEnvironment(
      requestOf("cat", {
        record: { key: new Uint8Array(200_000).fill(97), headers: [["h", new Uint8Array(200_000).fill(97)]] },
      }),
    );
    expect(env["BRIGADE_KEY"]).toBeUndefined();
    expect(env["BRIGADE_HEADERS"]).toBeUndefined();
    expect(env["BRIGADE_OMITTED"]).toBe("BRIGADE_HEADERS BRIGADE_KEY");
  });
});
