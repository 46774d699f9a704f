import { expect, test } from "bun:test";
import { whatCatches } from "./catching.ts";
import { mutants } from "./mutants.ts";
import { plant } from "./plant.ts";

const TIMEOUT_MS = 600_000;

for (const mutant of mutants) {
  const by = "unitTest" in mutant ? mutant.unitTest : "the simulation";
  test(`${by} catches: ${mutant.name}`, async () => expect(await whatCatches(mutant)).toBeString(), TIMEOUT_MS);
}

test("a mutant whose line is gone from the code says so", async () => {
  const gone = { file: "engine/tracker.ts", find: "no such line", replace: "" };
  const failure = await plant(gone).catch((error: unknown) => error);
  expect(String(failure)).toContain("has the mutant's line 0 times");
});
