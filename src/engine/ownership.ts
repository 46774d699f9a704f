import { confirmUnanswered } from "./commit-cycle.ts";
import { laneOf } from "./lanes.ts";
import { type LaneId, OpenRecord } from "./open-record.ts";
import type { PartitionState } from "./partition-state.ts";
import type { AssignedPartition } from "./ports.ts";
import type { RecordLives } from "./record-lives.ts";
import { isNewGroup, isUnchanged, takeOver, withoutVoid } from "./take-over.ts";
import type { TrackerContext } from "./tracker-context.ts";
import type { TrackerEvent } from "./tracker-events.ts";

/** The partitions of this owner: how they come and go, and the records that are read from them. */
export class Ownership {
  readonly #context: TrackerContext;
  readonly #lives: RecordLives;
  /** Partitions that nobody may read before a person has decided, and why. */
  readonly #stuck = new Map<number, { readonly from: AssignedPartition; readonly reason: string }>();
  #sequence = 0;

  constructor(context: TrackerContext, lives: RecordLives) {
    this.#context = context;
    this.#lives = lives;
  }

  get stuck(): Iterable<{ readonly from: AssignedPartition; readonly reason: string }> {
    return this.#stuck.values();
  }

  /** @param isAnew whether it is another topic of the same name: nothing that is known of the old one fits it */
  assigned(epoch: number, given: readonly AssignedPartition[], isAnew: boolean): void {
    const { partitions: owned, flow, bounds, held, versions, nowMs } = this.#context;
    this.#context.epoch = epoch;
    this.#stuck.clear();
    const { partitions, notes } = withoutVoid(isAnew ? given.map((from) => this.#withoutOurs(from)) : given, isAnew);
    if (isAnew) this.#leaveTopic();
    for (const note of notes) this.#context.note(note);
    const assigned = new Set(partitions.map(({ partition }) => partition));
    // `from` is for a group that never committed anything; a partition that appeared later starts at its beginning.
    const groupIsNew = !isAnew && owned.size === 0 && isNewGroup(given);
    for (const state of [...owned.values()]) if (!assigned.has(state.partition)) this.#drop(state);
    for (const from of partitions) {
      const state = this.#keep(from) ?? this.#takeOver(from, groupIsNew);
      if (state === undefined) continue;
      state.highWatermark = from.logEndOffset;
      versions.assigned(state);
      state.paused = !flow.open || state.span >= bounds.span || state.waits;
      this.#seek(state);
      if (!state.paused) this.#context.push({ type: "resume", partitions: [state.partition] });
    }
    held.assigned(assigned, nowMs);
    this.#lives.abandonHeld((partition, offset) => owned.get(partition)?.done.has(offset) === true);
  }

  /** Lets go of all that is known of it, and of its runs: nobody waits for what becomes of them. */
  #leaveTopic(): void {
    this.#context.note({ type: "made-anew" });
    this.#context.topicIsAnew = true;
    for (const state of [...this.#context.partitions.values()]) this.#drop(state, { runsAgain: false });
    this.#lives.abandonHeld(() => true);
  }

  /** Without what we have committed, in the belief that it was the topic of before. */
  #withoutOurs(from: AssignedPartition): AssignedPartition {
    const state = this.#context.partitions.get(from.partition);
    if (state === undefined || from.committed === null) return from;
    const isOurs = [state.committed, ...state.unanswered].some((ours) => isUnchanged(ours, from));
    return isOurs ? { ...from, committed: null } : from;
  }

  /** The runner knows all that runs: what stopped at missing offsets goes on. */
  runnerReady(): void {
    const { partitions, flow } = this.#context;
    this.#context.runnerReady = true;
    for (const state of partitions.values()) {
      if (!state.waitsForRunner) continue;
      state.waitsForRunner = false;
      this.#passGap(state, state.logStart);
      this.#seek(state);
      flow.touch(state);
    }
  }

  received(event: Extract<TrackerEvent, { type: "received" }>): void {
    const { partitions, lanes, laneShare, agenda, flow, commits, spec, nowMs } = this.#context;
    const state = partitions.get(event.partition);
    if (state === undefined || event.epoch !== this.#context.epoch) return;
    state.highWatermark = Math.max(event.highWatermark, event.nextOffset);
    let { nextOffset } = event;
    let records = 0;
    let bytes = 0;
    for (const record of event.records) {
      if (record.offset < state.position) continue;
      if (!this.#passGap(state, record.offset)) {
        nextOffset = state.position;
        break;
      }
      if (state.done.has(record.offset)) {
        state.position = record.offset + 1;
        continue;
      }
      const lane = laneOf(record, spec.ordering);
      if (lane !== undefined && lanes.isFull(lane, laneShare)) {
        this.#waitForLane(state, lane);
        nextOffset = state.position;
        break;
      }
      state.position = record.offset + 1;
      const open = new OpenRecord(record, state, { sequence: this.#sequence++, nowMs });
      records++;
      bytes += open.bytes;
      const isFree = this.#enter(open, lane);
      if (isFree && open.phase === "blocked") agenda.makeReady(open);
    }
    this.#passGap(state, nextOffset);
    this.#lives.abandonHeld((partition, offset) => partition === state.partition && state.done.has(offset));
    if (state.committed?.offset !== state.done.watermark) commits.changed(state);
    flow.touch(state);
    if (records > 0) this.#context.note({ type: "received", partition: event.partition, records, bytes });
  }

  /** @returns whether it may start now */
  #enter(open: OpenRecord, lane: LaneId | undefined): boolean {
    const { flow, lanes } = this.#context;
    open.partition.open.set(open.record.offset, open);
    flow.enter(open);
    const isFree = lanes.enter(open, lane);
    this.#lives.takeHeld(open);
    return isFree;
  }

  /**
   * Goes on at `to`: no record lies between. Of one that somebody has a run of Kafka did have a record: what the run comes
   * to is still waited for. Which those are is known only once the runner is ready.
   *
   * @returns whether it was passed
   */
  #passGap(state: PartitionState, to: number): boolean {
    const { runnerReady, held, commits } = this.#context;
    if (to <= state.position) return true;
    if (!runnerReady) {
      state.waitsForRunner = true;
      this.#stopReading(state);
      return false;
    }
    const running = held.offsetsWithin(state.partition, state.position, to).filter((offset) => !state.done.has(offset));
    state.passGap(to, running);
    for (const offset of running) this.#enterExpired(state, offset);
    commits.changed(state);
    return true;
  }

  #enterExpired(state: PartitionState, offset: number): void {
    const { spec, nowMs } = this.#context;
    const { partition } = state;
    const gone = { topic: spec.input, partition, offset, timestampMs: -1, key: null, value: null, headers: [] };
    const open = new OpenRecord(gone, state, { sequence: this.#sequence++, nowMs, expired: true });
    state.expired.add(open);
    this.#enter(open, laneOf(gone, spec.ordering));
  }

  /** A commit holds them: the runner may acknowledge their last status updates. */
  settle(records: readonly OpenRecord[]): void {
    for (const open of records) {
      if (!open.partition.owned) continue;
      for (const run of open.runs) this.#context.runs.release(run);
      this.#context.close(open);
    }
  }

  /** The partition as it stood, with its runs, where nobody else wrote the group's offset since we last looked. */
  #keep(from: AssignedPartition): PartitionState | undefined {
    const { partitions, commits } = this.#context;
    const state = partitions.get(from.partition);
    if (state === undefined) return undefined;
    // A commit without an answer may have been carried out all the same.
    if (from.committed !== null) this.settle(confirmUnanswered(state, from.committed));
    // A log that ends below what was read lost records, or is another one: what is committed says where to go on.
    if (!isUnchanged(state.committed, from) || state.position > from.logEndOffset) return undefined;
    state.logStart = from.logStartOffset;
    if (state.position < state.logStart) {
      const records = state.logStart - state.position;
      this.#context.note({ type: "expired", partition: from.partition, records });
      this.#passGap(state, state.logStart);
    }
    // What a commit said that failed with the last assignment, be it only that nothing is missing any more.
    if (state.uncommitted.length > 0 || state.unanswered.length > 0) commits.changed(state);
    return state;
  }

  #takeOver(from: AssignedPartition, groupIsNew: boolean): PartitionState | undefined {
    const { partitions, commits, held, spec } = this.#context;
    const before = partitions.get(from.partition);
    if (before !== undefined) this.#drop(before);
    const [firstHeld] = held.offsetsWithin(from.partition, 0, Number.POSITIVE_INFINITY);
    const result = takeOver(from, { groupIsNew, firstHeld, spec });
    for (const note of result.notes) this.#context.note(note);
    if (result.type === "stuck") {
      this.#stuck.set(from.partition, { from, reason: result.reason });
      return undefined;
    }
    const { state } = result;
    partitions.set(from.partition, state);
    this.#passGap(state, state.logStart);
    // Fixes the start of a new group: a restart goes on from here even if nothing was read meanwhile.
    if (from.committed?.offset !== state.done.watermark) commits.changed(state);
    return state;
  }

  /** Another owner has it now: its runs are cancelled, what still arrives for it is ignored. */
  #drop(state: PartitionState, { runsAgain } = { runsAgain: true }): void {
    const { partitions, commits, lanes, runs, versions } = this.#context;
    state.owned = false;
    versions.dropped(state.partition);
    partitions.delete(state.partition);
    commits.forget(state);
    lanes.drop(state.partition);
    for (const open of state.open.values()) {
      if (open.hasRun && runsAgain) this.#context.note({ type: "rerun", reason: "partition-taken-over" });
      for (const run of open.runs) runs.abandon(run);
      this.#context.close(open);
    }
  }

  /** The record at the position stays unread, and all behind it, until its lane has room. */
  #waitForLane(state: PartitionState, lane: LaneId): void {
    state.waitsForLane = lane;
    this.#stopReading(state);
  }

  #stopReading(state: PartitionState): void {
    state.paused = true;
    this.#context.push({ type: "pause", partitions: [state.partition] });
    this.#seek(state);
  }

  #seek({ partition, position, logStart }: PartitionState): void {
    const { epoch } = this.#context;
    this.#context.push({ type: "seek", epoch, partition, offset: Math.max(position, logStart) });
  }
}
