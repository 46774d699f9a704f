import type { Account, Counts, Evidence, Input, Result, Violation } from "./evidence.ts";
import type { LedgerLine, RecordId } from "./ledger.ts";

/** One run of a program, with its places in the ledger. */
interface RunOfRecord {
  readonly run: string;
  readonly attempt: number;
  readonly from: number;
  /** Infinity where it was killed. */
  to: number;
  code: number | undefined;
}

/**
 * Counts inputs, starts and results of one processor against each other, and says which promises were not kept
 * (docs/concepts/promises.md):
 *
 * - I1: every input has a result, and the one that its fate asks for;
 * - I1: a result is written again only where the scheduler died between writing and committing it;
 * - I3: a run that was alive, or had succeeded, is followed by no second start, unless the log says that it was lost;
 * - I5: with `ordering: key` no two runs of a key overlap, and results come in input order (where only schedulers died).
 */
export function account(evidence: Evidence): Account {
  const runs = runsByRecord(evidence);
  const results = Map.groupBy(evidence.results, ({ record }) => record);
  const violations: Violation[] = [...strays(evidence, runs)];
  const totals = { retries: 0, attemptsForgotten: 0, secondStarts: 0, repeatedResults: 0 };
  const deathsAt = placesOfDeaths(evidence.ledger);
  for (const input of evidence.inputs) {
    const ofRecord = runs.get(input.record) ?? [];
    const resultsOfRecord = results.get(input.record) ?? [];
    const losses = evidence.losses.get(input.record) ?? 0;
    violations.push(...judgeResults(input, resultsOfRecord, losses));

    const starts = classifyStarts(ofRecord, deathsAt);
    totals.retries += starts.retries;
    totals.attemptsForgotten += starts.forgotten;
    totals.secondStarts += starts.second;
    const excused = evidence.onlySchedulerDied ? 0 : losses;
    if (starts.second > excused) {
      const what = `${starts.second} second starts, ${excused} of them with a cause: ${describe(ofRecord)}`;
      violations.push({ rule: "second start", record: input.record, what });
    }

    const repeated = resultsOfRecord.length - new Set(resultsOfRecord.map(({ as, run }) => `${as} ${run}`)).size;
    totals.repeatedResults += repeated;
    const allowed = evidence.deaths.filter(
      ({ sentNotCommitted }) => sentNotCommitted?.has(input.record) ?? true,
    ).length;
    if (repeated > allowed) {
      const what = `its result was repeated ${repeated} times, at ${allowed} deaths it was sent and not committed`;
      violations.push({ rule: "repeated output", record: input.record, what });
    }
  }
  violations.push(...judgeCounter(evidence, totals.secondStarts));
  if (evidence.ordering === "key" && evidence.onlySchedulerDied) violations.push(...judgeOrder(evidence, runs));
  return {
    processor: evidence.processor,
    reruns: evidence.reruns,
    violations,
    counts: { ...totals, ...countsOf(evidence, runs, deathsAt) },
  };
}

function runsByRecord({ ledger, processor }: Evidence): ReadonlyMap<RecordId, readonly RunOfRecord[]> {
  const byRecord = new Map<RecordId, RunOfRecord[]>();
  for (const [place, line] of ledger.entries()) {
    if (line.type === "start" && line.processor === processor) {
      const runs = byRecord.get(line.record) ?? [];
      byRecord.set(line.record, runs);
      runs.push({ run: line.run, attempt: line.attempt, from: place, to: Number.POSITIVE_INFINITY, code: undefined });
    }
    if (line.type === "end" && line.processor === processor) {
      const run = byRecord.get(line.record)?.find((one) => one.run === line.run);
      if (run === undefined) throw new Error(`Run ${line.run} of ${line.record} ended and never started`);
      run.to = place;
      run.code = line.code;
    }
  }
  return byRecord;
}

function placesOfDeaths(ledger: readonly LedgerLine[]): readonly number[] {
  return [...ledger.entries()].filter(([, { type }]) => type === "death").map(([place]) => place);
}

function* strays(
  { inputs, results }: Evidence,
  runs: ReadonlyMap<RecordId, readonly RunOfRecord[]>,
): Iterable<Violation> {
  const known = new Set(inputs.map(({ record }) => record));
  for (const record of runs.keys()) {
    if (!known.has(record)) yield { rule: "stray", record, what: "it was run and is not in the input topic" };
  }
  for (const { record, as, run } of results) {
    const ran = runs.get(record) ?? [];
    if (!known.has(record))
      yield { rule: "stray", record, what: `its ${as} is there, and it is not in the input topic` };
    else if (as === "output" && !ran.some((one) => one.run === run)) {
      yield { rule: "stray", record, what: `its output names run ${run}, which never started` };
    }
  }
}

