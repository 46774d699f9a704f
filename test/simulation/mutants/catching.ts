import { simulate } from "../world.ts";
import type { Mutant } from "./mutants.ts";
import { failuresOf, plant } from "./plant.ts";

/** What catches it, for people; undefined: it survives. */
export async function whatCatches(mutant: Mutant): Promise<string | undefined> {
  if ("unitTest" in mutant) {
    const failures = await failuresOf(mutant, mutant.unitTest);
    return failures.length === 0 ? undefined : "a unit test";
  }
  const machines = await plant(mutant);
  for (let seed = 1; seed <= mutant.seeds; seed++) {
    const { broken } = simulate(seed, machines);
    if (broken !== undefined) return `${broken.promise} at seed ${seed}`;
  }
  return undefined;
}
