import type { ProcessorSpec } from "../../src/config/processor.ts";
import type { TrackerOptions } from "../../src/engine/tracker-options.ts";
import { type Fact, frameworkOf, recordKey, recordOfTask, siteOf } from "./facts.ts";
import { Ledger, type LedgerRecord, type LedgerTask, settledAbove } from "./ledger.ts";

/** The promises of docs/concepts/promises.md, as far as a history can break them. */
export type PromiseName = "versions" | "I1" | "I2" | "I3" | "I5" | "I6" | "I7" | "I8" | "progress" | "invariant";

export class BrokenPromise extends Error {
  readonly promise: PromiseName;
  constructor(promise: PromiseName, message: string) {
    super(`${promise}: ${message}`);
    this.promise = promise;
  }
}

export interface CheckOptions {
  readonly spec: Pick<ProcessorSpec, "concurrency" | "retry" | "maxInFlightBytes">;
  readonly tracker: Pick<TrackerOptions, "maxSpan" | "minWindow">;
  readonly partitions: number;
  readonly fetchRecords: number;
  readonly recordBytes: number;
  /** Nothing goes wrong but schedulers that are killed: then every record has one run, and one for each failure. */
  readonly onlySchedulersDie: boolean;
}

/** A rule looks at a fact before the ledger knows it, and throws {@link BrokenPromise}. */
type Rule = (fact: Fact, ledger: Ledger, options: CheckOptions) => void;

/** Holds a history against the promises, fact by fact. */
export class Checks {
  readonly ledger = new Ledger();
  readonly #options: CheckOptions;

  constructor(options: CheckOptions) {
    this.#options = options;
  }

