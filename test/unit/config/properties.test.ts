import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { parseProperties } from "../../../src/config/properties.ts";

/** `line key=value` of each property. */
const read = (text: string): string[] => parseProperties(text).map(({ key, value, line }) => `${line} ${key}=${value}`);

test("keys and values are separated by =, : or blanks, and blanks around do not count", () => {
  expect(read("A=1\n B = 2 \nC: 3\nD\t4\nE\nF =\nG = = x\nH : = y")).toEqual([
    "1 A=1",
    "2 B=2",
    "3 C=3",
    "4 D=4",
    "5 E=",
    "6 F=",
    "7 G== x",
    "8 H== y",
  ]);
});

test("# and ! begin comments at the start of a line only", () => {
  expect(read("# a=1\n  ! b=2\nc = 3 # four\n\n")).toEqual(["3 c=3 # four"]);
});

test("an odd number of backslashes at the end goes on in the next line", () => {
  expect(read("A = one, \\\n    two, \\\r\n  # three\nB = c:\\\\\nC=4")).toEqual([
    "1 A=one, two, # three",
    "4 B=c:\\",
    "5 C=4",
  ]);
  expect(read("A = open \\")).toEqual(["1 A=open"]);
});

test("escapes are those of Java", () => {
  expect(read(String.raw`a\ b\=c = \u00e9\t\q\\n`)).toEqual(["1 a b=c=é\tq\\n"]);
});

test("a value is taken as it is: quotes and $ mean nothing", () => {
  expect(read(`A = "x" $HOME 'y'`)).toEqual([`1 A="x" $HOME 'y'`]);
});

test("what is written with every special character escaped is read back", () => {
  const escape = (text: string): string => text.replace(/[\\=:#! \t]/g, "\\$&");
  const word = fc.string({ minLength: 1 }).filter((text) => !/[\r\n\f]/.test(text) && text.trim() === text);
  fc.assert(
    fc.property(fc.array(fc.tuple(word, word), { maxLength: 5 }), (pairs) => {
      const text = pairs.map(([key, value]) => `${escape(key)} = ${escape(value)}`).join("\n");
      expect(parseProperties(text).map(({ key, value }) => [key, value])).toEqual(pairs);
    }),
  );
});
