import { expect, test } from "bun:test";
import { loadMachines } from "./machines.ts";
import { addSummaries, emptySummary, missingFaults, replayCommand, summaryOf } from "./report.ts";
import { simulate } from "./world.ts";

/*
 * Whole histories of the production engine, runner and executor session between models of Kafka, Mesos, programs and
 * processes that die. `scripts/simulate` runs more of them.
 */

const SEEDS = 500;
const SEEDS_PER_TEST = 50;
/** A second where nothing else runs. */
const TIMEOUT_MS = 600_000;

const machines = await loadMachines();
let summary = emptySummary;

for (let first = 1; first <= SEEDS; first += SEEDS_PER_TEST) {
  const last = first + SEEDS_PER_TEST - 1;
  const name = `no promise breaks in the histories of seeds ${first} to ${last}, and each comes to rest`;
  const run = (): void => {
    for (let seed = first; seed <= last; seed++) {
      const history = simulate(seed, machines);
      summary = addSummaries(summary, summaryOf(history));
      if (history.broken !== undefined) throw new Error(`${history.broken.message}\nreplay: ${replayCommand(seed)}`);
    }
  };
  test(name, run, TIMEOUT_MS);
}

test("each kind of fault has struck in them", () => {
  expect(missingFaults(summary)).toEqual([]);
});

test("a seed gives the same history each time", () => {
  for (const seed of [4, 76, 197]) {
    expect(simulate(seed, machines).trace()).toEqual(simulate(seed, machines).trace() as string[]);
  }
});
