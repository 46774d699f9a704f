import { expect, test } from "bun:test";
import { BrokenPromise } from "../checks.ts";
import { simulate } from "../world.ts";
import { type Mutant, mutants } from "./mutants.ts";
import { plant } from "./plant.ts";

const TIMEOUT_MS = 120_000;

const isCaught = async (mutant: Mutant): Promise<void> => {
  const machines = await plant(mutant);
  let broken: BrokenPromise | undefined;
  for (let seed = 1; seed <= mutant.seeds && broken === undefined; seed++) broken = simulate(seed, machines).broken;
  expect(broken).toBeInstanceOf(BrokenPromise);
};

for (const mutant of mutants) test(`the simulation catches: ${mutant.name}`, () => isCaught(mutant), TIMEOUT_MS);

test("a mutant whose line is gone from the code says so", async () => {
  const gone = { file: "engine/tracker.ts", find: "no such line", replace: "" };
  const failure = await plant(gone).catch((error: unknown) => error);
  expect(String(failure)).toContain("has the mutant's line 0 times");
});
