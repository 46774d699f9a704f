import { describe, expect, test } from "bun:test";
import { account } from "./account.ts";
import type { Account, Death, Evidence, Result } from "./evidence.ts";
import { judgeKafka } from "./judge-kafka.ts";
import { type Fate, parseLedger } from "./ledger.ts";

/** The ledger test is worth as much as what it finds wrong: here it is shown histories that are. */

interface History {
  /** Each line without the processor's name; see ledger.ts. */
  readonly ledger?: readonly string[];
  readonly results?: readonly Result[];
  readonly deaths?: readonly Death[];
  readonly losses?: Readonly<Record<string, number>>;
  readonly reruns?: Readonly<Record<string, number>>;
  readonly fate?: Fate;
  readonly ordering?: "none" | "key";
  readonly onlySchedulerDied?: boolean;
}

const output = (offset: number, run: string): Result => ({ record: `in/0/${offset}`, as: "output", run });
const error = (offset: number): Result => ({ record: `in/0/${offset}`, as: "error", run: "" });
const death = (...sent: readonly number[]): Death => ({
  sentNotCommitted: new Set(sent.map((offset) => `in/0/${offset}`)),
  endedNotCommitted: 0,
});

/** Of two records of one key, in/0/0 and in/0/1; the second is always well unless the history says otherwise. */
function judge(history: History): Account {
  const { ledger = [], results = [], deaths = [], losses = {}, fate = "succeed" } = history;
  const lines = ledger.map((line) => line.replace(/^(start|end) /, "$1 p "));
  const evidence: Evidence = {
    processor: "p",
    ordering: history.ordering ?? "none",
    inputs: [
      { record: "in/0/0", id: 0, key: "k", fate },
      { record: "in/0/1", id: 1, key: "k", fate: "succeed" },
    ],
    ledger: parseLedger(lines.join("\n")),
    results,
    deaths,
    losses: new Map(Object.entries(losses)),
    reruns: history.reruns ?? {},
    onlySchedulerDied: history.onlySchedulerDied ?? true,
  };
  return account(evidence);
}

function broken(history: History): readonly string[] {
  return judge(history).violations.map(({ rule, record }) => `${rule} ${record}`);
}

const second = ["start in/0/1 1 b", "end in/0/1 0 b"];
const good = ["start in/0/0 1 a", "end in/0/0 0 a", ...second];
const goodResults = [output(0, "a"), output(1, "b")];

describe("a history", () => {
  test("in which each record ran once and came out once is good", () => {
    const { violations, counts } = judge({ ledger: good, results: goodResults });
    expect(violations).toEqual([]);
    expect(counts).toMatchObject({ inputs: 2, starts: 2, outputs: 2, secondStarts: 0, repeatedResults: 0 });
  });

  test("without a result for a record has lost it", () => {
    expect(broken({ ledger: good, results: [output(1, "b")] })).toEqual(["loss in/0/0"]);
  });

  test("with a result of a run or a record that never was is found out", () => {
    expect(broken({ ledger: good, results: [...goodResults, output(1, "c")] })).toEqual(["stray in/0/1"]);
    expect(broken({ ledger: good, results: [...goodResults, error(7)] })).toEqual(["stray in/0/7"]);
    expect(broken({ ledger: [...good, "start in/0/9 1 z"], results: goodResults })).toEqual(["stray in/0/9"]);
  });

  test("with a result that the record's fate does not ask for is found out", () => {
    expect(broken({ ledger: good, results: [error(0), output(1, "b")] })).toEqual(["wrong result in/0/0"]);
    expect(broken({ ledger: good, results: goodResults, fate: "fail" })).toEqual(["wrong result in/0/0"]);
  });
});