/** Every input has a result, and the one that its fate asks for. */
function* judgeResults({ record, fate }: Input, results: readonly Result[], losses: number): Iterable<Violation> {
  const outputs = results.filter(({ as }) => as === "output").length;
  const errors = results.length - outputs;
  if (results.length === 0) return yield { rule: "loss", record, what: "neither output nor error record came out" };
  if (fate === "fail" && outputs > 0) yield { rule: "wrong result", record, what: "it came out, and must always fail" };
  // A record that executors die under runs alone in the end, and is then given up like one that fails (promise I7).
  if (fate !== "fail" && errors > 0 && losses < 3) {
    yield { rule: "wrong result", record, what: "it has an error record, and must succeed in the end" };
  }
}

interface Starts {
  readonly retries: number;
  readonly forgotten: number;
  readonly second: number;
}

function classifyStarts(runs: readonly RunOfRecord[], deathsAt: readonly number[]): Starts {
  const counts = { retries: 0, forgotten: 0, second: 0 };
  for (const [index, next] of runs.entries()) {
    const before = runs.slice(0, index);
    const last = before.at(-1);
    if (last === undefined) continue;
    const failed = last.code !== undefined && last.code !== 0 && last.to < next.from;
    const isTwin = before.some((run) => run.to > next.from && run.code !== undefined);
    // A failed attempt is acknowledged at once, and its count travels with the next commit. Where no scheduler died, the
    // failure never reached it: its executor was killed with it.
    const isCounted = next.attempt > last.attempt;
    const schedulerDied = deathsAt.some((place) => place > before[0]!.from && place < next.from);
    if (!failed || isTwin || (!isCounted && !schedulerDied)) {
      counts.second++;
      continue;
    }
    counts.retries++;
    if (!isCounted) counts.forgotten++;
  }
  return counts;
}

function describe(runs: readonly RunOfRecord[]): string {
  return runs
    .map(({ attempt, from, to, code }) => {
      return `attempt ${attempt} in lines ${from + 1} to ${code === undefined ? "… (killed)" : `${to + 1} (exit ${code})`}`;
    })
    .join(", ");
}

/** While no counter has died with its scheduler, brigade_reruns_total knows of every second start. */
function* judgeCounter({ deaths, reruns }: Evidence, secondStarts: number): Iterable<Violation> {
  const counted = sum(Object.values(reruns));
  if (deaths.length > 0 || counted >= secondStarts) return;
  const what = `${secondStarts} second starts, and brigade_reruns_total says ${counted}`;
  yield { rule: "second start", record: "all", what };
}

/** No two runs of a key at once, and first results of a key in input order. */
function* judgeOrder(
  { inputs, results }: Evidence,
  runs: ReadonlyMap<RecordId, readonly RunOfRecord[]>,
): Iterable<Violation> {
  const firstResult = new Map<RecordId, number>();
  for (const [place, { record, as }] of results.entries()) {
    if (as === "output" && !firstResult.has(record)) firstResult.set(record, place);
  }
  for (const [key, ofKey] of Map.groupBy(inputs, ({ key }) => key)) {
    let endOfLast = -1;
    let lastResult = -1;
    for (const { record } of ofKey) {
      const ofRecord = runs.get(record) ?? [];
      const begins = Math.min(...ofRecord.map(({ from }) => from));
      if (begins < endOfLast)
        yield { rule: "order", record, what: `it ran before the record of key ${key} ahead of it ended` };
      endOfLast = Math.max(endOfLast, ...ofRecord.map(({ to }) => to));
      const place = firstResult.get(record);
      if (place === undefined) continue;
      if (place < lastResult)
        yield { rule: "order", record, what: `its output stands before one of key ${key} that came before it` };
      lastResult = place;
    }
  }
}

function countsOf(
  { inputs, results, losses, deaths }: Evidence,
  runs: ReadonlyMap<RecordId, readonly RunOfRecord[]>,
  deathsAt: readonly number[],
): Omit<Counts, "retries" | "attemptsForgotten" | "secondStarts" | "repeatedResults"> {
  const all = [...runs.values()].flat();
  const outputs = results.filter(({ as }) => as === "output").length;
  return {
    inputs: inputs.length,
    starts: all.length,
    lossesLogged: sum([...losses.values()]),
    outputs,
    errors: results.length - outputs,
    deaths: deaths.length,
    aliveAtDeath: sum(
      deathsAt.map(
        (place) => all.filter(({ from, to, code }) => from < place && to > place && code !== undefined).length,
      ),
    ),
    endedNotCommitted: sum(deaths.map(({ endedNotCommitted }) => endedNotCommitted)),
    sentNotCommitted: sum(deaths.map(({ sentNotCommitted }) => sentNotCommitted?.size ?? 0)),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
