import { noBytes, utf8 } from "../../src/base/bytes.ts";
import type { ProcessorSpec } from "../../src/config/processor.ts";
import type {
  AssignedPartition,
  InputRecord,
  RunId,
  RunOutcome,
  RunResult,
  SettlingSpec,
} from "../../src/engine/ports.ts";
import { Tracker } from "../../src/engine/tracker.ts";
import type { CommitFailure, TrackerCommand, TrackerEvent } from "../../src/engine/tracker-events.ts";
import { defaultTrackerOptions, type TrackerOptions } from "../../src/engine/tracker-options.ts";
import { processorSpec } from "./specs.ts";

type CommandOf<T extends TrackerCommand["type"]> = Extract<TrackerCommand, { type: T }>;

/** Drives a tracker by hand and keeps every command that it gave. Time stands still until {@link advance}. */
export class TrackerDriver {
  readonly tracker: Tracker;
  readonly commands: TrackerCommand[] = [];
  nowMs = 0;
  epoch = 0;

  constructor(
    spec: Partial<ProcessorSpec> = {},
    options: Partial<TrackerOptions> = {},
    known: readonly SettlingSpec[] = [],
  ) {
    const defaults = { ...defaultTrackerOptions, commitIntervalMs: 0 };
    this.tracker = new Tracker(processorSpec(spec), "group", { ...defaults, ...options }, known);
  }

  /** @returns what this one event caused */
  step(event: TrackerEvent): readonly TrackerCommand[] {
    const commands = this.tracker.step(event, this.nowMs);
    this.commands.push(...commands);
    return commands;
  }

  /** A runner that is ready and a new assignment. */
  begin(...partitions: Partial<AssignedPartition>[]): void {
    this.step({ type: "ready" });
    this.assign(...partitions);
  }

  assign(...partitions: Partial<AssignedPartition>[]): readonly TrackerCommand[] {
    return this.#assign(partitions, false);
  }

  /** Partitions of another topic of the same name. */
  assignAnew(...partitions: Partial<AssignedPartition>[]): readonly TrackerCommand[] {
    return this.#assign(partitions, true);
  }

  #assign(partitions: readonly Partial<AssignedPartition>[], isAnew: boolean): readonly TrackerCommand[] {
    this.epoch++;
    const all = (partitions.length > 0 ? partitions : [{}]).map((partition, index) => ({
      partition: index,
      committed: null,
      logStartOffset: 0,
      logEndOffset: 0,
      ...partition,
    }));
    return this.step({ type: "assigned", epoch: this.epoch, partitions: all, isAnew });
  }

  receive(offsets: readonly number[], { partition = 0, key = null as string | null, next = -1 } = {}): void {
    const records = offsets.map((offset) => record(offset, partition, key));
    const nextOffset = next >= 0 ? next : (offsets.at(-1) ?? 0) + 1;
    this.step({ type: "received", epoch: this.epoch, partition, records, nextOffset, highWatermark: nextOffset });
  }

  end(
    runId: RunId,
    outcome: RunOutcome = { type: "succeeded" },
    stdout = "",
    specVersion = "v1",
  ): readonly TrackerCommand[] {
    return this.step({ type: "ended", runId, result: { ...runResult(outcome, stdout), specVersion } });
  }

  advance(ms: number): readonly TrackerCommand[] {
    this.nowMs += ms;
    return this.step({ type: "tick" });
  }

  /** Acknowledges every send that has not been answered. */
  acknowledgeSends(): void {
    for (const { sendId } of this.unanswered("send", (command) => command.sendId)) this.step({ type: "sent", sendId });
  }

  /** Confirms every commit that has not been answered, and those that follow from it. */
  confirmCommits(): void {
    for (;;) {
      const [commit] = this.unanswered("commit", (command) => command.commitId);
      if (commit === undefined) return;
      this.step({ type: "committed", commitId: commit.commitId });
    }
  }

  failLastCommit(failure: CommitFailure): void {
    const { commitId } = this.lastCommit()!;
    this.step({ type: "commit-failed", commitId, failure });
  }

  all<T extends TrackerCommand["type"]>(type: T): CommandOf<T>[] {
    return this.commands.filter((command): command is CommandOf<T> => command.type === type);
  }

  /** The run that was started last for this offset. */
  runOf(offset: number): RunId {
    const run = this.all("run").findLast((command) => command.run.record.offset === offset)?.run;
    if (run === undefined) throw new Error(`no run was started for offset ${offset}`);
    return run.id;
  }

  runsOf(offset: number): number {
    return this.all("run").filter((command) => command.run.record.offset === offset).length;
  }

  released(runId: RunId): boolean {
    return this.all("release").some((command) => command.runId === runId);
  }

  lastCommit(): CommandOf<"commit"> | undefined {
    return this.all("commit").at(-1);
  }

  readonly #answered = { send: new Set<number>(), commit: new Set<number>() };

  unanswered<T extends "send" | "commit">(type: T, id: (command: CommandOf<T>) => number): CommandOf<T>[] {
    const open = this.all(type).filter((command) => !this.#answered[type].has(id(command)));
    for (const command of open) this.#answered[type].add(id(command));
    return open;
  }
}

export function record(offset: number, partition = 0, key: string | null = null): InputRecord {
  return {
    topic: "in",
    partition,
    offset,
    timestampMs: 1000 + offset,
    key: key === null ? null : utf8(key),
    value: utf8(`value ${offset}`),
    headers: [["trace", utf8(`t${offset}`)]],
  };
}

export function runResult(outcome: RunOutcome = { type: "succeeded" }, stdout = ""): RunResult {
  return { outcome, stdout: utf8(stdout), stderrTail: noBytes, durationMs: 1, specVersion: "v1" };
}
