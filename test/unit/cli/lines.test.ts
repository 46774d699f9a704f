import { expect, test } from "bun:test";
import fc from "fast-check";
import { splitLines } from "../../../src/cli/lines.ts";

async function split(chunks: readonly Uint8Array[]): Promise<string[]> {
  async function* source(): AsyncGenerator<Uint8Array> {
    yield* chunks;
  }
  const lines: string[] = [];
  for await (const line of splitLines(source())) lines.push(Buffer.from(line).toString("latin1"));
  return lines;
}

test("lines end with a line feed; what follows the last one counts if it is not empty", async () => {
  expect(await split([Buffer.from("a\n\nb")])).toEqual(["a", "", "b"]);
  expect(await split([Buffer.from("a\nb\n")])).toEqual(["a", "b"]);
  expect(await split([])).toEqual([]);
});

test("carriage returns, zeros and bytes that are no text stay as they are", async () => {
  expect(await split([Buffer.from("a\r\n\0\xff\n", "latin1")])).toEqual(["a\r", "\0\xff"]);
});

test("lines do not depend on where the chunks are cut", async () => {
  const piece = fc.constantFrom("a", "bc", "\n", "\n\n", "\xff");
  await fc.assert(
    fc.asyncProperty(fc.array(piece), async (pieces) => {
      const whole = pieces.join("");
      const expected = whole.split("\n");
      if (expected.at(-1) === "") expected.pop();
      expect(await split(pieces.map((text) => Buffer.from(text, "latin1")))).toEqual(expected);
    }),
  );
});
