import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { GroupDriver, REBALANCE_MS, SESSION_MS } from "./group-driver.ts";

type Step =
  | { readonly do: "come"; readonly knows: boolean }
  | { readonly do: "join" | "sync" | "heartbeat" | "leave"; readonly member: number }
  | { readonly do: "wait"; readonly ms: number };

const member = fc.nat(7);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant("come" as const), knows: fc.boolean() }),
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom("join" as const, "sync" as const), member }) },
  fc.record({ do: fc.constantFrom("heartbeat" as const, "leave" as const), member }),
  fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(1, 3000, SESSION_MS, REBALANCE_MS) }),
);

/** Clients that do anything at any time; each remembers the generation that it was told last. */
function run(steps: readonly Step[], initialRebalanceDelayMs: number): GroupDriver {
  const driver = new GroupDriver({ initialRebalanceDelayMs });
  const ids: string[] = [];
  const generationOf = (id: string): number =>
    Math.max(
      -1,
      ...[...driver.joins.values()].filter(({ memberId }) => memberId === id).map((answer) => answer.generationId),
    );
  for (const [i, action] of steps.entries()) {
    if (action.do === "wait") {
      driver.advance(action.ms);
    } else if (action.do === "come") {
      ids.push(`m${i}`);
      driver.join("", { newMemberId: `m${i}`, requireKnownMemberId: action.knows });
    } else {
      const id = ids[action.member] ?? "stranger";
      if (action.do === "join") driver.join(id, { protocols: [{ name: "range", metadata: Uint8Array.of(i % 2) }] });
      if (action.do === "sync")
        driver.sync(
          id,
          generationOf(id),
          Object.fromEntries(ids.map((each) => [each, `${each} in ${generationOf(id)}`])),
        );
      if (action.do === "heartbeat") driver.heartbeat(id, generationOf(id));
      if (action.do === "leave") driver.leave(id);
    }
  }
  return driver;
}

function check(property: (driver: GroupDriver) => void): void {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.constantFrom(0, 3000), (steps, delayMs) =>
      property(run(steps, delayMs)),
    ),
    { numRuns: 300 },
  );
}

describe("whatever the members of a group do", () => {
  test("every request is answered once, at the latest when everybody has fallen silent, and the group is empty then", () => {
    check((driver) => {
      driver.advance(10 * REBALANCE_MS);
      expect(driver.joins.size + driver.syncs.size).toBe(driver.lastTicket);
      expect(driver.group.isVacant).toBeTrue();
      expect(driver.group.nextDeadlineMs()).toBe(Number.POSITIVE_INFINITY);
    });
  });

  test("generations rise one by one", () => {
    check(({ generations }) => {
      expect(generations).toEqual(generations.map((_, i) => i + 1));
    });
  });

  test("in each generation there is one leader, and it knows exactly the members that were told of it", () => {
    check((driver) => {
      const told = Map.groupBy(
        [...driver.joins.values()].filter(({ errorCode }) => errorCode === 0),
        ({ generationId }) => generationId,
      );
      for (const answers of told.values()) {
        const members = new Set(answers.map(({ memberId }) => memberId));
        const lists = answers.filter((answer) => answer.members.length > 0);
        expect(new Set(lists.map(({ memberId }) => memberId))).toEqual(new Set([answers[0]!.leader]));
        for (const { members: listed } of lists)
          expect(new Set(listed.map(({ memberId }) => memberId))).toEqual(members);
      }
    });
  });

  test("an assignment is the one that the leader gave in that generation", () => {
    check((driver) => {
      for (const { errorCode, assignment } of driver.syncs.values()) {
        if (errorCode !== 0 || assignment.byteLength === 0) continue;
        const [id, generation] = Buffer.from(assignment).toString().split(" in ");
        expect(driver.generations).toContain(Number(generation));
        expect(
          [...driver.joins.values()].some(
            (answer) => answer.memberId === id && answer.generationId === Number(generation),
          ),
        ).toBeTrue();
      }
    });
  });
});
