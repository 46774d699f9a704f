import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { AnswerGuard } from "../../../src/kafka/answer-guard.ts";

function answer(length: number): Buffer {
  const bytes = Buffer.alloc(4 + length, 0xff);
  bytes.writeInt32BE(length);
  return bytes;
}

describe("the guard of a broker's answers", () => {
  test("lets answers pass, however they are cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 4, max: 40 })),
        fc.infiniteStream(fc.integer({ min: 1, max: 9 })),
        (lengths, sizes) => {
          const bytes = Buffer.concat(lengths.map(answer));
          const guard = new AnswerGuard();
          for (let at = 0; at < bytes.byteLength; ) {
            const size = sizes.next().value ?? 1;
            expect(guard.problem(bytes.subarray(at, at + size))).toBeUndefined();
            at += size;
          }
        },
      ),
    );
  });

  test.each([-1, -2_147_483_648, 0, 3, 134_217_729, 2_147_483_647])(
    "notices a length of %d behind sound answers",
    (length) => {
      const head = Buffer.alloc(4);
      head.writeInt32BE(length);
      const bytes = Buffer.concat([answer(4), answer(100), head]);
      const whole = new AnswerGuard();
      expect(whole.problem(bytes)).toContain(`claims ${length} bytes`);
      const single = new AnswerGuard();
      const problems = Array.from(bytes, (byte) => single.problem(Uint8Array.of(byte)));
      expect(problems.findIndex((problem) => problem !== undefined)).toBe(bytes.byteLength - 1);
    },
  );
});
