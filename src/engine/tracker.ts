import { assertNever, invariant } from "../base/errors.ts";
import type { ProcessorSpec } from "../config/processor.ts";
import { Agenda } from "./agenda.ts";
import { CommitCycle, confirmUnanswered } from "./commit-cycle.ts";
import { incriminates, judge, type Verdict } from "./faults.ts";
import { type FlowBounds, FlowControl } from "./flow-control.ts";
import { HeldRuns } from "./held-runs.ts";
import { type LaneId, type LaneShare, Lanes, laneOf } from "./lanes.ts";
import { explainPartition, explainStuck, type OffsetsLimits, type OffsetsView } from "./offsets-view.ts";
import { OpenRecord, type RunState } from "./open-record.ts";
import { errorRecords, successRecords } from "./outputs.ts";
import type { PartitionState } from "./partition-state.ts";
import type { AssignedPartition, LostReason, RunId, RunResult } from "./ports.ts";
import { ProcessorPause } from "./processor-pause.ts";
import { retryDelayMs } from "./retry.ts";
import { Runs } from "./runs.ts";
import { isNewGroup, isUnchanged, takeOver, withoutVoid } from "./take-over.ts";
import type { SendFailure, SendId, TrackerCommand, TrackerEvent, TrackerMode, TrackerNote } from "./tracker-events.ts";
import { defaultTrackerOptions, type TrackerOptions } from "./tracker-options.ts";
import { type TrackerView, viewPartition } from "./tracker-view.ts";

/** After so many losses in a row a record is suspected of causing them, and runs alone (promise I7). */
const SUSPECT_LOSSES = 3;
/** So much of the window may wait behind one key (promise I5). */
const LANE_SHARE = 0.1;

/**
 * Keeps the state of every record of one processor (docs/concepts/promises.md; the phases stand in open-record.ts).
 *
 * Events with times go in, commands come out; there is no I/O, clock or randomness in it. A record costs O(log n) over
 * its life: its place among the ready records, and among the waiting ones for each retry. Everything else is a map
 * look-up. All partitions are walked only when the assignment, the mode or the fullness of the window changes.
 */
export class Tracker {
  readonly #options: TrackerOptions;
  #spec: ProcessorSpec;
  #mode: TrackerMode = "run";
  /** Of the present assignment; what belongs to another one is stale. */
  #epoch = 0;
  #runnerReady = false;
  readonly #partitions = new Map<number, PartitionState>();
  /** Partitions that nobody may read before a person has decided, and why. */
  readonly #stuck = new Map<number, { readonly from: AssignedPartition; readonly reason: string }>();
  readonly #runs = new Runs((...commands) => this.#push(...commands));
  readonly #held: HeldRuns;
  readonly #lanes = new Lanes();
  readonly #agenda = new Agenda();
  readonly #flow = new FlowControl();
  readonly #commits: CommitCycle;
  readonly #pause: ProcessorPause;
  readonly #sends = new Map<SendId, OpenRecord>();
  /** Outputs that Kafka's topic refused; sent again with the processor's next probe. */
  #unsendable: OpenRecord[] = [];
  #sequence = 0;
  #lastRun = 0;
  #lastSend = 0;
  #commands: TrackerCommand[] = [];

