import { noBytes } from "../base/bytes.ts";
import { assertNever, invariant } from "../base/errors.ts";
import { errorRecords } from "./error-record.ts";
import { doubtsProcessor, incriminates, judge, type Verdict } from "./faults.ts";
import type { HeldPlace } from "./held-runs.ts";
import type { OpenRecord, RunState } from "./open-record.ts";
import type { Outbox } from "./outbox.ts";
import { successRecords } from "./outputs.ts";
import type { LostReason, RunId, RunnerEvent, RunResult, SettlingSpec } from "./ports.ts";
import { retryDelayMs } from "./retry.ts";
import type { TrackerContext } from "./tracker-context.ts";

/** After so many losses in a row a record is suspected of causing them, and runs alone (promise I7). */
const SUSPECT_LOSSES = 3;

type Loss = Pick<Extract<RunnerEvent, { type: "lost" }>, "reason" | "message" | "dead">;

/** Follows each record from its place among the ready ones to its decision: what its runs make of it. */
export class RecordLives {
  readonly #context: TrackerContext;
  readonly #outbox: Outbox;
  #lastRun = 0;

  constructor(context: TrackerContext, outbox: Outbox) {
    this.#context = context;
    this.#outbox = outbox;
  }

  // -------------------------------------------------------------------------------------------------- earlier lives

  adopted(runId: RunId, partition: number, offset: number): void {
    const { runs, partitions, held, forbidsOverlap, topicIsAnew, nowMs } = this.#context;
    if (runs.get(runId) !== undefined) return;
    if (topicIsAnew) return runs.abandonStray(runId, partition, offset);
    const state = partitions.get(partition);
    const open = state?.open.get(offset);
    if (open !== undefined) {
      // It takes the place of a run that only waits for room.
      const waiting = this.#waitingRuns(open);
      const run = runs.adopt(runId, open);
      for (const one of waiting) runs.abandon(one);
      if (open.decided && forbidsOverlap) return runs.abandon(run);
      // Decided already: the run is not wanted, yet its last update stays unacknowledged until the commit.
      if (open.decided) return runs.cancel(run);
      if (open.phase !== "running") open.enter("running");
    } else if (state === undefined || !state.done.has(offset)) {
      held.hold(runId, partition, offset, nowMs);
    } else {
      runs.abandonStray(runId, partition, offset);
    }
  }

