import { invariant } from "../base/errors.ts";
import { errorRecords } from "./error-record.ts";
import type { Decision, OpenRecord } from "./open-record.ts";
import { recordBytes } from "./outputs.ts";
import type { TrackerContext } from "./tracker-context.ts";
import type { SendFailure, SendId } from "./tracker-events.ts";

/**
 * What records have come to, on its way to Kafka: from the decision to its acknowledgement, or to the next try. The
 * program does not run again for it, whatever happens here.
 */
export class Outbox {
  readonly #context: TrackerContext;
  readonly #sends = new Map<SendId, OpenRecord>();
  /** Outputs that Kafka's topic refused; sent again with the processor's next probe. */
  #unsendable: OpenRecord[] = [];
  #lastSend = 0;

  constructor(context: TrackerContext) {
    this.#context = context;
  }

  /** Whether anything is under way. */
  get busy(): boolean {
    return this.#sends.size > 0;
  }

  get hasUnsendable(): boolean {
    return this.#unsendable.length > 0;
  }

  /**
   * It has come to this. What a run has come to that was found again ahead of its record's turn waits for that: those
   * before it in its lane may be sent once more.
   */
  take(open: OpenRecord, decision: Decision): void {
    const { lanes, flow } = this.#context;
    open.decision = decision;
    open.lastFailure = undefined;
    if (open.phase !== "ended") open.enter("ended");
    // It takes none of the room for outputs meanwhile: whom it waits for needs that.
    if (!lanes.isTurnOf(open)) return;
    flow.holds(open, heldBytes(decision));
    this.#send(open);
  }

  #send(open: OpenRecord): void {
    const records = open.decision?.records ?? [];
    if (records.length === 0) return this.#done(open);
    open.enter("sending");
    const sendId = ++this.#lastSend;
    this.#sends.set(sendId, open);
    this.#context.push({ type: "send", sendId, records });
  }

  sendAgain(): void {
    const again = this.#unsendable;
    this.#unsendable = [];
    for (const open of again) if (open.partition.owned) this.#send(open);
  }

  sent(sendId: SendId): void {
    const open = this.#ended(sendId);
    this.#context.pause.end();
    if (open.partition.owned) this.#done(open);
  }

  /** @returns the record whose output Kafka will never take, with that output: another one has to be sent for it */
  failed(sendId: SendId, failure: SendFailure): { readonly open: OpenRecord; readonly decision: Decision } | undefined {
    const open = this.#ended(sendId);
    if (!open.partition.owned) return undefined;
    const { decision } = open;
    invariant(decision !== undefined, "a record was sent without a decision");
    open.enter("ended");
    if (failure.type === "record-refused") {
      if (decision.as !== "error") return { open, decision };
      if (failure.tooLarge && this.#sendCut(open, decision)) return undefined;
    }
    // The outputs are kept, and the program does not run again.
    this.#unsendable.push(open);
    this.#context.pause.pause(failure.message, this.#context.nowMs);
    return undefined;
  }

  /** @returns whether there was something left to cut */
  #sendCut(open: OpenRecord, decision: Extract<Decision, { as: "error" }>): boolean {
    const { limits } = this.#context;
    const [former] = decision.records;
    if (former === undefined) return false;
    const bytes = recordBytes(former);
    limits.refused(former.topic, bytes);
    const records = errorRecords(decision.spec, open.record, decision.details, limits.of(former.topic));
    if (records.some((next) => recordBytes(next) >= bytes)) return false;
    this.take(open, { ...decision, records });
    return true;
  }

  #ended(sendId: SendId): OpenRecord {
    const open = this.#sends.get(sendId);
    invariant(open !== undefined, `Send ${sendId} ended twice`);
    this.#sends.delete(sendId);
    return open;
  }

  /** Kafka has its outputs, or there is nothing to send: only the commit is missing. */
  #done(open: OpenRecord): void {
    const { agenda, commits, flow, lanes, laneShare, nowMs } = this.#context;
    open.enter("done");
    const { partition, record } = open;
    partition.done.add(record.offset);
    partition.failedAttempts.delete(record.offset);
    partition.expired.delete(open);
    partition.uncommitted.push(open);
    commits.changed(partition);
    flow.touch(partition);
    flow.sent(open);
    const as = open.decision?.as ?? "dropped";
    const latencyMs = nowMs - open.receivedAtMs;
    this.#context.note({ type: "finished", partition: record.partition, offset: record.offset, as, latencyMs });
    open.decision = undefined;
    const next = lanes.leave(open);
    if (next?.phase === "blocked") agenda.makeReady(next);
    if (next?.decision !== undefined) this.take(next, next.decision);
    const { waitsForLane } = partition;
    if (waitsForLane !== undefined && lanes.hasRoom(waitsForLane, laneShare)) partition.waitsForLane = undefined;
  }
}

/** In memory besides the input. */
function heldBytes(decision: Decision): number {
  if (decision.as !== "error") return decision.records.reduce((sum, { value }) => sum + (value?.byteLength ?? 0), 0);
  const { result } = decision.details;
  return result === undefined ? 0 : result.stdout.byteLength + result.stderrTail.byteLength;
}