  constructor(spec: ProcessorSpec, options: TrackerOptions = defaultTrackerOptions) {
    this.#spec = spec;
    this.#options = options;
    this.#held = new HeldRuns(options.foreignHoldMs);
    this.#pause = new ProcessorPause(options.probeDelay, (note) => this.#note(note));
    this.#commits = new CommitCycle({
      intervalMs: options.commitIntervalMs,
      metadataLimitBytes: options.metadataLimitBytes,
    });
  }

  /** @throws {InvariantError} on what cannot be; the Worker then stops */
  step(event: TrackerEvent, nowMs: number): readonly TrackerCommand[] {
    this.#commands = [];
    this.#handle(event, nowMs);
    for (const runId of this.#held.takeForeign(nowMs)) this.#runs.abandon(runId);
    this.#agenda.wake(nowMs);
    this.#placeReady(nowMs);
    this.#controlFlow();
    this.#commitDue(nowMs);
    return this.#commands;
  }

  /** When the next `tick` is due; undefined where nothing waits for time. */
  get wakeMs(): number | undefined {
    const probeMs = this.#pause.reason !== undefined && this.#canProbe ? this.#pause.probeAtMs : undefined;
    const due = [this.#agenda.dueMs, this.#commits.dueMs, this.#held.dueMs, probeMs].filter((ms) => ms !== undefined);
    return due.length === 0 ? undefined : Math.min(...due);
  }

  /** Whether the work of a mode other than `run` is over. */
  get finished(): boolean {
    if (this.#mode === "run" || this.#sends.size > 0 || this.#commits.busy) return false;
    if (this.#mode === "drain") return this.#flow.records === 0;
    return this.#mode === "settle" || this.#runs.alive === 0;
  }

  view(): TrackerView {
    return {
      partitions: [...this.#partitions.values()].map(viewPartition),
      inFlight: { records: this.#flow.records, bytes: this.#flow.bytes, runs: this.#runs.alive },
      pausedBecause: this.#pause.reason ?? this.#stuck.values().next().value?.reason,
    };
  }

  /** Every partition explained, in order; see offsets-view.ts for what it costs. */
  offsets(limits: OffsetsLimits): readonly OffsetsView[] {
    const views = [...this.#partitions.values()].map((state) =>
      explainPartition(state, this.#lanes, this.#notRead(state), limits),
    );
    for (const { from, reason } of this.#stuck.values()) views.push(explainStuck(from, reason));
    return views.sort((a, b) => a.partition - b.partition);
  }

  #handle(event: TrackerEvent, nowMs: number): void {
    switch (event.type) {
      case "assigned":
        return this.#assigned(event.epoch, event.partitions, nowMs);
      case "received":
        if (event.epoch === this.#epoch) this.#received(event, nowMs);
        return;
      case "ready":
        this.#runnerReady = true;
        return;
      case "adopted":
        return this.#adopted(event.runId, event.partition, event.offset, nowMs);
      case "started":
        return this.#started(event.runId);
      case "ended":
        return this.#ended(event.runId, event.result, nowMs);
      case "lost":
        return this.#lost(event.runId, event.reason, event.message, nowMs);
      case "sent":
        return this.#sent(event.sendId, nowMs);
      case "send-failed":
        return this.#sendFailed(event.sendId, event.failure, nowMs);
      case "committed":
        return this.#settle(this.#commits.committed(event.commitId, nowMs));
      case "commit-failed":
        return this.#commits.failed(event.commitId, event.failure, nowMs);
      case "spec":
        this.#spec = event.spec;
        this.#pause.probeNow(nowMs);
        return;
      case "mode":
        this.#mode = event.mode;
        return;
      case "tick":
        return;
      default:
        return assertNever(event);
    }
  }

  // --------------------------------------------------------------------------------------------------- partitions

  #assigned(epoch: number, given: readonly AssignedPartition[], nowMs: number): void {
    this.#epoch = epoch;
    this.#stuck.clear();
    const { partitions, notes } = withoutVoid(given);
    for (const note of notes) this.#note(note);
    const assigned = new Set(partitions.map(({ partition }) => partition));
    // `from` is for a group that never committed anything; a partition that appeared later starts at its beginning.
    const groupIsNew = this.#partitions.size === 0 && isNewGroup(given);
    for (const state of [...this.#partitions.values()]) if (!assigned.has(state.partition)) this.#drop(state);
    for (const from of partitions) {
      const state = this.#keep(from) ?? this.#takeOver(from, groupIsNew);
      if (state === undefined) continue;
      state.highWatermark = from.logEndOffset;
      state.paused = !this.#flow.open || state.span >= this.#options.maxSpan || state.waitsForLane !== undefined;
      this.#push({ type: "seek", epoch, partition: state.partition, offset: state.position });
      if (!state.paused) this.#push({ type: "resume", partitions: [state.partition] });
    }
    this.#held.assigned(assigned, nowMs);
    this.#abandonHeld((partition, offset) => this.#partitions.get(partition)?.done.has(offset) === true);
  }

  /** The partition as it stood, with its runs, where nobody else wrote the group's offset since we last looked. */
  #keep(from: AssignedPartition): PartitionState | undefined {
    const state = this.#partitions.get(from.partition);
    if (state === undefined) return undefined;
    // A commit without an answer may have been carried out all the same.
    if (from.committed !== null) this.#settle(confirmUnanswered(state, from.committed));
    // A log that ends below what was read lost records, or is another one: what is committed says where to go on.
    if (!isUnchanged(state.committed, from) || state.position > from.logEndOffset) return undefined;
    if (state.position < from.logStartOffset) {
      const records = from.logStartOffset - state.position;
      this.#note({ type: "expired", partition: from.partition, records });
      state.passGap(from.logStartOffset);
      this.#commits.changed(state);
    }
    if (state.uncommitted.length > 0) this.#commits.changed(state);
    return state;
  }

  #takeOver(from: AssignedPartition, groupIsNew: boolean): PartitionState | undefined {
    const before = this.#partitions.get(from.partition);
    if (before !== undefined) this.#drop(before);
    const result = takeOver(from, groupIsNew, this.#spec);
    for (const note of result.notes) this.#note(note);
    if (result.type === "stuck") {
      this.#stuck.set(from.partition, { from, reason: result.reason });
      return undefined;
    }
    const { state } = result;
    this.#partitions.set(from.partition, state);
    // Fixes the start of a new group: a restart goes on from here even if nothing was read meanwhile.
    if (from.committed?.offset !== state.done.watermark) this.#commits.changed(state);
    return state;
  }

  /** Another owner has it now: its runs are cancelled, what still arrives for it is ignored. */
  #drop(state: PartitionState): void {
    state.owned = false;
    this.#partitions.delete(state.partition);
    this.#commits.forget(state);
    this.#lanes.drop(state.partition);
    for (const open of state.open.values()) {
      for (const run of open.runs) this.#runs.abandon(run.id);
      this.#close(open);
    }
  }

  #received(event: Extract<TrackerEvent, { type: "received" }>, nowMs: number): void {
    const state = this.#partitions.get(event.partition);
    if (state === undefined) return;
    state.highWatermark = Math.max(event.highWatermark, event.nextOffset);
    const share = this.#laneShare;
    let { nextOffset } = event;
    let records = 0;
    let bytes = 0;
    for (const record of event.records) {
      if (record.offset < state.position) continue;
      state.passGap(record.offset);
      if (state.done.has(record.offset)) {
        state.position = record.offset + 1;
        continue;
      }
      const lane = laneOf(record, this.#spec.ordering);
      if (lane !== undefined && this.#lanes.isFull(lane, share)) {
        this.#waitForLane(state, lane);
        nextOffset = state.position;
        break;
      }
      state.position = record.offset + 1;
      const open = new OpenRecord(record, state, this.#sequence++, nowMs);
      state.open.set(record.offset, open);
      this.#flow.enter(open);
      records++;
      bytes += open.bytes;
      const isFree = this.#lanes.enter(open, lane);
      this.#takeHeld(open, nowMs);
      if (isFree && open.phase === "blocked") this.#agenda.makeReady(open);
    }
    state.passGap(nextOffset);
    this.#abandonHeld((partition, offset) => partition === state.partition && offset < state.position);
    if (state.committed?.offset !== state.done.watermark) this.#commits.changed(state);
    this.#flow.touch(state);
    if (records > 0) this.#note({ type: "received", partition: event.partition, records, bytes });
  }

  /** The record at the position stays unread, and all behind it, until its lane has room. */
  #waitForLane(state: PartitionState, lane: LaneId): void {
    state.waitsForLane = lane;
    state.paused = true;
    this.#push({ type: "pause", partitions: [state.partition] });
    this.#push({ type: "seek", epoch: this.#epoch, partition: state.partition, offset: state.position });
  }

  // ---------------------------------------------------------------------------------------------------------- runs

  #adopted(runId: RunId, partition: number, offset: number, nowMs: number): void {
    if (this.#runs.get(runId) !== undefined) return;
    const state = this.#partitions.get(partition);
    const open = state?.open.get(offset);
    if (open !== undefined) {
      // It takes the place of a run that only waits for room.
      const waiting = open.phase === "placed" ? open.runs.filter(({ phase }) => phase === "alive") : [];
      const run = this.#runs.attach(runId, open, this.#spec, { alone: false, adopted: true });
      for (const { id } of waiting) this.#runs.abandon(id);
      // Decided already: the run is not wanted, yet its last update stays unacknowledged until the commit.
      if (open.decided) return this.#runs.cancel(run);
      if (open.phase !== "running") open.enter("running");
    } else if (state === undefined || (offset >= state.position && !state.done.has(offset))) {
      this.#held.hold(runId, partition, offset, nowMs);
    } else {
      this.#runs.abandon(runId);
    }
  }

  /** Runs that were adopted before their record was read, which is settled or gone: it will never arrive. */
  #abandonHeld(isOver: (partition: number, offset: number) => boolean): void {
    for (const runId of this.#held.takeWhere(isOver)) this.#runs.abandon(runId);
  }

  /** The record of runs that were adopted before it was read has arrived. */
  #takeHeld(open: OpenRecord, nowMs: number): void {
    const held = this.#held.take(open.record.partition, open.record.offset);
    // All before any: what one has come to decides nothing while another is alive.
    for (const { runId } of held) this.#runs.attach(runId, open, this.#spec, { alone: false, adopted: true });
    if (held.length > 0) open.enter("running");
    for (const { runId, end } of held) {
      if (this.#runs.get(runId) === undefined) continue; // a twin has decided, and it was let go
      if (end?.type === "ended") this.#ended(runId, end.result, nowMs);
      if (end?.type === "lost") this.#lost(runId, end.reason, end.message, nowMs);
    }
  }

  #started(runId: RunId): void {
    const run = this.#runs.get(runId);
    if (run?.open.phase === "placed") run.open.enter("running");
  }

  #ended(runId: RunId, result: RunResult, nowMs: number): void {
    const run = this.#runs.get(runId);
    if (run === undefined) {
      if (!this.#held.over(runId, { type: "ended", result })) this.#push({ type: "release", runId });
      return;
    }
    if (run.phase === "ended") return; // a repeated status update: it is released with the commit
    const { open } = run;
    const wasMissing = run.phase === "missing";
    this.#runs.end(run);
    if (open.decided) return this.#runs.release(run);
    if (!wasMissing) {
      open.losses = 0;
      open.reruns = 0;
    }

    const verdict = judge(result.outcome);
    if (verdict.type === "processor") this.#pause.pause(verdict.reason, nowMs);
    else if (verdict.type !== "killed") this.#pause.end();
    if (verdict.type === "success") return this.#succeed(run, result, nowMs);

    if (verdict.type === "failed" || verdict.type === "rejected") {
      this.#countAttempt(open, verdict.reason, run.adopted ? result.attempt : undefined);
    }
    if (verdict.type !== "processor" && verdict.type !== "killed") {
      open.lastFailure = { failure: verdict, result, spec: run.spec };
    }
    // It decides nothing while a twin may still succeed. And a run that had been given up has its successor on the way,
    // which is not needed where this was the last attempt.
    if (open.aliveRuns === 0 && (!wasMissing || this.#isLast(open, verdict))) this.#afterBadEnd(open, verdict, nowMs);
    // A result that sends the record to the error topic waits for the commit, as a success does. Any other is
    // acknowledged at once: the record runs again.
    if (!open.decided) this.#runs.release(run);
  }

  #isLast(open: OpenRecord, { type }: Verdict): boolean {
    return type === "rejected" || (type === "failed" && open.attempts >= this.#spec.retry.attempts);
  }

  #afterBadEnd(open: OpenRecord, verdict: Exclude<Verdict, { type: "success" }>, nowMs: number): void {
    switch (verdict.type) {
      case "failed":
      case "rejected":
      case "later":
        return this.#afterFailure(open, nowMs);
      case "processor":
        return this.#agenda.makeReady(open);
      case "killed":
        // Not by us, or its record would be gone.
        this.#noteLost(open, "executor-lost", "its executor was told to leave");
        return this.#again(open, "executor-lost", nowMs);
      default:
        return assertNever(verdict);
    }
  }

  #succeed(run: RunState, { stdout }: RunResult, nowMs: number): void {
    const { open, spec } = run;
    const records = successRecords(spec, open.record, stdout);
    open.decision = { as: records.length > 0 ? "output" : "dropped", spec, records };
    for (const twin of open.runs) if (twin !== run) this.#runs.abandon(twin.id);
    this.#send(open, nowMs);
  }

  #afterFailure(open: OpenRecord, nowMs: number): void {
    const last = open.lastFailure;
    invariant(last !== undefined, "a record failed without a failure");
    const { retry } = this.#spec;
    const delay = { initialMs: retry.initialBackoffMs, maxMs: retry.maxBackoffMs };
    if (last.failure.type === "later") {
      open.laterSinceMs ??= nowMs;
      open.laterTries++;
      if (nowMs - open.laterSinceMs < retry.maxAgeMs) {
        return this.#agenda.wait(open, nowMs + retryDelayMs(delay, open.laterTries, open.record.offset));
      }
    } else if (last.failure.type === "failed" && open.attempts < retry.attempts) {
      return this.#agenda.wait(open, nowMs + retryDelayMs(delay, open.attempts, open.record.offset));
    }
    this.#fail(open, last.failure.reason, last.result, last.spec, nowMs);
  }

  /** To the error topic. */
  #fail(open: OpenRecord, reason: string, result: RunResult | undefined, spec: ProcessorSpec, nowMs: number): void {
    const details = { reason, attempts: Math.max(1, open.attempts), result };
    const records = errorRecords(spec, open.record, details, this.#options.maxErrorRecordBytes);
    open.decision = { as: "error", spec, records };
    for (const run of open.runs) if (run.phase !== "ended") this.#runs.abandon(run.id);
    this.#send(open, nowMs);
  }

  #lost(runId: RunId, reason: LostReason, message: string, nowMs: number): void {
    const run = this.#runs.get(runId);
    if (run === undefined) {
      if (!this.#held.over(runId, { type: "lost", reason, message })) this.#push({ type: "release", runId });
      return;
    }
    if (run.phase === "ended") return;
    const { open } = run;
    const wasAlive = run.phase === "alive";
    // An agent that is unreachable may come back with the result: whichever run succeeds first wins.
    if (reason === "agent-unreachable") this.#runs.miss(run);
    else this.#runs.release(run);
    if (!wasAlive || open.decided) return;
    this.#noteLost(open, reason, message);
    if (incriminates(reason)) {
      open.losses++;
      if (run.alone) this.#countAttempt(open, `${reason} while it ran alone`);
    }
    if (open.aliveRuns > 0) return;
    if (open.attempts >= this.#spec.retry.attempts) {
      // Either this loss was the last attempt, or a program's failure, which only waited for what becomes of this twin.
      const last = run.alone ? undefined : open.lastFailure;
      if (last !== undefined) return this.#fail(open, last.failure.reason, last.result, last.spec, nowMs);
      return this.#fail(open, `${reason} under this record again and again`, undefined, run.spec, nowMs);
    }
    this.#again(open, reason, nowMs);
  }

  /** A second run that is not the program's fault: after a pause, and counted with its cause. */
  #again(open: OpenRecord, reason: LostReason, nowMs: number): void {
    open.rerunReason = reason;
    open.reruns++;
    this.#agenda.wait(open, nowMs + retryDelayMs(this.#options.lossDelay, open.reruns, open.record.offset));
  }

  /** @param number which attempt it was, where its run began in an earlier life: that one may have counted it already */
  #noteLost({ record: { partition, offset } }: OpenRecord, reason: LostReason, message: string): void {
    this.#note({ type: "lost", partition, offset, reason, message });
  }

  #countAttempt(open: OpenRecord, reason: string, number: number = open.attempts + 1): void {
    const { partition, offset } = open.record;
    open.partition.failedAttempts.set(offset, Math.max(open.attempts, number));
    // The count is to survive a restart, be it that nothing else is committed for long.
    this.#commits.changed(open.partition);
    this.#note({ type: "attempt-failed", partition, offset, reason });
  }

  #placeReady(nowMs: number): void {
    if (this.#pause.reason === undefined && this.#unsendable.length > 0) this.#sendAgain(nowMs);
    if (!this.#runnerReady || !this.#starting) return;
    let room = this.#spec.concurrency - this.#runs.alive;
    if (this.#pause.reason !== undefined) {
      if (this.#pause.probeAtMs > nowMs || !this.#canProbe) return;
      this.#pause.probed(nowMs);
      if (this.#unsendable.length > 0) return this.#sendAgain(nowMs);
      room = Math.min(room, 1);
    }
    for (; room > 0; room--) {
      const open = this.#agenda.takeReady();
      if (open === undefined) return;
      this.#place(open);
    }
  }

  #place(open: OpenRecord): void {
    const { record } = open;
    const id = `${record.topic}/${record.partition}/${record.offset}#${++this.#lastRun}` as RunId;
    const alone = open.losses >= SUSPECT_LOSSES;
    this.#runs.attach(id, open, this.#spec, { alone, adopted: false });
    open.enter("placed");
    if (open.rerunReason !== undefined) this.#note({ type: "rerun", reason: open.rerunReason });
    open.rerunReason = undefined;
    this.#push({ type: "run", run: { id, spec: this.#spec, record, attempt: open.attempts + 1, alone } });
  }

  // ------------------------------------------------------------------------------------------------------- outputs

  #send(open: OpenRecord, nowMs: number): void {
    if (open.phase !== "ended") open.enter("ended");
    const records = open.decision?.records ?? [];
    if (records.length === 0) return this.#done(open, nowMs);
    open.enter("sending");
    const sendId = ++this.#lastSend;
    this.#sends.set(sendId, open);
    this.#push({ type: "send", sendId, records });
  }

  #sent(sendId: SendId, nowMs: number): void {
    const open = this.#takeSend(sendId);
    this.#pause.end();
    if (open.partition.owned) this.#done(open, nowMs);
  }

  #sendFailed(sendId: SendId, failure: SendFailure, nowMs: number): void {
    const open = this.#takeSend(sendId);
    if (!open.partition.owned) return;
    const { decision } = open;
    invariant(decision !== undefined, "a record was sent without a decision");
    open.enter("ended");
    if (failure.type === "record-refused" && decision.as !== "error") {
      this.#countAttempt(open, failure.message);
      return this.#fail(open, failure.message, undefined, decision.spec, nowMs);
    }
    // The outputs are kept, and the program does not run again.
    this.#unsendable.push(open);
    this.#pause.pause(failure.message, nowMs);
  }

  #sendAgain(nowMs: number): void {
    const again = this.#unsendable;
    this.#unsendable = [];
    for (const open of again) if (open.partition.owned) this.#send(open, nowMs);
  }

  #takeSend(sendId: SendId): OpenRecord {
    const open = this.#sends.get(sendId);
    invariant(open !== undefined, `Send ${sendId} ended twice`);
    this.#sends.delete(sendId);
    return open;
  }

  /** Kafka has its outputs, or there is nothing to send: only the commit is missing. */
  #done(open: OpenRecord, nowMs: number): void {
    open.enter("done");
    const { partition, record } = open;
    partition.done.add(record.offset);
    partition.failedAttempts.delete(record.offset);
    partition.uncommitted.push(open);
    this.#commits.changed(partition);
    this.#flow.touch(partition);
    const as = open.decision?.as ?? "dropped";
    const latencyMs = nowMs - open.receivedAtMs;
    this.#note({ type: "finished", partition: record.partition, offset: record.offset, as, latencyMs });
    // An adopted run may have finished ahead of its lane: such records are passed.
    let next = this.#lanes.leave(open);
    while (next?.phase === "done") next = this.#lanes.leave(next);
    if (next?.phase === "blocked") this.#agenda.makeReady(next);
    const { waitsForLane } = partition;
    if (waitsForLane !== undefined && this.#lanes.hasRoom(waitsForLane, this.#laneShare)) {
      partition.waitsForLane = undefined;
    }
  }

  /** A commit holds them: the runner may acknowledge their last status updates. */
  #settle(records: readonly OpenRecord[]): void {
    for (const open of records) {
      if (!open.partition.owned) continue;
      for (const run of open.runs) this.#runs.release(run);
      this.#close(open);
    }
  }

  #close(open: OpenRecord): void {
    if (open.partition.open.delete(open.record.offset)) this.#flow.leave(open);
  }

  #commitDue(nowMs: number): void {
    const commit = this.#commits.build(nowMs);
    if (commit === undefined) return;
    for (const note of commit.notes) this.#note(note);
    this.#push({ type: "commit", commitId: commit.commitId, epoch: this.#epoch, offsets: commit.offsets });
  }

  // ---------------------------------------------------------------------------------------------------------- flow

  /** Whether new runs may start. */
  get #starting(): boolean {
    return this.#mode === "run" || this.#mode === "drain";
  }

  /** Whether a probe of a paused processor could tell anything: there is something to try. */
  get #canProbe(): boolean {
    return this.#starting && (this.#agenda.hasReady || this.#unsendable.length > 0);
  }

  get #bounds(): FlowBounds {
    return {
      records: Math.max(this.#options.minWindow, 2 * this.#spec.concurrency),
      bytes: this.#spec.maxInFlightBytes,
      span: this.#options.maxSpan,
    };
  }

  get #laneShare(): LaneShare {
    const { records, bytes } = this.#bounds;
    return { records: Math.max(1, Math.floor(records * LANE_SHARE)), bytes: bytes * LANE_SHARE };
  }

  #notRead(state: PartitionState): string | undefined {
    const { waitsForLane } = state;
    if (!state.paused || !this.#flow.open || waitsForLane === undefined) return this.#flow.reason(state, this.#bounds);
    const head = this.#lanes.head(waitsForLane)?.record.offset;
    return `the record at ${state.position} has no place: too many wait behind ${head}, which comes before them in order`;
  }

  #controlFlow(): void {
    const { pause, resume } = this.#flow.change(this.#partitions.values(), this.#mode === "run", this.#bounds);
    if (pause.length > 0) this.#push({ type: "pause", partitions: pause });
    if (resume.length > 0) this.#push({ type: "resume", partitions: resume });
  }

  #push(...commands: TrackerCommand[]): void {
    this.#commands.push(...commands);
  }

  #note(note: TrackerNote): void {
    this.#commands.push({ type: "note", note });
  }
}
