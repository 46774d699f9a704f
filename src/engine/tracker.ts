import { assertNever, invariant } from "../base/errors.ts";
import { Heap } from "../base/heap.ts";
import type { ProcessorSpec } from "../config/processor.ts";
import { CommitCycle, confirm } from "./commit-cycle.ts";
import { DEFAULT_METADATA_LIMIT, decodeCommitMetadata } from "./commit-metadata.ts";
import { judge } from "./faults.ts";
import { HeldRuns } from "./held-runs.ts";
import { Lanes } from "./lanes.ts";
import { OpenRecord, type RunState } from "./open-record.ts";
import { errorRecords, successRecords } from "./outputs.ts";
import { PartitionState } from "./partition-state.ts";
import type { AssignedPartition, LostReason, RunId, RunResult } from "./ports.ts";
import { ProcessorPause } from "./processor-pause.ts";
import { type RetryDelay, retryDelayMs } from "./retry.ts";
import type { SendFailure, SendId, TrackerCommand, TrackerEvent, TrackerMode, TrackerNote } from "./tracker-events.ts";

export interface TrackerOptions {
  /** Longest distance from the watermark to the highest offset read (promise I2). */
  readonly maxSpan: number;
  /** Least time between two commits. */
  readonly commitIntervalMs: number;
  readonly metadataLimitBytes: number;
  /** Back-off of records whose executor or agent was lost. */
  readonly lossDelay: RetryDelay;
  /** Back-off of the probes of a paused processor. */
  readonly probeDelay: RetryDelay;
  /** Largest error record. */
  readonly maxErrorRecordBytes: number;
  /** Records read and not settled, at the least; twice the concurrency where that is more. */
  readonly minWindow: number;
}

export const defaultTrackerOptions: TrackerOptions = {
  maxSpan: 1_000_000,
  commitIntervalMs: 20,
  metadataLimitBytes: DEFAULT_METADATA_LIMIT,
  lossDelay: { initialMs: 200, maxMs: 30_000 },
  probeDelay: { initialMs: 1000, maxMs: 60_000 },
  maxErrorRecordBytes: 900_000,
  minWindow: 1000,
};

/** After so many losses in a row a record is suspected of causing them, and runs alone (promise I7). */
const SUSPECT_LOSSES = 3;

/** What holds a partition's watermark, for `why` and the API. */
export interface PartitionView {
  readonly partition: number;
  readonly watermark: number;
  readonly committed: number | null;
  readonly position: number;
  readonly highWatermark: number;
  readonly open: number;
  readonly paused: boolean;
  readonly heldBy:
    | { readonly offset: number; readonly phase: string; readonly sinceMs: number; readonly attempts: number }
    | undefined;
}

export interface TrackerView {
  readonly partitions: readonly PartitionView[];
  readonly inFlight: { readonly records: number; readonly bytes: number; readonly runs: number };
  readonly pausedBecause: string | undefined;
}

/**
 * Keeps the state of every record of one processor (docs/concepts/promises.md; the phases stand in open-record.ts).
 *
 * Events with times go in, commands come out; there is no I/O, clock or randomness in it. A record costs O(log n) over
 * its life: its place in the queue of ready records, and in the queue of waiting ones for each retry. Everything else
 * is a map look-up. All partitions are walked only when the assignment, the mode or the fullness of the window changes.
 */
export class Tracker {
  readonly #options: TrackerOptions;
  #spec: ProcessorSpec;
  #mode: TrackerMode = "run";
  #epoch = 0;
  #runnerReady = false;
  readonly #partitions = new Map<number, PartitionState>();
  readonly #runs = new Map<RunId, RunState>();
  readonly #sends = new Map<SendId, OpenRecord>();
  readonly #held = new HeldRuns();
  readonly #lanes = new Lanes();
  readonly #commits: CommitCycle;
  readonly #pause: ProcessorPause;
  readonly #ready = new Heap<OpenRecord>((a, b) => a.sequence < b.sequence);
  readonly #waiting = new Heap<{ readonly open: OpenRecord; readonly dueMs: number }>((a, b) => a.dueMs < b.dueMs);
  /** Outputs that Kafka's topic refused; sent again with the processor's next probe. */
  #unsendable: OpenRecord[] = [];
  #sequence = 0;
  #lastRun = 0;
  #lastSend = 0;
  #aliveRuns = 0;
  #openRecords = 0;
  #openBytes = 0;
  #full = false;
  #reading = true;
  /** Partitions that nobody may read before a person has decided, and why. */
  readonly #stuck = new Map<number, string>();
  /** Partitions whose span changed in this step. */
  readonly #touched = new Set<PartitionState>();
  #commands: TrackerCommand[] = [];

