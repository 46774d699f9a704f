import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { checkProcessorSet, type ProcessorSketch } from "../../../src/config/processor-set.ts";

const topic = fc.constantFrom("a", "b", "c", "d", "e", "f");
const sketches = fc
  .array(fc.record({ input: topic, outputs: fc.array(topic, { maxLength: 2 }) }), { maxLength: 7 })
  .map((edges) =>
    edges.map(
      (edge, index): ProcessorSketch => ({
        ...edge,
        file: "x.json",
        path: `$[${index}]`,
        name: `p${index}`,
        group: undefined,
        position: undefined,
        executor: undefined,
      }),
    ),
  );

/** Whether some processor can be reached from itself by way of another one. */
function hasCircle(all: readonly ProcessorSketch[]): boolean {
  const feeds = (from: ProcessorSketch, to: ProcessorSketch): boolean =>
    to.input !== undefined && from.outputs.includes(to.input);
  const reaches = (from: ProcessorSketch, to: ProcessorSketch, steps: number): boolean =>
    feeds(from, to) || (steps > 0 && all.some((between) => feeds(from, between) && reaches(between, to, steps - 1)));
  return all.some((one) => all.some((other) => one !== other && reaches(one, other, 5) && reaches(other, one, 5)));
}

test("a circle is reported if and only if there is one, and each one is a circle", () => {
  fc.assert(
    fc.property(sketches, (all) => {
      const problems = checkProcessorSet(all);
      expect(problems.length > 0).toBe(hasCircle(all));
      expect(new Set(problems.map(({ message }) => message)).size).toBe(problems.length);
      for (const { message } of problems) {
        const way = [...message.matchAll(/p(\d+) \(/g)].map(([, index]) => all[Number(index)]!);
        expect(way.length).toBeGreaterThan(2);
        expect(way.at(0)).toBe(way.at(-1));
        for (const [index, sketch] of way.slice(1).entries()) expect(way[index]?.outputs).toContain(sketch.input);
      }
    }),
    { numRuns: 300 },
  );
});