  /** Runs that were adopted before their record was read, which is settled: it will never arrive. */
  abandonHeld(isOver: (partition: number, offset: number) => boolean): void {
    this.abandonAll(this.#context.held.takeWhere(isOver));
  }

  abandonAll(held: readonly HeldPlace[]): void {
    for (const { runId, partition, offset, end } of held) {
      if (end?.type === "ended" || end?.dead === true) this.#context.push({ type: "release", runId });
      else this.#context.runs.abandonStray(runId, partition, offset);
    }
  }

  /** The record of runs that were adopted before it was read has arrived, or is known to be gone. */
  takeHeld(open: OpenRecord): void {
    const { runs, survivors } = this.#context;
    const held = this.#context.held.take(open.record.partition, open.record.offset);
    // All before any: what one has come to decides nothing while another is alive.
    for (const { runId } of held) runs.adopt(runId, open);
    if (held.length > 0) open.enter("running");
    for (const { runId, end } of held) {
      // A twin has decided, and it was let go; at once, or it waits for the end that is known here already.
      if (runs.get(runId) === undefined && !survivors.has(runId)) continue;
      if (end?.type === "ended") this.ended(runId, end.result);
      if (end?.type === "lost") this.lost(runId, end);
    }
    // Whoever waited for them because it was not known whose they are looks again.
    for (const { runId } of held) this.#freed(runId);
  }

  // ----------------------------------------------------------------------------------------------------- a run's end

  started(runId: RunId): void {
    const run = this.#context.runs.get(runId);
    if (run?.open.phase === "placed") run.open.enter("running");
  }

  ended(runId: RunId, result: RunResult): void {
    this.#ended(runId, result);
    this.#freed(runId);
  }

  #ended(runId: RunId, result: RunResult): void {
    const { runs, held, pause, forbidsOverlap, nowMs } = this.#context;
    const run = runs.get(runId);
    if (run === undefined) {
      if (!held.over(runId, { type: "ended", result })) this.#forgetStray(runId);
      return;
    }
    if (run.phase === "ended") return; // a repeated status update: it is released with the commit
    const { open } = run;
    const wasMissing = run.phase === "missing";
    runs.end(run);
    if (open.decided) return runs.release(run);
    if (!wasMissing) {
      open.losses = 0;
      open.reruns = 0;
    }

    const verdict = judge(result.outcome);
    if (verdict.type === "processor") pause.pause(verdict.reason, nowMs);
    else if (verdict.type !== "killed") pause.end();
    if (verdict.type === "success") return this.#succeed(run, result);

    if (verdict.type === "failed" || verdict.type === "rejected") {
      this.#countAttempt(open, verdict.reason, run.adopted ? result.attempt : undefined);
    }
    if (verdict.type !== "processor" && verdict.type !== "killed") {
      open.lastFailure = { failure: verdict, result, spec: this.#specOf(run, result) };
    }
    // It decides nothing while a twin may still succeed. And a run that had been given up has its successor on the way,
    // which is not needed where this was the last attempt; there is none where it would have had to wait for this end.
    const isLast = this.#isLast(open, verdict);
    if (isLast) for (const waiting of this.#waitingRuns(open)) runs.abandon(waiting);
    open.lastLoss = undefined;
    if (open.aliveRuns === 0 && (!wasMissing || isLast || forbidsOverlap)) this.#afterBadEnd(open, verdict);
    // A result that sends the record to the error topic waits for the commit, as a success does. Any other is
    // acknowledged at once: the record runs again.
    if (!open.decided) runs.release(run);
  }

  lost(runId: RunId, loss: Loss): void {
    this.#lost(runId, loss);
    if (loss.dead) this.#freed(runId);
  }

  #lost(runId: RunId, { reason, message, dead }: Loss): void {
    const { runs, held, survivors, spec, pause, forbidsOverlap, nowMs } = this.#context;
    const run = runs.get(runId);
    if (run === undefined) {
      if (held.over(runId, { type: "lost", reason, message, dead })) return;
      if (dead || !survivors.has(runId)) this.#forgetStray(runId);
      return;
    }
    if (run.phase === "ended") return;
    const { open } = run;
    const wasAlive = run.phase === "alive";
    // An agent that is unreachable may come back with the result: whichever run succeeds first wins. Where overlap is
    // forbidden there is no other run as long as this one may be alive.
    if (forbidsOverlap ? !dead : reason === "agent-unreachable") runs.miss(run);
    else runs.release(run);
    if (!wasAlive || open.decided) return;
    this.#noteLost(open, reason, message);
    if (doubtsProcessor(reason)) pause.pause(`${reason}: ${message}`, nowMs);
    if (incriminates(reason)) {
      open.losses++;
      if (run.alone) this.#countAttempt(open, `${reason} while it ran alone`);
    }
    if (open.aliveRuns > 0) return;
    if (open.expired) return open.lastFailure === undefined ? this.#giveUp(open) : this.#afterFailure(open);
    if (open.attempts >= spec.retry.attempts) {
      open.lastLoss = { run, reason };
      if (run.phase !== "missing" || !forbidsOverlap) return this.#failAfterLoss(open, open.lastLoss);
    }
    this.#again(open, reason);
  }

  /** Either this loss was the last attempt, or a program's failure, which only waited for what becomes of this twin. */
  #failAfterLoss(open: OpenRecord, { run, reason }: NonNullable<OpenRecord["lastLoss"]>): void {
    const last = run.alone ? undefined : open.lastFailure;
    if (last !== undefined) return this.#fail(open, last.failure.reason, last.result, last.spec);
    const spec = run.spec ?? this.#context.spec;
    this.#fail(open, `${reason} under this record again and again`, undefined, spec);
  }

