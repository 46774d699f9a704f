import { type Random, randomInt } from "../../src/base/random.ts";

/** Values that nobody expects, in the place of others. */
const odd: readonly unknown[] = [
  ...[0, -1, 0.1, 1e-9, 1e18, -1e18, 2 ** 53, 1e308, "Infinity", "-Infinity", "NaN"],
  ...["", "a/../b", "*", "-", ".", " ", "\u0000", "x".repeat(300), "__proto__", true, null, {}, [], [{}], [[]]],
];

/** The same with up to two of its values spoilt. */
export function spoiltJson(json: object, random: Random): object {
  const copy = structuredClone(json) as Record<string, unknown>;
  for (let times = randomInt(random, 3); times > 0; times--) {
    const [holder, key] = somewhere(copy, random);
    const value = holder[key];
    const what = randomInt(random, 4);
    if (what === 0) delete holder[key];
    else if (what === 1 && Array.isArray(value)) holder[key] = [...(value as unknown[]), ...(value as unknown[])];
    else holder[key] = structuredClone(odd[randomInt(random, odd.length)]);
  }
  return copy;
}

function somewhere(root: Record<string, unknown>, random: Random): readonly [Record<string, unknown>, string] {
  let holder = root;
  for (;;) {
    const keys = Object.keys(holder).filter((key) => key !== "type" || random.next() < 0.1);
    const key = keys[randomInt(random, keys.length)];
    if (key === undefined) return [root, "nothing"];
    const value = holder[key];
    if (typeof value !== "object" || value === null || random.next() < 0.1) return [holder, key];
    holder = value as Record<string, unknown>;
  }
}
