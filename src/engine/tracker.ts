import { assertNever } from "../base/errors.ts";
import type { ProcessorSpec } from "../config/processor.ts";
import { LiveVersions } from "./live-versions.ts";
import { explainPartition, explainStuck, type OffsetsLimits, type OffsetsView } from "./offsets-view.ts";
import { Outbox } from "./outbox.ts";
import { Ownership } from "./ownership.ts";
import type { PartitionState } from "./partition-state.ts";
import type { SettlingSpec } from "./ports.ts";
import { RecordLives } from "./record-lives.ts";
import { TrackerContext } from "./tracker-context.ts";
import type { TrackerCommand, TrackerEvent } from "./tracker-events.ts";
import { defaultTrackerOptions, type TrackerOptions } from "./tracker-options.ts";
import { type TrackerView, viewPartition } from "./tracker-view.ts";

/**
 * Keeps the state of every record of one processor (docs/concepts/promises.md; the phases stand in open-record.ts).
 *
 * Events with times go in, commands come out; there is no I/O, clock or randomness in it. A record costs O(log n) over
 * its life: its place among the ready records, and among the waiting ones for each retry. Everything else is a map
 * look-up. All partitions are walked only when the assignment, the mode or the fullness of the window changes.
 */
export class Tracker {
  readonly #context: TrackerContext;
  readonly #outbox: Outbox;
  readonly #lives: RecordLives;
  readonly #ownership: Ownership;

  /** @param known former versions of the specification of which earlier lives may have left runs */
  constructor(
    spec: ProcessorSpec,
    group: string,
    options: TrackerOptions = defaultTrackerOptions,
    known: readonly SettlingSpec[] = [],
  ) {
    this.#context = new TrackerContext(new LiveVersions(spec, known), group, options);
    this.#outbox = new Outbox(this.#context);
    this.#lives = new RecordLives(this.#context, this.#outbox);
    this.#ownership = new Ownership(this.#context, this.#lives);
  }

  /** @throws {InvariantError} on what cannot be; the Worker then stops */
  step(event: TrackerEvent, nowMs: number): readonly TrackerCommand[] {
    const { held, agenda } = this.#context;
    this.#context.nowMs = nowMs;
    this.#handle(event);
    this.#lives.abandonAll(held.takeForeign(nowMs));
    agenda.wake(nowMs);
    this.#lives.placeReady();
    this.#controlFlow();
    this.#commitDue();
    this.#forgetVersions(event);
    return this.#context.takeCommands();
  }

  /** When the next `tick` is due; undefined where nothing waits for time. */
  get wakeMs(): number | undefined {
    const { pause, agenda, commits, held } = this.#context;
    const probeMs = pause.reason !== undefined && this.#lives.canProbe ? pause.probeAtMs : undefined;
    const due = [agenda.dueMs, commits.dueMs, held.dueMs, probeMs].filter((ms) => ms !== undefined);
    return due.length === 0 ? undefined : Math.min(...due);
  }

  /** Whether the work of a mode other than `run` is over. */
  get finished(): boolean {
    const { mode, commits, flow, runs } = this.#context;
    if (mode === "run" || this.#outbox.busy || commits.busy) return false;
    if (mode === "drain") return flow.records === 0;
    return mode === "settle" || runs.alive === 0;
  }

  view(): TrackerView {
    const { partitions, flow, runs, survivors, pause } = this.#context;
    const [stuck] = this.#ownership.stuck;
    return {
      partitions: [...partitions.values()].map(viewPartition),
      inFlight: { records: flow.records, bytes: flow.bytes, runs: runs.alive },
      guarded: { records: survivors.guarded, runs: [...survivors.waitedFor()] },
      pausedBecause: pause.reason ?? stuck?.reason,
    };
  }

  /** Every partition explained, in order; see offsets-view.ts for what it costs. */
  offsets(limits: OffsetsLimits): readonly OffsetsView[] {
    const { partitions, lanes } = this.#context;
    const views = [...partitions.values()].map((state) => explainPartition(state, lanes, this.#notRead(state), limits));
    for (const { from, reason } of this.#ownership.stuck) views.push(explainStuck(from, reason));
    return views.sort((a, b) => a.partition - b.partition);
  }

  #handle(event: TrackerEvent): void {
    const { commits, pause, nowMs } = this.#context;
    switch (event.type) {
      case "assigned":
        return this.#ownership.assigned(event.epoch, event.partitions, event.isAnew ?? false);
      case "received":
        return this.#ownership.received(event);
      case "ready":
        return this.#ownership.runnerReady();
      case "adopted":
        return this.#lives.adopted(event.runId, event.partition, event.offset);
      case "started":
        return this.#lives.started(event.runId);
      case "ended":
        return this.#lives.ended(event.runId, event.result);
      case "lost":
        return this.#lives.lost(event.runId, event);
      case "sent":
        return this.#outbox.sent(event.sendId);
      case "send-failed": {
        const refused = this.#outbox.failed(event.sendId, event.failure);
        if (refused === undefined) return;
        return this.#lives.outputRefused(refused.open, event.failure.message, refused.decision.spec);
      }
      case "committed":
        for (const { partition, records, dropped } of commits.committed(event.commitId, nowMs)) {
          if (dropped > 0) this.#context.note({ type: "metadata-cut", partition, records: dropped });
          this.#ownership.settle(records);
        }
        return;
      case "commit-failed":
        return commits.failed(event.commitId, event.failure, nowMs);
      case "spec":
        this.#context.versions.change(event.spec, this.#context.partitions.values());
        pause.probeNow(nowMs);
        if (!this.#context.forbidsOverlap) this.#lives.overlapAllowed();
        return;
      case "topic-limits":
        return this.#context.limits.tell(event.maxMessageBytes);
      case "mode":
        this.#context.mode = event.mode;
        return;
      case "tick":
        return;
      default:
        return assertNever(event);
    }
  }

  #notRead(state: PartitionState): string | undefined {
    const { flow, lanes, bounds } = this.#context;
    const { waitsForLane, waitsForRunner, position } = state;
    if (waitsForRunner) return `there is no record at ${position}, and what still runs from before is not known yet`;
    if (!state.paused || !flow.open || waitsForLane === undefined) return flow.reason(state, bounds);
    const head = lanes.head(waitsForLane)?.record.offset;
    return `the record at ${position} has no place: too many wait behind ${head}, which comes before them in order`;
  }

  #controlFlow(): void {
    const { flow, partitions, mode, bounds } = this.#context;
    const { pause, resume } = flow.change(partitions.values(), mode === "run", bounds);
    if (pause.length > 0) this.#context.push({ type: "pause", partitions: pause });
    if (resume.length > 0) this.#context.push({ type: "resume", partitions: resume });
  }

  #commitDue(): void {
    const { commits, epoch, nowMs } = this.#context;
    const commit = commits.build(nowMs);
    if (commit === undefined) return;
    this.#context.push({ type: "commit", commitId: commit.commitId, epoch, offsets: commit.offsets });
  }

  /** Looked at where something may have changed: what is settled, what is owned, which runs and versions there are. */
  #forgetVersions({ type }: TrackerEvent): void {
    if (type !== "committed" && type !== "assigned" && type !== "ready" && type !== "spec") return;
    const { versions, runnerReady, held, epoch, partitions } = this.#context;
    if (!runnerReady || epoch === 0 || held.size > 0) return;
    for (const version of versions.takeFinished(partitions)) this.#context.push({ type: "forget-version", version });
  }
}
