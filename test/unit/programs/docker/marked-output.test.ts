import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { concatBytes, utf8 } from "../../../../src/base/bytes.ts";
import { MarkedOutput } from "../../../../src/programs/docker/warm-witness.ts";

const MARK = "0123456789abcdef";

function marked(): { readonly output: MarkedOutput; readonly text: () => string; readonly marks: () => number } {
  const parts: Uint8Array[] = [];
  let marks = 0;
  const sink = { stdout: (part: Uint8Array) => void parts.push(part.slice()), stderr: () => undefined };
  const output = new MarkedOutput(sink, MARK, () => marks++);
  return { output, text: () => Buffer.from(concatBytes(parts)).toString("latin1"), marks: () => marks };
}

describe("output with a mark behind it", () => {
  test("is whole when the mark comes, however it is cut, and whatever follows is nobody's", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 60 }),
        fc.array(fc.nat(80)),
        fc.uint8Array({ maxLength: 20 }),
        (own, cuts, rest) => {
          const { output, text, marks } = marked();
          const all = concatBytes([own, utf8(`${MARK}\n`), rest]);
          const places = [...new Set([0, ...cuts.filter((at) => at < all.length), all.length])].sort((a, b) => a - b);
          for (const [index, at] of places.slice(1).entries()) output.stdout(all.subarray(places[index], at));
          expect(marks()).toBe(1);
          expect(text()).toBe(Buffer.from(own).toString("latin1"));
          expect(output.passedBytes).toBe(own.byteLength);
          output.end();
          expect(text()).toBe(Buffer.from(own).toString("latin1"));
        },
      ),
    );
  });

  test("that never comes costs none of it", () => {
    const { output, text, marks } = marked();
    output.stdout(utf8("some text, and "));
    output.stdout(utf8(MARK));
    expect(output.receivedBytes).toBe(31);
    output.end();
    expect(text()).toBe(`some text, and ${MARK}`);
    expect(marks()).toBe(0);
  });
});

describe("output between two marks", () => {
  test("begins behind the first one, which tells that the program is there, however all of it is cut", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), fc.integer({ min: 1, max: 40 }), async (own, size) => {
        const { output, text, marks } = marked();
        const greeted = output.greeted();
        const all = concatBytes([utf8(`${MARK}\n`), own, utf8(`${MARK}\n`)]);
        for (let at = 0; at < all.length; at += size) output.stdout(all.subarray(at, at + size));
        expect(await greeted).toBe("there");
        expect([marks(), text()]).toEqual([1, Buffer.from(own).toString("latin1")]);
        expect([output.receivedBytes >= own.byteLength, output.passedBytes]).toEqual([true, own.byteLength]);
      }),
    );
  });

  test("is whole where it turns out to come without a witness", () => {
    const { output, text } = marked();
    void output.greeted();
    output.withoutWitness();
    output.stdout(utf8("a program without a shell beside it"));
    output.end();
    expect(text()).toBe("a program without a shell beside it");
  });
});
