import { expect, test } from "bun:test";
import fc from "fast-check";
import { SettledOffsets } from "../../../src/engine/settled-offsets.ts";

/** Obviously right, and slow. */
class Naive {
  readonly done = new Set<number>();
  watermark: number;
  constructor(watermark: number) {
    this.watermark = watermark;
  }
  add(offset: number): boolean {
    if (offset < this.watermark || this.done.has(offset)) return false;
    this.done.add(offset);
    while (this.done.delete(this.watermark)) this.watermark++;
    return true;
  }
  runs(): [number, number][] {
    const runs: [number, number][] = [];
    for (const offset of [...this.done].sort((a, b) => a - b)) {
      const last = runs.at(-1);
      if (last !== undefined && last[1] === offset) last[1]++;
      else runs.push([offset, offset + 1]);
    }
    return runs;
  }
}

test("the watermark stays below the lowest offset that is not settled, whatever the order", () => {
  const operation = fc.oneof(
    fc.record({ start: fc.nat(4000), length: fc.constant(1) }),
    fc.record({ start: fc.nat(4000), length: fc.nat(2500) }),
  );
  fc.assert(
    fc.property(fc.nat(2000), fc.array(operation, { maxLength: 120 }), (first, operations) => {
      const real = new SettledOffsets(first);
      const naive = new Naive(first);
      for (const { start, length } of operations) {
        if (length === 1) {
          expect(real.add(start)).toBe(naive.add(start));
        } else {
          real.addRange(start, start + length);
          for (let offset = start; offset < start + length; offset++) naive.add(offset);
        }
        expect(real.watermark).toBe(naive.watermark);
      }
      expect([...real.runsAbove()].map(([a, b]) => [a, b])).toEqual(naive.runs());
      for (let offset = 0; offset < 7000; offset += 7) {
        expect(real.has(offset)).toBe(offset < naive.watermark || naive.done.has(offset));
      }
    }),
    { numRuns: 150, seed: 11 },
  );
});

test("a gap of many millions costs no time", () => {
  const settled = new SettledOffsets(5);
  settled.addRange(5, 2 ** 40);
  expect(settled.watermark).toBe(2 ** 40);
  expect([...settled.runsAbove()]).toEqual([]);
});

test("an offset settled twice is settled once", () => {
  const settled = new SettledOffsets(0);
  expect(settled.add(3)).toBe(true);
  expect(settled.add(3)).toBe(false);
  expect(settled.watermark).toBe(0);
  expect(settled.end).toBe(4);
});