describe("a second start", () => {
  const twice = ["start in/0/0 1 a", "death 0", "start in/0/0 1 a2", "end in/0/0 0 a", "end in/0/0 0 a2", ...second];
  const killed = ["start in/0/0 1 a", "start in/0/0 1 a2", "end in/0/0 0 a2", ...second];
  const results = [output(0, "a2"), output(1, "b")];

  test("beside a run that is alive is never allowed where only a scheduler died", () => {
    expect(broken({ ledger: twice, results, deaths: [death()] })).toEqual(["second start in/0/0"]);
    expect(broken({ ledger: twice, results, deaths: [death()], losses: { "in/0/0": 1 } })).toEqual([
      "second start in/0/0",
    ]);
  });

  test("after a run that had succeeded is never allowed where only a scheduler died", () => {
    const again = ["start in/0/0 1 a", "end in/0/0 0 a", "death 0", "start in/0/0 1 a2", "end in/0/0 0 a2", ...second];
    expect(broken({ ledger: again, results, deaths: [death(0)] })).toEqual(["second start in/0/0"]);
  });

  test("needs a loss that is logged, one for each", () => {
    const all = { ledger: killed, results, reruns: { "executor-lost": 1 }, onlySchedulerDied: false };
    expect(broken(all)).toEqual(["second start in/0/0"]);
    expect(broken({ ...all, losses: { "in/0/1": 1 } })).toEqual(["second start in/0/0"]);
    const { violations, counts } = judge({ ...all, losses: { "in/0/0": 1 } });
    expect(violations).toEqual([]);
    expect(counts.secondStarts).toBe(1);
  });

  test("must be counted, unless the counter died with a scheduler", () => {
    const all = { ledger: killed, results, losses: { "in/0/0": 1 }, onlySchedulerDied: false };
    expect(broken(all)).toEqual(["second start all"]);
    expect(broken({ ...all, reruns: { "executor-lost": 1 } })).toEqual([]);
    expect(broken({ ...all, ledger: ["death 0", ...killed], deaths: [death()] })).toEqual([]);
  });

  test("after a failed run is a retry", () => {
    const retried = ["start in/0/0 1 a", "end in/0/0 4 a", "start in/0/0 2 a2", "end in/0/0 0 a2", ...second];
    const { violations, counts } = judge({ ledger: retried, results });
    expect(violations).toEqual([]);
    expect(counts).toMatchObject({ retries: 1, attemptsForgotten: 0, secondStarts: 0 });
  });

  test("with the same attempt is allowed after a failure only where a scheduler died with the count", () => {
    const failed = ["start in/0/0 1 a", "end in/0/0 4 a"];
    const again = ["start in/0/0 1 a2", "end in/0/0 0 a2", ...second];
    expect(broken({ ledger: [...failed, ...again], results })).toEqual(["second start in/0/0", "second start all"]);
    const ledger = [...failed, "death 0", ...again];
    const { violations, counts } = judge({ ledger, results, deaths: [death()] });
    expect(violations).toEqual([]);
    expect(counts.attemptsForgotten).toBe(1);
  });

  test("with the same attempt is a second start like any other where the failure was lost with its executor", () => {
    const ledger = ["start in/0/0 1 a", "end in/0/0 4 a", "start in/0/0 1 a2", "end in/0/0 0 a2", ...second];
    const all = { ledger, results, onlySchedulerDied: false };
    expect(broken(all)).toEqual(["second start in/0/0", "second start all"]);
    const { violations, counts } = judge({ ...all, losses: { "in/0/0": 1 }, reruns: { "executor-lost": 1 } });
    expect(violations).toEqual([]);
    expect(counts).toMatchObject({ secondStarts: 1, retries: 0 });
  });
});

describe("a repeated output", () => {
  const results = [output(0, "a"), output(0, "a"), output(1, "b")];
  const ledger = ["start in/0/0 1 a", "end in/0/0 0 a", "death 0", ...second];

  test("is allowed where it was sent and not committed when the scheduler died", () => {
    const { violations, counts } = judge({ ledger, results, deaths: [death(0)] });
    expect(violations).toEqual([]);
    expect(counts).toMatchObject({ repeatedResults: 1, sentNotCommitted: 1 });
  });

  test("is not allowed without a death, where another record was in doubt, or once more than there were deaths", () => {
    expect(broken({ ledger: good, results })).toEqual(["repeated output in/0/0"]);
    expect(broken({ ledger, results, deaths: [death(1)] })).toEqual(["repeated output in/0/0"]);
    expect(broken({ ledger, results: [output(0, "a"), ...results], deaths: [death(0)] })).toEqual([
      "repeated output in/0/0",
    ]);
  });

  test("is allowed once for each death that nobody could look at", () => {
    const unseen: Death = { sentNotCommitted: undefined, endedNotCommitted: 0 };
    expect(broken({ ledger, results, deaths: [unseen] })).toEqual([]);
  });
});

describe("order by key", () => {
  test("forbids that runs of a key overlap", () => {
    const ledger = ["start in/0/0 1 a", "start in/0/1 1 b", "end in/0/0 0 a", "end in/0/1 0 b"];
    expect(broken({ ledger, results: goodResults, ordering: "key" })).toEqual(["order in/0/1"]);
    expect(broken({ ledger, results: goodResults })).toEqual([]);
    expect(broken({ ledger: good, results: goodResults, ordering: "key" })).toEqual([]);
  });

  test("forbids that outputs of a key change places, repetitions aside", () => {
    expect(broken({ ledger: good, results: goodResults.toReversed(), ordering: "key" })).toEqual(["order in/0/1"]);
    const ledger = [...good, "death 0"];
    const results = [...goodResults, ...goodResults];
    expect(broken({ ledger, results, deaths: [death(0, 1)], ordering: "key" })).toEqual([]);
  });
});

test("a death is counted with the runs that go on over it", () => {
  const ledger = ["start in/0/0 1 a", "death 0", "end in/0/0 0 a", ...second];
  expect(judge({ ledger, results: goodResults, deaths: [death()] }).counts.aliveAtDeath).toBe(1);
});

test("a line of the ledger that was torn is an error", () => {
  expect(() => parseLedger("start p in/0/0 1 a 1.0\nst")).toThrow("Cannot read the ledger's line: st");
});

describe("what Kafka acknowledged", () => {
  const inputs = [0, 1].map((id) => ({ record: `in/0/${id}`, id, key: "k", fate: "succeed" as const }));
  const at = (offset: number) => ({ partition: 0, offset });

  test("stands where it was said to be, once", () => {
    const said = new Map([
      [0, at(0)],
      [1, at(1)],
    ]);
    expect(judgeKafka(inputs, said)).toEqual({ acknowledged: 2, violations: [] });
  });

  test("is missed where it is gone, and noticed where it is there twice", () => {
    expect(judgeKafka(inputs, new Map([[5, at(2)]])).violations.map(({ rule }) => rule)).toEqual(["loss"]);
    const doubled = [...inputs, { ...inputs[0]!, record: "in/0/2" }];
    expect(judgeKafka(doubled, new Map([[0, at(0)]])).violations.map(({ rule }) => rule)).toEqual(["stray"]);
  });
});
