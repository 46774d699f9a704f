import { describe, expect, test } from "bun:test";
import { utf8 } from "../../../src/base/bytes.ts";
import { isWanted, type OfferWishes, wishesProblem } from "../../../src/local/mesos/master/offer-wishes.ts";
import { Resources } from "../../../src/local/mesos/resources.ts";
import { decodeMessage } from "../../../src/mesos/codec.ts";
import type { AgentInfo, FrameworkInfo, Resource } from "../../../src/mesos/types.ts";

/** In the API's own JSON, as a master would read it. */
function wishes(constraints?: object, offer_filters?: object): OfferWishes {
  const read = (name: string, json: object): object =>
    decodeMessage(`mesos.v1.${name}`, utf8(JSON.stringify(json)), "application/json");
  return {
    constraints: constraints && read("scheduler.OfferConstraints", constraints),
    filters: (read("FrameworkInfo", { user: "u", name: "n", offer_filters }) as FrameworkInfo).offerFilters,
  };
}

const agent: AgentInfo = {
  hostname: "host-1",
  attributes: [
    { name: "rack", type: "TEXT", text: { value: "r1" } },
    { name: "rack", type: "TEXT", text: { value: "r2" } },
    { name: "slots", type: "SCALAR", scalar: { value: 3 } },
  ],
};

function amount(cpus: number, mem: number): Resources {
  const scalar = (name: string, value: number): Resource => ({ name, type: "SCALAR", scalar: { value } });
  return Resources.of([scalar("cpus", cpus), scalar("mem", mem)]);
}

const attribute = (attribute_name: string, predicate: object): object => ({ selector: { attribute_name }, predicate });
const pseudo = (pseudoattribute_type: string, predicate: object): object => ({
  selector: { pseudoattribute_type },
  predicate,
});
const groups = (...all: object[][]): object => ({
  role_constraints: { a: { groups: all.map((attribute_constraints) => ({ attribute_constraints })) } },
});
const text_equals = (value: string): object => ({ text_equals: { value } });
const text_not_equals = (value: string): object => ({ text_not_equals: { value } });

describe("an agent is offered", () => {
  test.each<[object, boolean]>([
    [attribute("rack", { exists: {} }), true],
    [attribute("rack", { not_exists: {} }), false],
    [attribute("disk", { exists: {} }), false],
    [attribute("disk", { not_exists: {} }), true],
    [attribute("rack", text_equals("r1")), true],
    [attribute("rack", text_equals("r2")), false],
    [attribute("rack", text_not_equals("r1")), false],
    [attribute("rack", text_not_equals("r2")), true],
    [attribute("disk", text_equals("ssd")), false],
    [attribute("disk", text_not_equals("ssd")), true],
    [attribute("slots", text_equals("3")), true],
    [attribute("slots", text_not_equals("3")), true],
    [pseudo("HOSTNAME", text_equals("host-1")), true],
    [pseudo("HOSTNAME", text_equals("host-2")), false],
    [pseudo("ZONE", { exists: {} }), false],
  ])("where %j: %p", (constraint, wanted) => {
    const all = wishes(groups([constraint]));
    expect(wishesProblem(all, ["a"])).toBeUndefined();
    expect(isWanted(all, "a", agent, amount(1, 1))).toBe(wanted);
    expect(isWanted(all, "b", agent, amount(1, 1))).toBe(true);
  });

  test("where all constraints of any group hold, and where there is none", () => {
    const [holds, fails] = [attribute("rack", { exists: {} }), attribute("rack", { not_exists: {} })];
    const offered = (...all: object[][]): boolean => isWanted(wishes(groups(...all)), "a", agent, amount(1, 1));
    expect(offered([holds, fails], [holds])).toBe(true);
    expect(offered([holds, fails], [fails])).toBe(false);
    expect(offered()).toBe(true);
  });
});

describe("what is offered", () => {
  const least = (...all: Record<string, number>[]): object => {
    const scalars = (each: Record<string, number>): object =>
      Object.fromEntries(Object.entries(each).map(([name, value]) => [name, { value }]));
    return { a: { min_allocatable_resources: { quantities: all.map((each) => ({ quantities: scalars(each) })) } } };
  };
  const offered = (filters: object | undefined, cpus: number, mem: number): boolean =>
    isWanted(wishes(undefined, filters), "a", agent, amount(cpus, mem));

  test("is at least 0.01 cpus or 32 MB, unless the framework says otherwise", () => {
    expect([offered(undefined, 0.01, 0), offered(undefined, 0, 32), offered(undefined, 0, 31)]).toEqual([
      true,
      true,
      false,
    ]);
    const filters = least({ cpus: 1, mem: 100 }, { mem: 1000 });
    expect([offered(filters, 1, 100), offered(filters, 0, 1000), offered(filters, 2, 99)]).toEqual([true, true, false]);
    expect(offered(least(), 0, 1)).toBe(true);
  });

  test.each<[object, string]>([
    [least({}), "Resource quantities must contain at least one quantity"],
    [least({ cpus: -1 }), "Invalid resource quantity for 'cpus': Negative values not supported"],
  ])("%j is refused", (filters, words) => {
    expect(wishesProblem(wishes(undefined, filters), ["a"])).toBe(words);
  });
});

test.each<[object, string]>([
  [
    { role_constraints: { b: {} } },
    "Offer constraints specify `role_constraints` for a role 'b'not contained in the set of roles",
  ],
  [
    groups([{ selector: {}, predicate: { exists: {} } }]),
    "Offer constraints are not valid: exactly one of 'pseudoattribute_type' and 'attribute_name' must be set",
  ],
  [groups([attribute("x", {})]), "Offer constraints are not valid: exactly one predicate must be set"],
  [
    groups([attribute("x", { text_matches: { regex: "(a+)+$" } })]),
    "Offer constraints are not valid: 'text_matches' and 'text_not_matches' are not supported by Brigade's embedded Mesos",
  ],
])("%j is refused", (constraints, words) => {
  expect(wishesProblem(wishes(constraints), ["a"])).toBe(words);
});