  constructor(spec: ProcessorSpec, options: TrackerOptions = defaultTrackerOptions) {
    this.#spec = spec;
    this.#options = options;
    this.#pause = new ProcessorPause(options.probeDelay);
    this.#commits = new CommitCycle({
      intervalMs: options.commitIntervalMs,
      metadataLimitBytes: options.metadataLimitBytes,
    });
  }

  /** @throws {InvariantError} on what cannot be; the Worker then stops */
  step(event: TrackerEvent, nowMs: number): readonly TrackerCommand[] {
    this.#commands = [];
    this.#handle(event, nowMs);
    this.#wakeWaiting(nowMs);
    this.#placeReady(nowMs);
    this.#controlFlow();
    this.#commitDue(nowMs);
    return this.#commands;
  }

  /** When the next `tick` is due; undefined where nothing waits for time. */
  get wakeMs(): number | undefined {
    const due = [this.#waiting.peek()?.dueMs, this.#commits.dueMs, this.#probing ? this.#pause.probeAtMs : undefined];
    const known = due.filter((ms) => ms !== undefined);
    return known.length === 0 ? undefined : Math.min(...known);
  }

  /** Whether the mode's work is over: all open records in `drain`, what had ended in `settle`. */
  get finished(): boolean {
    if (this.#mode === "run") return false;
    if (this.#sends.size > 0 || this.#commits.busy) return false;
    if (this.#mode === "drain") return this.#openRecords === 0;
    return this.#mode === "settle" || this.#aliveRuns === 0;
  }

  /** Runs that are placed or running now. */
  get aliveRuns(): number {
    return this.#aliveRuns;
  }

  view(): TrackerView {
    return {
      partitions: [...this.#partitions.values()].map((partition) => this.#viewPartition(partition)),
      inFlight: { records: this.#openRecords, bytes: this.#openBytes, runs: this.#aliveRuns },
      pausedBecause: this.#pause.reason ?? this.#stuck.values().next().value,
    };
  }

  #handle(event: TrackerEvent, nowMs: number): void {
    switch (event.type) {
      case "assigned":
        return this.#assigned(event.epoch, event.partitions);
      case "received":
        if (event.epoch === this.#epoch) this.#received(event, nowMs);
        return;
      case "ready":
        this.#runnerReady = true;
        return;
      case "adopted":
        return this.#adopted(event.runId, event.partition, event.offset);
      case "started":
        return this.#started(event.runId);
      case "ended":
        return this.#ended(event.runId, event.result, nowMs);
      case "lost":
        return this.#lost(event.runId, event.reason, nowMs);
      case "sent":
        return this.#sent(event.sendId, nowMs);
      case "send-failed":
        return this.#sendFailed(event.sendId, event.failure, nowMs);
      case "committed":
        return this.#settle(this.#commits.committed(event.commitId, nowMs));
      case "commit-failed":
        return this.#commits.failed(event.commitId, event.stale, nowMs);
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

  #assigned(epoch: number, partitions: readonly AssignedPartition[]): void {
    this.#epoch = epoch;
    this.#stuck.clear();
    const assigned = new Set(partitions.map(({ partition }) => partition));
    for (const state of [...this.#partitions.values()]) if (!assigned.has(state.partition)) this.#drop(state);
    // `from` is for a group that never committed anything; a partition that appeared later starts at its beginning.
    const groupIsNew = partitions.every(({ committed }) => committed === null) && this.#partitions.size === 0;
    for (const from of partitions) {
      const own = this.#partitions.get(from.partition);
      const state = own !== undefined && this.#stillOurs(own, from) ? own : this.#takeOver(from, groupIsNew);
      if (state === undefined) continue;
      state.highWatermark = from.logEndOffset;
      if (state.uncommitted.length > 0) this.#commits.changed(state);
      state.paused = this.#full || this.#mode !== "run";
      this.#push({ type: "seek", epoch, partition: from.partition, offset: state.position });
      if (!state.paused) this.#push({ type: "resume", partitions: [from.partition] });
    }
    for (const runId of this.#held.dropExcept(assigned)) this.#abandon(runId);
  }

  /** Whether nobody but us wrote the group's offset since we last looked. */
  #stillOurs(state: PartitionState, { committed }: AssignedPartition): boolean {
    const same = (ours: { offset: number; metadata: string } | null | undefined): boolean =>
      ours !== undefined && ours?.offset === committed?.offset && ours?.metadata === committed?.metadata;
    if (state.committing !== undefined && same(state.committing.commit)) {
      this.#settle(confirm(state));
      return true;
    }
    return same(state.committed);
  }

  /** Takes over a partition from whoever had it. Undefined where it must stay paused. */
  #takeOver(from: AssignedPartition, groupIsNew: boolean): PartitionState | undefined {
    const { partition, committed, logStartOffset, logEndOffset } = from;
    const before = this.#partitions.get(partition);
    if (before !== undefined) this.#drop(before);
    if (committed !== null && committed.offset > logEndOffset) {
      this.#note({ type: "beyond-end", partition, committed: committed.offset, logEnd: logEndOffset });
      this.#stuck.set(
        partition,
        `partition ${partition} of ${this.#spec.input} ends at ${logEndOffset}, below the committed offset ${committed.offset}: was the topic made anew?`,
      );
      return undefined;
    }
    const start = groupIsNew && this.#spec.from === "latest" ? logEndOffset : logStartOffset;
    const watermark = Math.max(committed?.offset ?? start, logStartOffset);
    if (committed !== null && committed.offset < logStartOffset) {
      this.#note({ type: "expired", partition, records: logStartOffset - committed.offset });
    }
    const state = new PartitionState(partition, watermark, logEndOffset, committed);
    const known = decodeCommitMetadata(committed?.metadata ?? "", committed?.offset ?? watermark);
    if (known.type === "foreign") {
      this.#note({ type: "foreign-metadata", partition, version: known.version });
    } else {
      for (const [first, end] of known.runs) state.done.addRange(first, end);
      for (const [offset, failed] of known.attempts) {
        if (!state.done.has(offset)) state.failedAttempts.set(offset, failed);
      }
    }
    state.position = state.done.watermark;
    this.#partitions.set(partition, state);
    // Fixes the start of a new group, so that a restart goes on from here even if nothing was read meanwhile.
    if (committed?.offset !== state.done.watermark) this.#commits.changed(state);
    return state;
  }

  /** Another owner has it now: its runs are cancelled, what still arrives for it is ignored. */
  #drop(state: PartitionState): void {
    state.owned = false;
    this.#partitions.delete(state.partition);
    this.#commits.forget(state);
    this.#lanes.drop(state.partition);
    for (const open of state.open.values()) {
      for (const run of [...open.runs]) this.#abandon(run.id);
      this.#close(open);
    }
  }

  #received(event: Extract<TrackerEvent, { type: "received" }>, nowMs: number): void {
    const state = this.#partitions.get(event.partition);
    if (state === undefined) return;
    state.highWatermark = Math.max(event.highWatermark, event.nextOffset);
    let records = 0;
    let bytes = 0;
    for (const record of event.records) {
      if (record.offset < state.position) continue;
      // What lies between was compacted away or belongs to a transaction: nobody will ever read it.
      state.done.addRange(state.position, record.offset);
      state.position = record.offset + 1;
      if (state.done.has(record.offset)) {
        for (const held of this.#held.take(event.partition, record.offset)) this.#abandon(held.runId);
        continue;
      }
      const open = new OpenRecord(record, state, this.#sequence++, nowMs, "blocked");
      open.attempts = state.failedAttempts.get(record.offset) ?? 0;
      state.open.set(record.offset, open);
      this.#openRecords++;
      this.#openBytes += open.bytes;
      records++;
      bytes += open.bytes;
      const free = this.#lanes.enter(open, this.#spec.ordering);
      this.#takeHeld(open, nowMs);
      if (free && open.phase === "blocked") this.#makeReady(open);
    }
    if (event.nextOffset > state.position) {
      state.done.addRange(state.position, event.nextOffset);
      state.position = event.nextOffset;
    }
    if (state.committed?.offset !== state.done.watermark) this.#commits.changed(state);
    this.#touched.add(state);
    if (records > 0) this.#note({ type: "received", partition: event.partition, records, bytes });
  }

  // ---------------------------------------------------------------------------------------------------------- runs

  #adopted(runId: RunId, partition: number, offset: number): void {
    if (this.#runs.has(runId)) return;
    const state = this.#partitions.get(partition);
    const open = state?.open.get(offset);
    if (open !== undefined) {
      const run = this.#attach(runId, open);
      // Decided already: the run is not wanted, yet its last update stays unacknowledged until the commit.
      if (open.decided) return this.#cancel(run);
      if (open.phase !== "running") open.enter("running");
    } else if (state === undefined || (offset >= state.position && !state.done.has(offset))) {
      this.#held.hold(runId, partition, offset);
    } else {
      this.#abandon(runId);
    }
  }

  /** The record of a run that was adopted before it was read has arrived. */
  #takeHeld(open: OpenRecord, nowMs: number): void {
    for (const { runId, result } of this.#held.take(open.record.partition, open.record.offset)) {
      if (open.decided) {
        this.#abandon(runId);
        continue;
      }
      this.#attach(runId, open);
      if (open.phase !== "running") open.enter("running");
      if (result !== undefined) this.#ended(runId, result, nowMs);
    }
  }

  #attach(id: RunId, open: OpenRecord, alone = false): RunState {
    const run: RunState = { id, open, spec: this.#spec, alone, phase: "alive" };
    this.#runs.set(id, run);
    open.runs.push(run);
    this.#aliveRuns++;
    return run;
  }

  #started(runId: RunId): void {
    const run = this.#runs.get(runId);
    if (run?.open.phase === "placed") run.open.enter("running");
  }

  #ended(runId: RunId, result: RunResult, nowMs: number): void {
    const run = this.#runs.get(runId);
    if (run === undefined) {
      if (!this.#held.ended(runId, result)) this.#push({ type: "release", runId });
      return;
    }
    if (run.phase === "ended") return; // a repeated status update; it is released with the commit
    const wasMissing = run.phase === "missing";
    if (run.phase === "alive") this.#aliveRuns--;
    run.phase = "ended";
    const { open } = run;
    if (open.decided) return this.#release(run);
    if (!wasMissing) open.losses = 0;
    const verdict = judge(result.outcome);
    if (verdict.type === "processor") this.#pause.pause(verdict.reason, nowMs, (note) => this.#note(note));
    else this.#pause.succeeded((note) => this.#note(note));
    switch (verdict.type) {
      case "success":
        open.decision = {
          as: run.spec.output === null ? "dropped" : "output",
          spec: run.spec,
          records: successRecords(run.spec, open.record, result.stdout),
        };
        for (const twin of [...open.runs]) if (twin !== run) this.#abandon(twin.id);
        return this.#send(open, nowMs);
      case "failed":
      case "rejected":
      case "later":
        this.#release(run);
        if (verdict.type === "failed") this.#countAttempt(open, verdict.reason);
        open.lastFailure = { failure: verdict, result, spec: run.spec };
        // A failure starts no new run, and decides nothing, while a twin may still succeed; and where the run had been
        // given up, another try is on its way already.
        if (open.aliveRuns === 0 && !wasMissing) this.#afterFailure(open, nowMs);
        return;
      case "processor":
        this.#release(run);
        if (open.aliveRuns === 0 && !wasMissing) this.#makeReady(open);
        return;
      case "killed":
        // Not by us, or its record would be gone: its executor was told to leave.
        this.#release(run);
        if (open.aliveRuns === 0 && !wasMissing) this.#again(open, "executor-lost", nowMs);
        return;
      default:
        return assertNever(verdict);
    }
  }

  #afterFailure(open: OpenRecord, nowMs: number): void {
    const last = open.lastFailure;
    invariant(last !== undefined, "a record failed without a failure");
    const { retry } = this.#spec;
    const { failure } = last;
    if (failure.type === "later") {
      open.laterSinceMs ??= nowMs;
      if (nowMs - open.laterSinceMs < retry.maxAgeMs) {
        const delay = { initialMs: retry.initialBackoffMs, maxMs: retry.maxBackoffMs };
        return this.#wait(open, nowMs + retryDelayMs(delay, 2, open.record.offset));
      }
    } else if (failure.type === "failed" && open.attempts < retry.attempts) {
      const delay = { initialMs: retry.initialBackoffMs, maxMs: retry.maxBackoffMs };
      return this.#wait(open, nowMs + retryDelayMs(delay, open.attempts, open.record.offset));
    }
    this.#fail(open, last.failure.reason, last.result, last.spec, nowMs);
  }

  /** To the error topic. */
  #fail(open: OpenRecord, reason: string, result: RunResult | undefined, spec: ProcessorSpec, nowMs: number): void {
    const details = { reason, attempts: Math.max(1, open.attempts), result };
    const records = errorRecords(spec, open.record, details, this.#options.maxErrorRecordBytes);
    open.decision = { as: "error", spec, records };
    for (const twin of [...open.runs]) if (twin.phase !== "ended") this.#abandon(twin.id);
    this.#send(open, nowMs);
  }

  #lost(runId: RunId, reason: LostReason, nowMs: number): void {
    const run = this.#runs.get(runId);
    if (run === undefined) {
      this.#held.forget(runId);
      this.#push({ type: "release", runId });
      return;
    }
    if (run.phase === "ended") return;
    const { open } = run;
    const wasAlive = run.phase === "alive";
    // An agent that is unreachable may come back with the result: whichever run succeeds first wins.
    if (reason === "agent-unreachable") {
      if (wasAlive) this.#aliveRuns--;
      run.phase = "missing";
    } else {
      this.#release(run);
    }
    if (!wasAlive || open.decided) return;
    open.losses++;
    if (run.alone) this.#countAttempt(open, `${reason} while it ran alone`);
    if (open.aliveRuns > 0) return;
    if (open.attempts >= this.#spec.retry.attempts) {
      return this.#fail(open, `${reason} under this record again and again`, undefined, this.#spec, nowMs);
    }
    this.#again(open, reason, nowMs);
  }

  /** A second run that is not the program's fault: after a pause, and counted with its cause. */
  #again(open: OpenRecord, reason: LostReason, nowMs: number): void {
    open.rerunReason = reason;
    this.#wait(open, nowMs + retryDelayMs(this.#options.lossDelay, open.losses, open.record.offset));
  }

  #countAttempt(open: OpenRecord, reason: string): void {
    open.attempts++;
    const { partition, offset } = open.record;
    open.partition.failedAttempts.set(offset, open.attempts);
    this.#note({ type: "attempt-failed", partition, offset, reason });
  }

  #makeReady(open: OpenRecord): void {
    open.enter("ready");
    this.#ready.push(open);
  }

  #wait(open: OpenRecord, dueMs: number): void {
    open.enter("waiting");
    open.dueMs = dueMs;
    this.#waiting.push({ open, dueMs });
  }

  #wakeWaiting(nowMs: number): void {
    for (let next = this.#waiting.peek(); next !== undefined && next.dueMs <= nowMs; next = this.#waiting.peek()) {
      this.#waiting.pop();
      if (next.open.phase === "waiting" && next.open.dueMs === next.dueMs && next.open.partition.owned) {
        this.#makeReady(next.open);
      }
    }
  }

  #placeReady(nowMs: number): void {
    if (!this.#runnerReady || !this.#starting) return;
    let room = this.#spec.concurrency - this.#aliveRuns;
    if (this.#pause.reason !== undefined) {
      if (this.#pause.probeAtMs > nowMs || !this.#probing) return;
      this.#pause.probed(nowMs);
      if (this.#unsendable.length > 0) return this.#sendAgain(nowMs);
      room = Math.min(room, 1);
    }
    while (room > 0) {
      const open = this.#ready.pop();
      if (open === undefined) return;
      if (open.phase !== "ready" || !open.partition.owned) continue;
      room--;
      this.#place(open);
    }
  }

  #place(open: OpenRecord): void {
    const { record } = open;
    const id = `${record.topic}/${record.partition}/${record.offset}#${++this.#lastRun}` as RunId;
    const alone = open.losses >= SUSPECT_LOSSES;
    const run = this.#attach(id, open, alone);
    open.enter("placed");
    if (open.rerunReason !== undefined) this.#note({ type: "rerun", reason: open.rerunReason });
    open.rerunReason = undefined;
    this.#push({ type: "run", run: { id, spec: run.spec, record, attempt: open.attempts + 1, alone } });
  }

  #cancel(run: RunState): void {
    if (run.phase === "alive") this.#aliveRuns--;
    if (run.phase !== "ended") this.#push({ type: "cancel", runId: run.id });
    run.phase = "ended";
  }

  /** The run is not wanted any more: end it where it may be alive, and let the runner forget it. */
  #abandon(runId: RunId): void {
    const run = this.#runs.get(runId);
    if (run === undefined) {
      this.#push({ type: "cancel", runId }, { type: "release", runId });
      return;
    }
    this.#cancel(run);
    this.#release(run);
  }

  #release(run: RunState): void {
    if (run.phase === "alive") this.#aliveRuns--;
    run.phase = "ended";
    this.#runs.delete(run.id);
    const { runs } = run.open;
    runs.splice(runs.indexOf(run), 1);
    this.#push({ type: "release", runId: run.id });
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
    const open = this.#sends.get(sendId);
    invariant(open !== undefined, `Send ${sendId} was acknowledged twice`);
    this.#sends.delete(sendId);
    this.#pause.succeeded((note) => this.#note(note));
    if (open.partition.owned) this.#done(open, nowMs);
  }

  #sendFailed(sendId: SendId, failure: SendFailure, nowMs: number): void {
    const open = this.#sends.get(sendId);
    invariant(open !== undefined, `Send ${sendId} failed after it had ended`);
    this.#sends.delete(sendId);
    if (!open.partition.owned) return;
    open.enter("ended");
    const { decision } = open;
    invariant(decision !== undefined, "a record was sent without a decision");
    if (failure.type === "record-refused" && decision.as !== "error") {
      this.#countAttempt(open, failure.message);
      return this.#fail(open, failure.message, undefined, decision.spec, nowMs);
    }
    // The outputs are kept, and the program does not run again.
    this.#unsendable.push(open);
    this.#pause.pause(failure.message, nowMs, (note) => this.#note(note));
  }

  #sendAgain(nowMs: number): void {
    const again = this.#unsendable;
    this.#unsendable = [];
    for (const open of again) if (open.partition.owned) this.#send(open, nowMs);
  }

  /** Kafka has its outputs, or there is nothing to send: only the commit is missing. */
  #done(open: OpenRecord, nowMs: number): void {
    open.enter("done");
    const { partition, record, decision } = open;
    partition.done.add(record.offset);
    partition.failedAttempts.delete(record.offset);
    partition.uncommitted.push(open);
    this.#commits.changed(partition);
    const latencyMs = nowMs - open.receivedAtMs;
    this.#note({
      type: "finished",
      partition: record.partition,
      offset: record.offset,
      as: decision?.as ?? "dropped",
      latencyMs,
    });
    this.#touched.add(partition);
    // An adopted run may have finished ahead of its lane: such records are passed.
    let next = this.#lanes.leave(open);
    while (next?.phase === "done") next = this.#lanes.leave(next);
    if (next?.phase === "blocked") this.#makeReady(next);
  }

  /** A commit holds them: the runner may acknowledge their last status updates. */
  #settle(records: readonly OpenRecord[]): void {
    for (const open of records) {
      if (!open.partition.owned) continue;
      for (const run of [...open.runs]) this.#release(run);
      this.#close(open);
    }
  }

  #close(open: OpenRecord): void {
    if (!open.partition.open.delete(open.record.offset)) return;
    this.#openRecords--;
    this.#openBytes -= open.bytes;
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

  /** Whether a probe could tell anything: there is something to try. */
  get #probing(): boolean {
    return this.#starting && (this.#ready.size > 0 || this.#unsendable.length > 0);
  }

  /** Bounds what is in flight (promise I6): pauses at the bound, resumes at three quarters of it. */
  #controlFlow(): void {
    const window = Math.max(this.#options.minWindow, 2 * this.#spec.concurrency);
    const share = this.#full ? 0.75 : 1;
    const full = this.#openRecords >= window * share || this.#openBytes >= this.#spec.maxInFlightBytes * share;
    const all = full !== this.#full || this.#reading !== (this.#mode === "run");
    this.#full = full;
    this.#reading = this.#mode === "run";
    const pause: number[] = [];
    const resume: number[] = [];
    for (const state of all ? this.#partitions.values() : this.#touched) {
      if (!state.owned) continue;
      const paused = this.#full || this.#mode !== "run" || state.span >= this.#options.maxSpan;
      if (paused === state.paused) continue;
      state.paused = paused;
      (paused ? pause : resume).push(state.partition);
    }
    this.#touched.clear();
    if (pause.length > 0) this.#push({ type: "pause", partitions: pause });
    if (resume.length > 0) this.#push({ type: "resume", partitions: resume });
  }

  #viewPartition(state: PartitionState): PartitionView {
    const holder = state.open.get(state.done.watermark);
    return {
      partition: state.partition,
      watermark: state.done.watermark,
      committed: state.committed?.offset ?? null,
      position: state.position,
      highWatermark: state.highWatermark,
      open: state.open.size,
      paused: state.paused,
      heldBy: holder && {
        offset: holder.record.offset,
        phase: holder.phase,
        sinceMs: holder.receivedAtMs,
        attempts: holder.attempts,
      },
    };
  }

  #push(...commands: TrackerCommand[]): void {
    this.#commands.push(...commands);
  }

  #note(note: TrackerNote): void {
    this.#commands.push({ type: "note", note });
  }
}
