import type { ProcessorSpec } from "../config/processor.ts";
import { Agenda } from "./agenda.ts";
import { CommitCycle } from "./commit-cycle.ts";
import { type FlowBounds, FlowControl } from "./flow-control.ts";
import { HeldRuns } from "./held-runs.ts";
import { type LaneShare, Lanes } from "./lanes.ts";
import type { LiveVersions } from "./live-versions.ts";
import type { OpenRecord } from "./open-record.ts";
import type { PartitionState } from "./partition-state.ts";
import { ProcessorPause } from "./processor-pause.ts";
import { Runs } from "./runs.ts";
import { Survivors } from "./survivors.ts";
import { TopicLimits } from "./topic-limits.ts";
import type { TrackerCommand, TrackerMode, TrackerNote } from "./tracker-events.ts";
import type { TrackerOptions } from "./tracker-options.ts";

/** So much of the window may wait behind one key (promise I5). */
const LANE_SHARE = 0.1;

/** The state that the parts of the tracker share, and the way out for their commands. */
export class TrackerContext {
  readonly options: TrackerOptions;
  readonly versions: LiveVersions;
  /** The consumer group. */
  readonly group: string;
  mode: TrackerMode = "run";
  /** Of the present assignment; what belongs to another one is stale. */
  epoch = 0;
  runnerReady = false;
  /** Whether the topic is another one by now than that of which earlier lives have started runs. */
  topicIsAnew = false;
  /** Time of the present step. */
  nowMs = 0;
  readonly partitions = new Map<number, PartitionState>();
  readonly survivors = new Survivors();
  readonly runs = new Runs({
    push: (...commands) => this.push(...commands),
    survivors: this.survivors,
    forbidsOverlap: () => this.forbidsOverlap,
  });
  readonly held: HeldRuns;
  readonly lanes = new Lanes();
  readonly agenda = new Agenda();
  readonly flow = new FlowControl();
  readonly limits = new TopicLimits();
  readonly commits: CommitCycle;
  readonly pause: ProcessorPause;
  #commands: TrackerCommand[] = [];

  constructor(versions: LiveVersions, group: string, options: TrackerOptions) {
    this.versions = versions;
    this.group = group;
    this.options = options;
    this.held = new HeldRuns(options.foreignHoldMs);
    this.pause = new ProcessorPause(options.probeDelay, (note) => this.note(note));
    this.commits = new CommitCycle({
      intervalMs: options.commitIntervalMs,
      metadataLimitBytes: options.metadataLimitBytes,
    });
  }

  /** What new runs get. */
  get spec(): ProcessorSpec {
    return this.versions.current;
  }

  get forbidsOverlap(): boolean {
    return this.spec.overlap === "forbid";
  }

  /** Whether new runs may start. */
  get starting(): boolean {
    return this.mode === "run" || this.mode === "drain";
  }

  get bounds(): FlowBounds {
    return {
      records: Math.max(this.options.minWindow, 2 * this.spec.concurrency),
      bytes: this.spec.maxInFlightBytes,
      span: this.options.maxSpan,
    };
  }

  get laneShare(): LaneShare {
    const { records, bytes } = this.bounds;
    return { records: Math.max(1, Math.floor(records * LANE_SHARE)), bytes: bytes * LANE_SHARE };
  }

  /** The record is settled, or another owner's. */
  close(open: OpenRecord): void {
    if (open.partition.open.delete(open.record.offset)) this.flow.leave(open);
    this.survivors.unguard(open);
  }

  push(...commands: TrackerCommand[]): void {
    this.#commands.push(...commands);
  }

  note(note: TrackerNote): void {
    this.#commands.push({ type: "note", note });
  }

  takeCommands(): TrackerCommand[] {
    const commands = this.#commands;
    this.#commands = [];
    return commands;
  }
}
