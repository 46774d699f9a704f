import { confirmUnanswered } from "./commit-cycle.ts";
import { type LaneId, laneOf } from "./lanes.ts";
import { OpenRecord } from "./open-record.ts";
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

  assigned(epoch: number, given: readonly AssignedPartition[]): void {
    const { partitions: owned, flow, bounds, held, nowMs } = this.#context;
    this.#context.epoch = epoch;
    this.#stuck.clear();
    const { partitions, notes } = withoutVoid(given);
    for (const note of notes) this.#context.note(note);
    const assigned = new Set(partitions.map(({ partition }) => partition));
    // `from` is for a group that never committed anything; a partition that appeared later starts at its beginning.
    const groupIsNew = owned.size === 0 && isNewGroup(given);
    for (const state of [...owned.values()]) if (!assigned.has(state.partition)) this.#drop(state);
    for (const from of partitions) {
      const state = this.#keep(from) ?? this.#takeOver(from, groupIsNew);
      if (state === undefined) continue;
      state.highWatermark = from.logEndOffset;
      state.paused = !flow.open || state.span >= bounds.span || state.waitsForLane !== undefined;
      this.#context.push({ type: "seek", epoch, partition: state.partition, offset: state.position });
      if (!state.paused) this.#context.push({ type: "resume", partitions: [state.partition] });
    }
    held.assigned(assigned, nowMs);
    this.#lives.abandonHeld((partition, offset) => owned.get(partition)?.done.has(offset) === true);
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
      state.passGap(record.offset);
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
      const open = new OpenRecord(record, state, this.#sequence++, nowMs);
      state.open.set(record.offset, open);
      flow.enter(open);
      records++;
      bytes += open.bytes;
      const isFree = lanes.enter(open, lane);
      this.#lives.takeHeld(open);
      if (isFree && open.phase === "blocked") agenda.makeReady(open);
    }
    state.passGap(nextOffset);
    this.#lives.abandonHeld((partition, offset) => partition === state.partition && offset < state.position);
    if (state.committed?.offset !== state.done.watermark) commits.changed(state);
    flow.touch(state);
    if (records > 0) this.#context.note({ type: "received", partition: event.partition, records, bytes });
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
    if (state.position < from.logStartOffset) {
      const records = from.logStartOffset - state.position;
      this.#context.note({ type: "expired", partition: from.partition, records });
      state.passGap(from.logStartOffset);
      commits.changed(state);
    }
    if (state.uncommitted.length > 0) commits.changed(state);
    return state;
  }

  #takeOver(from: AssignedPartition, groupIsNew: boolean): PartitionState | undefined {
    const { partitions, commits, spec } = this.#context;
    const before = partitions.get(from.partition);
    if (before !== undefined) this.#drop(before);
    const result = takeOver(from, groupIsNew, spec);
    for (const note of result.notes) this.#context.note(note);
    if (result.type === "stuck") {
      this.#stuck.set(from.partition, { from, reason: result.reason });
      return undefined;
    }
    const { state } = result;
    partitions.set(from.partition, state);
    // Fixes the start of a new group: a restart goes on from here even if nothing was read meanwhile.
    if (from.committed?.offset !== state.done.watermark) commits.changed(state);
    return state;
  }

  /** Another owner has it now: its runs are cancelled, what still arrives for it is ignored. */
  #drop(state: PartitionState): void {
    const { partitions, commits, lanes, runs } = this.#context;
    state.owned = false;
    partitions.delete(state.partition);
    commits.forget(state);
    lanes.drop(state.partition);
    for (const open of state.open.values()) {
      for (const run of open.runs) runs.abandon(run.id);
      this.#context.close(open);
    }
  }

  /** The record at the position stays unread, and all behind it, until its lane has room. */
  #waitForLane(state: PartitionState, lane: LaneId): void {
    const { epoch } = this.#context;
    state.waitsForLane = lane;
    state.paused = true;
    this.#context.push({ type: "pause", partitions: [state.partition] });
    this.#context.push({ type: "seek", epoch, partition: state.partition, offset: state.position });
  }
}