  observe(fact: Fact): void {
    for (const rule of rules) rule(fact, this.ledger, this.#options);
    this.ledger.apply(fact);
  }
}

// --------------------------------------------------------------------------------------------------- I1: no loss

/**
 * What a commit calls settled has its output or error record in Kafka, already when the commit is sent. Of a record that
 * retention took, that holds where there is a result of it, or a run that may come to one.
 */
const settledIsDurable: Rule = (fact, ledger) => {
  if (fact.type !== "commit-sent" && fact.type !== "committed") return;
  const { partition, offset, metadata, scheduler } = fact;
  for (const at of ledger.newlySettled(partition, offset, metadata)) {
    const key = recordKey(partition, at);
    const record = ledger.records.get(key);
    if (record?.tasks.some((task) => mayBeDropped(ledger, task, scheduler)) === true) continue;
    if (record?.expired === true && !record.tasks.some((task) => mayDecide(ledger, task, scheduler))) continue;
    if (record === undefined ? !ledger.gaps.has(key) : !record.done) {
      throw new BrokenPromise("I1", `${scheduler} settles ${key}, of which Kafka has neither output nor error record`);
    }
  }
};

/** What is settled stays so: a commit never takes anything back, and no stale owner commits. */
const settledStaysSettled: Rule = (fact, ledger) => {
  if (fact.type !== "committed") return;
  const { partition, offset, metadata, scheduler } = fact;
  if (ledger.owners.get(partition) !== scheduler) {
    throw new BrokenPromise("I1", `${scheduler} commits partition ${partition}, which it does not own`);
  }
  const above = new Set(settledAbove(offset, metadata));
  for (const record of ledger.records.values()) {
    if (record.partition !== partition || !record.settled) continue;
    if (record.offset >= offset && !above.has(record.offset)) {
      throw new BrokenPromise(
        "I1",
        `${scheduler} commits ${partition}:${offset} and forgets that ${record.key} is settled`,
      );
    }
  }
};

/** The agent keeps the result that decides a record, be it a failure, until a commit has recorded it. */
const acknowledgedAfterCommit: Rule = (fact, ledger) => {
  if (fact.type !== "result-acknowledged") return;
  const task = ledger.task(fact.task);
  const record = ledger.record(task.record);
  if (!isSuccess(task) && !(isProgramsOwnEnd(task) && record.failedBy.has(fact.scheduler))) return;
  if (record.settled || isAnothersNow(ledger, task, fact.scheduler)) return;
  const kept = record.tasks.some((other) => other !== task && isKept(other, fact.scheduler));
  if (!kept) {
    throw new BrokenPromise("I1", `${fact.scheduler} acknowledges the result of ${task.key} before it is settled`);
  }
};

/** Nor is the failure acknowledged before the error record is even sent. */
const failureIsKept: Rule = (fact, ledger) => {
  if (fact.type !== "output-sent" || fact.as !== "error") return;
  const record = ledger.record(fact.record);
  if (record.settled || ledger.holders.get(record.partition) !== fact.scheduler) return;
  if (record.lossToldAt === ledger.now) return; // it is a loss that sends it there
  const ended = record.tasks.filter((task) => task.deliveredTo.has(fact.scheduler) && isProgramsOwnEnd(task));
  if (ended.length > 0 && ended.every((task) => task.acknowledgedBy.has(fact.scheduler))) {
    throw new BrokenPromise(
      "I1",
      `${fact.scheduler} acknowledged every result of ${record.key} before its error record`,
    );
  }
};

/** An executor stays until its agent has every result. (Of a task that is over the agent says no more that it has it.) */
const resultsAreHandedOver: Rule = (fact, ledger) => {
  if (fact.type !== "result-abandoned" || ledger.task(fact.task).deliveredTo.size > 0) return;
  throw new BrokenPromise("I1", `the executor of ${fact.task} leaves with its result`);
};

/** An output is sent again only where somebody may not know that it was sent. */
const sentOnce: Rule = (fact, ledger) => {
  if (fact.type !== "output-sent") return;
  const record = ledger.record(fact.record);
  if (ledger.holders.get(record.partition) !== fact.scheduler) return;
  if (record.settled) throw new BrokenPromise("I1", `${fact.scheduler} sends ${record.key} again after it was settled`);
  if (record.lastWriter !== fact.scheduler || record.unclear) return;
  // It may have been another's meanwhile, who did not come so far.
  const wasAnothers =
    ledger.takenOverSince(record.partition, 0) ||
    ledger.ownedByAnotherSince(record.partition, fact.scheduler, record.writtenAt);
  if (!wasAnothers) {
    throw new BrokenPromise("I1", `${fact.scheduler} sends ${record.key} twice`);
  }
};

// ---------------------------------------------------------------------- versions: a result is settled by its run's own

const settledByItsVersion: Rule = (fact, ledger) => {
  if (fact.type !== "output-sent") return;
  const { record: key, as, topic, scheduler } = fact;
  const { tasks, lossToldAt } = ledger.record(key);
  const heard = tasks.filter((task) => task.deliveredTo.has(scheduler));
  // A loss has no result: where it is what decides, the version is that of the run that was lost.
  if (heard.length === 0 || lossToldAt === ledger.now) return;
  const fits = (task: LedgerTask): boolean => {
    if (isOfUnknownVersion(ledger, task, scheduler)) return true;
    const { output, error, emptyOutput } = ledger.versions.get(task.version) ?? {};
    if (as === "error") return error?.topic === topic;
    return output === topic && !(task.outcome === "printed-nothing" && emptyOutput === "drop");
  };
  if (heard.some(fits)) return;
  // Where overlap is forbidden, a loss decides only once the lost run is certainly over.
  const last = tasks.findLast((task) => task.scheduler === scheduler);
  if (as === "error" && lossToldAt !== undefined && last !== undefined && fits(last)) return;
  const versions = heard.map(({ version }) => version).join(", ");
  throw new BrokenPromise(
    "versions",
    `${scheduler} sends the ${as} of ${key} to ${topic}, though it ran as ${versions}`,
  );
};

// ------------------------------------------------------------------------------------------------- I2: watermark

const spanIsBounded: Rule = (fact, ledger, { tracker, fetchRecords }) => {
  if (fact.type !== "view") return;
  for (const { partition, position, watermark } of fact.view.partitions) {
    // A fetch that is under way when reading pauses still arrives; with gaps it may span a little more.
    const bound = tracker.maxSpan + 3 * fetchRecords;
    // What retention took lies between all the same.
    if (position - watermark > bound && position - watermark > bound + ledger.goneBelow(partition, position)) {
      throw new BrokenPromise(
        "I2",
        `partition ${partition} is read ${position - watermark} beyond its watermark, bound ${bound}`,
      );
    }
  }
};

// ------------------------------------------------------------------------------------------ I3: no second run

const idUsedOnce: Rule = (fact, ledger) => {
  if (fact.type === "launched" && ledger.tasks.has(fact.task)) {
    throw new BrokenPromise("I3", `the id of ${fact.task} is used a second time`);
  }
};

const settledIsNotLaunched: Rule = (fact, ledger) => {
  if (fact.type !== "launched") return;
  const record = ledger.record(recordOfTask(fact.task));
  if (record.settled && ledger.holders.get(record.partition) === fact.scheduler) {
    throw new BrokenPromise("I3", `${fact.task} is launched after ${record.key} was settled`);
  }
};

/** Two programs of one record start only where the first one's failure, or a cause that DESIGN allows, lies between. */
const secondRunHasCause: Rule = (fact, ledger) => {
  if (fact.type !== "program-started") return;
  const task = ledger.task(fact.task);
  if (task.startedAt !== undefined) throw new BrokenPromise("I3", `${task.key} starts its program a second time`);
  const record = ledger.record(task.record);
  for (const other of record.tasks) {
    if (other === task || other.startedAt === undefined) continue;
    const [first, second] = other.launchedAt < task.launchedAt ? [other, task] : [task, other];
    // A scheduler that has not heard yet that the partition is another's starts what it should not.
    if (!first.byOwner || !second.byOwner) continue;
    const isOver = first.endedAt !== undefined && first.endedAt < second.launchedAt && !isSuccess(first);
    if (isOver || first.outcome === "destroyed" || hasCause(ledger, first, record)) continue;
    // Two processes of one site, of which one may take the result from the other and lose the partition with it.
    const others = [second.scheduler, ...first.acknowledgedBy];
    if (others.some((other) => ledger.livedTogether(first.scheduler, other))) continue;
    // Its result was let go for that of a twin, which was lost with its host before it was settled.
    const knew = (twin: LedgerTask): boolean => [...twin.deliveredTo].some((who) => first.acknowledgedBy.has(who));
    if (record.tasks.some((twin) => twin !== first && twin.destroyed && knew(twin))) continue;
    // A framework whose id was lost, be it before this launch, and that no master or agent could tell of.
    if (first.framework !== second.framework && ledger.stateLostSince(first.site, 0)) continue;
    throw new BrokenPromise(
      "I3",
      `${second.key} runs although nothing is wrong with ${first.key} (${describe(first)})`,
    );
  }
};

/** With nothing lost but schedulers, a record's program starts once, and once more for each time it failed. */
const onlyFailuresRunAgain: Rule = (fact, ledger, { onlySchedulersDie }) => {
  if (!onlySchedulersDie || fact.type !== "program-started") return;
  const record = ledger.record(ledger.task(fact.task).record);
  const before = record.tasks.filter((task) => task.startedAt !== undefined);
  if (before.every((task) => task.endedAt !== undefined && !isSuccess(task) && task.outcome !== "killed")) return;
  throw new BrokenPromise(
    "I3",
    `${record.key} runs again, though only schedulers were killed: ${before.map(describe).join(", ")}`,
  );
};

// ------------------------------------------------------------------------------------------------------ I5: order

/**
 * A record starts only after every earlier one of its lane has its output in Kafka, and nothing of it is written before
 * theirs: be it that theirs is there already, and will be sent once more by a later life.
 */
const laneGoesInOrder: Rule = (fact, ledger) => {
  if (fact.type !== "launched" && fact.type !== "output-sent") return;
  const record = ledger.record(fact.type === "launched" ? recordOfTask(fact.task) : fact.record);
  for (const earlier of ledger.lanes.get(record.lane ?? "") ?? []) {
    if (earlier.offset >= record.offset) return;
    if (earlier.expired || (earlier.done && !isToBeSentAgain(ledger, earlier, fact.scheduler))) continue;
    if (!earlier.tasks.some((task) => mayBeDropped(ledger, task, fact.scheduler)))
      throw new BrokenPromise("I5", `${record.key} is ahead of ${earlier.key} (${fact.type})`);
  }
};

/** Its output is an earlier life's, whose successor has the partition and does not know of it. */
function isToBeSentAgain(ledger: Ledger, record: LedgerRecord, scheduler: string): boolean {
  const { partition, settled, lastWriter, tasks } = record;
  if (settled || lastWriter === undefined || lastWriter === scheduler) return false;
  if (ledger.holders.get(partition) !== scheduler || ledger.ownedByAnotherSince(partition, scheduler, 0)) return false;
  return !tasks.some(({ outcome }) => outcome === "printed-nothing");
}

/** With \`overlap: forbid\` no program begins while another of its record, or of its lane, may still run. */
const nothingOverlaps: Rule = (fact, ledger) => {
  if (fact.type !== "program-started") return;
  const task = ledger.task(fact.task);
  if (!ledger.forbidsOverlap(task.version)) return;
  const record = ledger.record(task.record);
  const ofLane = record.lane === undefined ? [record] : (ledger.lanes.get(record.lane) ?? []);
  for (const other of ofLane.flatMap(({ tasks }) => tasks)) {
    if (other === task || other.startedAt === undefined || other.endedAt !== undefined) continue;
    if (isHidden(ledger, other, task)) continue;
    throw new BrokenPromise("I5", `${task.key} starts while ${other.key} runs, though overlap is forbidden`);
  }
};

/** Nothing could tell the scheduler of the one that the other still runs. */
function isHidden(ledger: Ledger, running: LedgerTask, { scheduler, site, byOwner }: LedgerTask): boolean {
  // Another deployment's, or one of two processes that the lock of the state keeps from living together.
  if (running.site !== site || !running.byOwner || !byOwner) return true;
  if (ledger.livedTogether(running.scheduler, scheduler)) return true;
  // Of a framework that is not known any more.
  if (ledger.stateLostSince(site, 0) || ledger.removedSince(site, running.launchedAt)) return true;
  // Neither who started it nor the master that knew it is there any more, and its agent is out of reach.
  const { launchedAt, agentId } = running;
  const isForgotten = running.scheduler !== scheduler && ledger.masterChangedSince(launchedAt);
  return isForgotten && ledger.unreachableSince(agentId, launchedAt);
}

// ----------------------------------------------------------------------------------------------------- I6: bounds

const flightIsBounded: Rule = (fact, _ledger, { spec, tracker, partitions, fetchRecords, recordBytes }) => {
  if (fact.type !== "view") return;
  const { records, bytes } = fact.view.inFlight;
  // One fetch of each partition may be under way when reading pauses.
  const slack = 2 * partitions * fetchRecords;
  const recordBound = Math.max(tracker.minWindow, 2 * spec.concurrency) + slack;
  if (records > recordBound) throw new BrokenPromise("I6", `${records} records are in flight, bound ${recordBound}`);
  const byteBound = spec.maxInFlightBytes + slack * recordBytes;
  if (bytes > byteBound) throw new BrokenPromise("I6", `${bytes} bytes are in flight, bound ${byteBound}`);
};

// --------------------------------------------------------------------------------------------------- I7: attempts

/** An error record needs as many failures as `retry.attempts` says, or an end that decides at once. */
const errorIsDeserved: Rule = (fact, ledger, { spec }) => {
  if (fact.type !== "output-sent" || fact.as !== "error") return;
  const record = ledger.record(fact.record);
  const count = (...outcomes: LedgerTask["outcome"][]): number =>
    record.tasks.filter((task) => outcomes.includes(task.outcome)).length;
  if (record.refused || record.expired || count("rejected") > 0) return;
  if (count("later") > 1 && spec.retry.maxAgeMs < 86_400_000) return;
  // Executors lost under it three times make it a suspect; further losses count.
  const losses = record.tasks.filter((task) => task.outcome === "destroyed" || isUnreachable(ledger, task)).length;
  if (count("failed") + Math.max(0, losses - SUSPECT_LOSSES) >= spec.retry.attempts) return;
  throw new BrokenPromise(
    "I7",
    `${record.key} goes to the error topic after ${count("failed")} failures and ${losses} losses`,
  );
};

/** Nor does a program run again for ever: each scheduler's life, and each change of owner, may count anew. */
const attemptsAreCounted: Rule = (fact, ledger, { spec }) => {
  if (fact.type !== "launched") return;
  const record = ledger.record(recordOfTask(fact.task));
  const failures = record.tasks.filter((task) => task.outcome === "failed" && task.deliveredTo.has(fact.scheduler));
  const ofThisLife = failures.filter((task) => task.scheduler === fact.scheduler);
  if (ofThisLife.length < spec.retry.attempts || ledger.takenOverSince(record.partition, 0)) return;
  // Another process of the site had it, be it a dead one that the group gave it to.
  if (ledger.ownedByAnotherSince(record.partition, fact.scheduler, 0)) return;
  // The successor of a lost run, which came back only to fail; or a launch of it that never came to anything.
  const last = record.tasks.at(-1);
  const isSameRun = last !== undefined && last.scheduler === fact.scheduler && last.startedAt === undefined;
  if (record.lostBy === fact.scheduler || isSameRun) return;
  throw new BrokenPromise("I7", `${fact.task} is launched after ${ofThisLife.length} failures of ${record.key}`);
};

/** Each second run because of a loss is counted with its cause (`brigade_reruns_total`). */
const rerunsAreCounted: Rule = (fact, ledger) => {
  if (fact.type !== "launched" || !ledger.isRerun(ledger.record(recordOfTask(fact.task)), fact.scheduler)) return;
  const told = ledger.rerunsTold.get(fact.scheduler) ?? 0;
  if ((ledger.reruns.get(fact.scheduler) ?? 0) < told) return;
  throw new BrokenPromise("I3", `${fact.task} runs a lost record again, and that is not counted`);
};

/** A record under which three executors died in a row runs in an executor that runs nothing else. */
const suspectRunsAlone: Rule = (fact, ledger) => {
  if (fact.type !== "launched") return;
  const record = recordOfTask(fact.task);
  const isAlone = ALONE.test(fact.executorId);
  const isSuspect = (ledger.record(record).losses.get(fact.scheduler) ?? 0) >= SUSPECT_LOSSES;
  if (isSuspect && !isAlone)
    throw new BrokenPromise("I7", `${record} is a suspect, and ${fact.task} does not run alone`);
  if (!isAlone) return;
  for (const other of ledger.tasks.values()) {
    if (other.executorId !== fact.executorId || other.framework !== frameworkOf(fact.task)) continue;
    if (other.record === record) continue;
    throw new BrokenPromise("I7", `${fact.executorId} is to run ${record} alone, and runs ${other.record}`);
  }
};

const rules: readonly Rule[] = [
  settledIsDurable,
  settledStaysSettled,
  acknowledgedAfterCommit,
  failureIsKept,
  resultsAreHandedOver,
  sentOnce,
  settledByItsVersion,
  spanIsBounded,
  idUsedOnce,
  settledIsNotLaunched,
  secondRunHasCause,
  onlyFailuresRunAgain,
  rerunsAreCounted,
  laneGoesInOrder,
  nothingOverlaps,
  flightIsBounded,
  errorIsDeserved,
  attemptsAreCounted,
  suspectRunsAlone,
];

// ---------------------------------------------------------------------------------------------------------- terms

/** So many executors lost in a row make a suspect. */
const SUSPECT_LOSSES = 3;
const ALONE = /\.alone-\d+-\d+$/;

function isSuccess({ outcome }: LedgerTask): boolean {
  return outcome === "succeeded" || outcome === "printed-nothing";
}

function isProgramsOwnEnd({ outcome }: LedgerTask): boolean {
  return outcome !== undefined && outcome !== "destroyed" && outcome !== "killed" && outcome !== "missing";
}

/** Its result is with this scheduler, and with the agent until further notice or until the host is lost. */
function isKept(task: LedgerTask, scheduler: string): boolean {
  const hasResult = isProgramsOwnEnd(task) || task.outcome === "destroyed";
  return hasResult && !task.acknowledgedBy.has(scheduler) && task.deliveredTo.has(scheduler);
}

/** It runs, or its result waits for somebody, and nothing keeps this scheduler from knowing. */
function mayDecide(ledger: Ledger, task: LedgerTask, scheduler: string): boolean {
  const { startedAt, outcome, destroyed, acknowledgedBy, site, byOwner } = task;
  const isThere = startedAt !== undefined && !destroyed && (outcome === undefined || isProgramsOwnEnd(task));
  if (!isThere || acknowledgedBy.size > 0 || !byOwner || site !== siteOf(scheduler)) return false;
  return !hasCause(ledger, task, ledger.record(task.record)) && !ledger.stateLostSince(site, 0);
}

/**
 * Its version may be lost with the state, or forgotten by a second process of the site, which the lock of the state
 * prevents; and a site that lost the partition meanwhile need not remember what still ran there.
 */
function isOfUnknownVersion(ledger: Ledger, task: LedgerTask, scheduler: string): boolean {
  return (
    ledger.stateLostSince(siteOf(scheduler), 0) ||
    ledger.hadCompany(task.scheduler) ||
    ledger.takenOverSince(ledger.record(task.record).partition, task.launchedAt)
  );
}

/** It printed nothing, and another version than its own may drop that. */
function mayBeDropped(ledger: Ledger, task: LedgerTask, scheduler: string): boolean {
  return task.outcome === "printed-nothing" && isOfUnknownVersion(ledger, task, scheduler);
}

function isUnreachable(ledger: Ledger, task: LedgerTask): boolean {
  return ledger.unreachableSince(task.agentId, task.launchedAt);
}

/** Its record may have another run by now, for a cause that is nobody's mistake. */
function hasCause(ledger: Ledger, task: LedgerTask, record: LedgerRecord): boolean {
  return (
    isUnreachable(ledger, task) ||
    ledger.takenOverSince(record.partition, task.launchedAt) ||
    ledger.contestedSince(record.partition, task.launchedAt) ||
    ledger.removedSince(task.site, task.launchedAt) ||
    ledger.adoptionTimedOutSince(task.site, task.launchedAt)
  );
}

/** This scheduler need not keep the result: the record is another owner's, or the framework that held it is gone. */
function isAnothersNow(ledger: Ledger, { record, site, byOwner, launchedAt }: LedgerTask, scheduler: string): boolean {
  const { partition } = ledger.record(record);
  return (
    !byOwner || ledger.ownedByAnotherSince(partition, scheduler, launchedAt) || ledger.removedSince(site, launchedAt)
  );
}

function describe({ key, outcome, startedAt, endedAt }: LedgerTask): string {
  return `${key} ${outcome ?? (startedAt === undefined ? "not started" : "running")}${endedAt === undefined ? "" : ", ended"}`;
}
