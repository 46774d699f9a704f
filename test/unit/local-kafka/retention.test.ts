import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Retained, retainedFrom, type SizedPosition } from "../../../src/local/kafka/log/retention.ts";

const NOW_MS = 1_000_000;

interface Batch {
  readonly ageMs: number;
  readonly sizeBytes: number;
  readonly records: number;
}

/** A log of such batches that tells of three at a time. */
function logOf(batches: readonly Batch[], stableOffset?: number): Retained & { readonly end: number } {
  let end = 0;
  const positions = batches.map(({ ageMs, sizeBytes, records }): SizedPosition => {
    const baseOffset = end;
    end += records;
    return { baseOffset, lastOffset: end - 1, maxTimestampMs: NOW_MS - ageMs, sizeBytes };
  });
  return {
    logStartOffset: 0,
    stableOffset: stableOffset ?? end,
    sizeBytes: batches.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    batchesFrom: (offset) => positions.filter(({ baseOffset }) => baseOffset >= offset).slice(0, 3),
    end,
  };
}

const batch = (ageMs: number, sizeBytes = 10, records = 1): Batch => ({ ageMs, sizeBytes, records });
const forEver = { ms: undefined, bytes: undefined };

describe("retention", () => {
  test("keeps everything where nothing limits it", () => {
    expect(retainedFrom(logOf([batch(9e9)]), forEver, NOW_MS)).toBe(0);
  });

  test("lets go what is too old, up to the first that is not", () => {
    const log = logOf([batch(300), batch(200, 10, 4), batch(100), batch(300)]);
    expect(retainedFrom(log, { ...forEver, ms: 150 }, NOW_MS)).toBe(5);
    expect(retainedFrom(log, { ...forEver, ms: 50 }, NOW_MS)).toBe(log.end);
    expect(retainedFrom(log, { ...forEver, ms: 300 }, NOW_MS)).toBe(0);
  });

  test("lets the oldest go while enough is left without them", () => {
    const log = logOf([batch(0, 30), batch(0, 30), batch(0, 30)]);
    expect([0, 29, 30, 31, 60, 61, 90].map((bytes) => retainedFrom(log, { ...forEver, bytes }, NOW_MS))).toEqual([
      3, 2, 2, 1, 1, 0, 0,
    ]);
  });

  test("keeps what not every reader may see yet", () => {
    expect(retainedFrom(logOf([batch(300), batch(300)], 1), { ...forEver, ms: 1 }, NOW_MS)).toBe(1);
  });

  test("lets go the longest run of batches of which each is too old or too many", () => {
    const batches = fc.array(
      fc.record({
        ageMs: fc.nat(10),
        sizeBytes: fc.integer({ min: 1, max: 9 }),
        records: fc.integer({ min: 1, max: 3 }),
      }),
      { maxLength: 20 },
    );
    const limit = fc.option(fc.nat(60), { nil: undefined });
    fc.assert(
      fc.property(batches, limit, limit, (all, ms, bytes) => {
        const log = logOf(all);
        let expected = 0;
        for (const [i, { ageMs, records }] of all.entries()) {
          const behind = all.slice(i + 1).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
          if (!((ms !== undefined && ageMs > ms) || (bytes !== undefined && behind >= bytes))) break;
          expected += records;
        }
        expect(retainedFrom(log, { ms, bytes }, NOW_MS)).toBe(expected);
      }),
    );
  });
});
