import { expect, test } from "bun:test";
import fc from "fast-check";
import { decodeCommitMetadata, encodeCommitMetadata } from "../../../src/engine/commit-metadata.ts";
import { SettledOffsets } from "../../../src/engine/settled-offsets.ts";

const scattered = fc.record({
  watermark: fc.nat(1_000_000),
  settled: fc.uniqueArray(fc.integer({ min: 1, max: 3000 }), { maxLength: 400 }),
  attempts: fc.uniqueArray(fc.tuple(fc.nat(3000), fc.integer({ min: 1, max: 9 })), {
    maxLength: 20,
    selector: ([offset]) => offset,
  }),
});

test("a successor reads exactly what was settled and how often programs had failed", () => {
  fc.assert(
    fc.property(scattered, ({ watermark, settled, attempts }) => {
      const offsets = new SettledOffsets(watermark);
      for (const above of settled) offsets.add(watermark + above);
      const pairs = attempts.map(([above, failed]) => [watermark + above, failed] as const);
      const { metadata, coveredUntil } = encodeCommitMetadata(offsets, pairs, 100_000);
      expect(coveredUntil).toBe(offsets.end);
      const decoded = decodeCommitMetadata(metadata, watermark);
      expect(decoded.type).toBe("known");
      if (decoded.type !== "known") return;
      expect(decoded.runs).toEqual([...offsets.runsAbove()]);
      expect(decoded.attempts).toEqual(new Map(pairs));
    }),
    { numRuns: 300, seed: 5 },
  );
});

test("metadata never exceeds the broker's limit, and what is cut off lies at the end", () => {
  fc.assert(
    fc.property(scattered, fc.integer({ min: 0, max: 200 }), ({ watermark, settled, attempts }, limit) => {
      const offsets = new SettledOffsets(watermark);
      for (const above of settled) offsets.add(watermark + above);
      const { metadata, coveredUntil } = encodeCommitMetadata(offsets, attempts, limit);
      expect(metadata.length).toBeLessThanOrEqual(limit);
      const decoded = decodeCommitMetadata(metadata, watermark);
      if (decoded.type !== "known") throw new Error("its own metadata is foreign");
      const kept = new SettledOffsets(watermark);
      for (const [start, end] of decoded.runs) kept.addRange(start, end);
      for (const above of settled) {
        const offset = watermark + above;
        expect(kept.has(offset)).toBe(offset < coveredUntil);
      }
    }),
    { numRuns: 300, seed: 6 },
  );
});

test("every pattern of 24 000 offsets fits into the default limit", () => {
  const offsets = new SettledOffsets(10);
  for (let above = 1; above < 24_000; above += 2) offsets.add(10 + above);
  const { metadata, coveredUntil } = encodeCommitMetadata(offsets, []);
  expect(coveredUntil).toBe(offsets.end);
  expect(metadata.length).toBeLessThanOrEqual(4096);
});

test("foreign, newer and damaged metadata is said to be foreign", () => {
  for (const metadata of ["NO_METADATA", "2rAAA", "1x", "1r!", "1rAQ", "1r_____________w"]) {
    expect(decodeCommitMetadata(metadata, 0).type).toBe("foreign");
  }
});