  /** Whoever waits for a run whose end is now known looks again. */
  #freed(runId: RunId): void {
    const { survivors, agenda } = this.#context;
    for (const open of survivors.takeWaiting(runId)) agenda.makeReady(open);
  }

  /** Nobody waits for what becomes of it. */
  #forgetStray(runId: RunId): void {
    this.#context.survivors.remove(runId);
    this.#context.push({ type: "release", runId });
  }

  /** Runs that may be alive keep nothing from running any more. */
  overlapAllowed(): void {
    const { survivors, agenda } = this.#context;
    const { runs, waiting } = survivors.takeAll();
    for (const runId of runs) this.#context.push({ type: "release", runId });
    for (const open of waiting) agenda.makeReady(open);
  }

  /** Kafka will never take its output: the program's fault. */
  outputRefused(open: OpenRecord, message: string, spec: SettlingSpec): void {
    this.#countAttempt(open, message);
    this.#fail(open, message, undefined, spec);
  }

  /** Its runs that have not found room yet: no program has begun. */
  #waitingRuns(open: OpenRecord): readonly RunState[] {
    return open.phase === "placed" ? open.runs.filter(({ phase }) => phase === "alive") : [];
  }

  #isLast(open: OpenRecord, { type }: Verdict): boolean {
    return type === "rejected" || (type === "failed" && open.attempts >= this.#context.spec.retry.attempts);
  }

  #afterBadEnd(open: OpenRecord, verdict: Exclude<Verdict, { type: "success" }>): void {
    if (open.expired && (verdict.type === "processor" || verdict.type === "killed")) return this.#giveUp(open);
    switch (verdict.type) {
      case "failed":
      case "rejected":
      case "later":
        return this.#afterFailure(open);
      case "processor":
        if (open.phase !== "ready") this.#context.agenda.makeReady(open);
        return;
      case "killed":
        // Before it was sent anywhere: its runner is being told to kill all that it has.
        if (open.phase === "placed") return this.#context.agenda.makeReady(open);
        // Not by us, or its record would be gone.
        this.#noteLost(open, "executor-lost", "its executor was told to leave");
        return this.#again(open, "executor-lost");
      default:
        return assertNever(verdict);
    }
  }

  #succeed(run: RunState, result: RunResult): void {
    const { open } = run;
    const spec = this.#specOf(run, result);
    if (open.expired) this.#noteExpired(open);
    const records = successRecords(spec, open.record, result.stdout);
    for (const twin of open.runs) if (twin !== run) this.#context.runs.abandon(twin);
    this.#outbox.take(open, { as: records.length > 0 ? "output" : "dropped", spec, records });
  }

  #specOf({ spec, open }: RunState, { specVersion: version }: RunResult): SettlingSpec {
    const known = spec ?? this.#context.versions.of(version);
    if (known !== undefined) return known;
    const { partition, offset } = open.record;
    this.#context.note({ type: "unknown-version", partition, offset, version });
    return this.#context.spec;
  }

  #afterFailure(open: OpenRecord): void {
    const { spec, nowMs } = this.#context;
    const last = open.lastFailure;
    invariant(last !== undefined, "a record failed without a failure");
    if (open.expired) {
      this.#noteExpired(open);
      const reason = `${last.failure.reason}; not tried again: Kafka has the record no more`;
      return this.#fail(open, reason, last.result, last.spec);
    }
    const { retry } = spec;
    const delay = { initialMs: retry.initialBackoffMs, maxMs: retry.maxBackoffMs };
    if (last.failure.type === "later") {
      open.laterSinceMs ??= nowMs;
      open.laterTries++;
      if (nowMs - open.laterSinceMs < retry.maxAgeMs) {
        return this.#wait(open, retryDelayMs(delay, open.laterTries, open.record.offset));
      }
    } else if (last.failure.type === "failed" && open.attempts < retry.attempts) {
      return this.#wait(open, retryDelayMs(delay, open.attempts, open.record.offset));
    }
    this.#fail(open, last.failure.reason, last.result, last.spec);
  }

  /** To the error topic. */
  #fail(open: OpenRecord, reason: string, result: RunResult | undefined, spec: SettlingSpec): void {
    const { runs, limits, group } = this.#context;
    const details = { reason, attempts: Math.max(1, open.attempts), result, group };
    const maxBytes = spec.error === null ? 0 : limits.of(spec.error.topic);
    const records = errorRecords(spec, open.record, details, maxBytes);
    for (const run of open.runs) if (run.phase !== "ended") runs.abandon(run);
    this.#outbox.take(open, { as: "error", spec, records, details });
  }

  /** Nothing is left of it: neither its record nor what a run of it has come to. */
  #giveUp(open: OpenRecord): void {
    const { runs, spec } = this.#context;
    for (const run of open.runs) if (run.phase !== "ended") runs.abandon(run);
    this.#outbox.take(open, { as: "dropped", spec, records: [] });
  }

  #noteExpired({ record: { partition, offset } }: OpenRecord): void {
    this.#context.note({ type: "expired-result", partition, offset });
  }

  /** A second run that is not the program's fault: after a pause, and counted with its cause. */
  #again(open: OpenRecord, reason: LostReason): void {
    open.rerunReason = reason;
    open.reruns++;
    this.#wait(open, retryDelayMs(this.#context.options.lossDelay, open.reruns, open.record.offset));
  }

  /** Until it runs again. What the program printed would only be held meanwhile. */
  #wait(open: OpenRecord, delayMs: number): void {
    const last = open.lastFailure;
    if (last !== undefined) open.lastFailure = { ...last, result: { ...last.result, stdout: noBytes } };
    this.#context.agenda.wait(open, this.#context.nowMs + delayMs);
  }

  #noteLost({ record: { partition, offset } }: OpenRecord, reason: LostReason, message: string): void {
    this.#context.note({ type: "lost", partition, offset, reason, message });
  }

  /** @param number which attempt it was, where its run began in an earlier life: that one may have counted it already */
  #countAttempt(open: OpenRecord, reason: string, number: number = open.attempts + 1): void {
    const { partition, offset } = open.record;
    open.partition.failedAttempts.set(offset, Math.max(open.attempts, number));
    // The count is to survive a restart, be it that nothing else is committed for long.
    this.#context.commits.changed(open.partition);
    this.#context.note({ type: "attempt-failed", partition, offset, reason });
  }

  // -------------------------------------------------------------------------------------------------------- placing

  /** Whether a probe of a paused processor could tell anything: there is something to try. */
  get canProbe(): boolean {
    const { starting, agenda } = this.#context;
    return starting && ((agenda.hasReady && this.#hasRoomForOutputs) || this.#outbox.hasUnsendable);
  }

  /** Outputs that wait for Kafka leave none for more of them. */
  get #hasRoomForOutputs(): boolean {
    return this.#context.flow.outputBytes < this.#context.bounds.bytes;
  }

  placeReady(): void {
    const { pause, agenda, lanes, runs, survivors, spec, nowMs } = this.#context;
    if (pause.reason === undefined && this.#outbox.hasUnsendable) this.#outbox.sendAgain();
    if (!this.#context.runnerReady || !this.#context.starting) return;
    let room = spec.concurrency - runs.alive;
    if (pause.reason !== undefined) {
      if (pause.probeAtMs > nowMs || !this.canProbe) return;
      pause.probed(nowMs);
      if (this.#outbox.hasUnsendable) return this.#outbox.sendAgain();
      room = Math.min(room, 1);
    }
    if (!this.#hasRoomForOutputs) return;
    while (room > 0) {
      const open = agenda.takeReady();
      if (open === undefined) return;
      // A run of it was found ahead of its turn, and it is to run again.
      if (!lanes.isTurnOf(open)) {
        open.enter("blocked");
        continue;
      }
      const guard = this.#guardOf(open);
      if (guard !== undefined) {
        open.enter("guarded");
        survivors.guard(open, guard);
      } else if (open.lastLoss !== undefined) {
        this.#failAfterLoss(open, open.lastLoss);
      } else {
        this.#place(open);
        room--;
      }
    }
  }

  /** A run beside which the record must not run; undefined where there is none, or where overlap is allowed. */
  #guardOf(open: OpenRecord): RunId | undefined {
    const { forbidsOverlap, survivors, lanes, held } = this.#context;
    if (!forbidsOverlap) return undefined;
    const own = open.runs.find(({ phase }) => phase !== "ended")?.id;
    if (own !== undefined) return own;
    const other = survivors.before(open) ?? lanes.runBeside(open);
    if (other !== undefined || open.lane === undefined) return other;
    // The lane of a run is not known whose record is not read yet, or cannot be read any more.
    for (const gone of open.partition.expired) {
      const run = gone.runs.find(({ phase }) => phase !== "ended");
      if (run !== undefined) return run.id;
    }
    return held.aliveIn(open.record.partition);
  }

  #place(open: OpenRecord): void {
    const { runs, spec, limits } = this.#context;
    const { record } = open;
    const id = `${record.topic}/${record.partition}/${record.offset}#${++this.#lastRun}` as RunId;
    const alone = open.losses >= SUSPECT_LOSSES;
    runs.start(id, open, spec, alone);
    open.enter("placed");
    if (open.rerunReason !== undefined) this.#context.note({ type: "rerun", reason: open.rerunReason });
    open.rerunReason = undefined;
    this.#context.push({ type: "run", run: { id, spec: limits.fit(spec), record, attempt: open.attempts + 1, alone } });
  }
}
