import { expect, test } from "bun:test";
import { seededRandom } from "../../../src/base/random.ts";
import { untilTopicsUsable } from "../../../src/meta/usable-topics.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { until } from "../../support/until.ts";

/** A Kafka in which topics appear when a test says so. */
function fixture({ create = false } = {}) {
  const existing = new Set<string>();
  const wanted: string[] = ["in", "out"];
  const troubles: string[] = [];
  const absent = new Set<string>();
  const clock = new ManualClock();
  const stop = new AbortController();
  let broken = false;
  const usable = untilTopicsUsable({
    admin: {
      async ensureTopics(topics, shape) {
        if (broken) throw new Error("nobody listens");
        const missing = topics.filter((topic) => !existing.has(topic));
        if (shape === null) return { created: [], missing };
        for (const topic of missing) existing.add(topic);
        return { created: missing, missing: [] };
      },
    },
    topics: () => wanted,
    create,
    clock,
    random: seededRandom(1),
    signal: stop.signal,
    onAbsent: (topics) => {
      for (const topic of topics) absent.add(topic);
    },
    onTrouble: (trouble) => troubles.push(trouble),
  });
  return {
    existing,
    wanted,
    troubles,
    absent,
    stop,
    usable,
    breakKafka: (now: boolean) => {
      broken = now;
    },
    /** Lets the next try happen. */
    tryAgain: async (): Promise<void> => {
      const before = troubles.length;
      await until(() => clock.pending > 0, "it waits");
      clock.advance(60_000);
      await Promise.race([usable, until(() => troubles.length > before, "it has tried again")]);
    },
  };
}

test("missing topics are named, until all of them are there", async () => {
  const { existing, troubles, tryAgain, usable } = fixture();
  await until(() => troubles.length === 1, "the first try");
  existing.add("in");
  await tryAgain();
  existing.add("out");
  await tryAgain();
  await usable;
  expect(troubles).toEqual([
    'Cannot use topics "in", "out": do not exist, must be made, or TOPICS_CREATE be true',
    'Cannot use topic "out": does not exist, must be made, or TOPICS_CREATE be true',
  ]);
});

test("missing topics are made where that is wanted", async () => {
  const { existing, troubles, absent, usable } = fixture({ create: true });
  await usable;
  expect([...existing]).toEqual(["in", "out"]);
  expect([...absent]).toEqual(["in", "out"]);
  expect(troubles).toEqual([]);
});

test("a Kafka that does not answer is asked again", async () => {
  const { existing, troubles, breakKafka, tryAgain, usable } = fixture();
  await until(() => troubles.length === 1, "the first try");
  existing.add("in").add("out");
  breakKafka(true);
  await tryAgain();
  expect(troubles[1]).toBe("nobody listens");
  breakKafka(false);
  await tryAgain();
  await usable;
});

test("topics that a changed specification names count at the next try", async () => {
  const { existing, wanted, troubles, tryAgain, usable } = fixture();
  await until(() => troubles.length === 1, "the first try");
  existing.add("in").add("other");
  wanted[1] = "other";
  await tryAgain();
  await usable;
});

test("stopping ends the waiting", async () => {
  const { stop, troubles, usable } = fixture();
  await until(() => troubles.length === 1, "the first try");
  const reason = new Error("stopping");
  stop.abort(reason);
  expect(await usable.catch((error: unknown) => error)).toBe(reason);
});
