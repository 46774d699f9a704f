import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { childPath, JsonSyntaxError, parseJsonSource } from "../../../src/config/json-source.ts";

function syntaxError(text: string): string {
  try {
    parseJsonSource(text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    return `${error.position.line}:${error.position.column} ${error.message}`;
  }
  return "no error";
}

test("reads what JSON.parse reads, with any white space", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(undefined, 1, "\t", "\r\n"), (value, indent) => {
      const text = JSON.stringify(value, undefined, indent);
      expect(parseJsonSource(text).value).toEqual(JSON.parse(text));
    }),
  );
});

test("refuses what JSON.parse refuses, and never fails in another way", () => {
  const piece = fc.constantFrom(
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    '"',
    '"a"',
    "1",
    "-",
    "0",
    ".5",
    "true",
    "nul",
    " ",
    "\n",
    "\\",
    "\\u00",
    "e",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const text = pieces.join("");
      let expected: unknown;
      try {
        expected = JSON.parse(text);
      } catch {
        expect(syntaxError(text)).toMatch(/^\d+:\d+ /);
        return;
      }
      expect(parseJsonSource(text).value).toEqual(expected);
    }),
    { numRuns: 2000 },
  );
});

test("knows where each value and each name stands", () => {
  const source = parseJsonSource('\uFEFF[\n  {"a": [1,\n 2], "b c": {}}\n]');
  expect(source.positionOf("$[0]")).toEqual({ line: 2, column: 3 });
  expect(source.positionOf("$[0].a")).toEqual({ line: 2, column: 4 });
  expect(source.positionOf("$[0].a[1]")).toEqual({ line: 3, column: 2 });
  expect(source.positionOf(childPath("$[0]", "b c"))).toEqual({ line: 3, column: 6 });
  expect(source.positionOf("$[1]")).toBeUndefined();
});

test("tells of names that appear twice, wherever", () => {
  const { repeated, value } = parseJsonSource('{"a": 1, "b": {"c": 1, "c": 2}, "a": 3}');
  expect(repeated.map(({ path }) => path)).toEqual(["$.b.c", "$.a"]);
  expect(value).toEqual({ a: 3, b: { c: 2 } });
});

test("a name like __proto__ is an ordinary name", () => {
  const { value } = parseJsonSource('{"__proto__": {"a": 1}}');
  expect(Object.keys(value as object)).toEqual(["__proto__"]);
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
});

describe("a syntax error says what stands where, and what must", () => {
  const cases: readonly (readonly [text: string, error: string])[] = [
    ["", "1:1 the file is empty"],
    ["  \n ", "2:2 the file is empty"],
    ['{"a": 1,}', '1:8 "," stands before "}", must be removed'],
    ["[1,\n]", '1:3 "," stands before "]", must be removed'],
    ['{"a" 1}', '1:6 "1" stands where ":" must be, after the name "a"'],
    ['{"a": 1', '1:8 the end of the file stands where "," or "}" must be, after "a"'],
    ["{'a': 1}", "1:2 a single quote (JSON takes double quotes only) stands where a name in double quotes must be"],
    ["{a: 1}", '1:2 "a" stands where a name in double quotes must be'],
    ["[1 // one\n]", '1:4 a comment (JSON has none) stands where "," or "]" must be'],
    ['["a\nb"]', "1:4 a control character (or line end) stands inside a string, must be escaped"],
    ['["a', "1:2 the string that begins here has no end"],
    [String.raw`["\x"]`, String.raw`1:3 "\x" is no escape of JSON`],
    ["[TRUE]", '1:2 "TRUE" stands where a value must be'],
    ["[01]", '1:2 "01" stands where a value must be'],
    ["{}\n{}", '2:1 "{" follows the end of the JSON value; several processors go into one array: [{…}, {…}]'],
    ["[".repeat(100), "1:66 values are nested more than 64 deep"],
  ];
  for (const [text, error] of cases) {
    test(JSON.stringify(text).slice(0, 30), () => expect(syntaxError(text)).toBe(error));
  }
});
