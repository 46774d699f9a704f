import { InvariantError } from "../base/errors.ts";
import type { FailureDetails } from "./error-record.ts";
import type { Verdict } from "./faults.ts";
import type { PartitionState } from "./partition-state.ts";
import type { InputRecord, LostReason, OutputRecord, RunId, RunResult, SettlingSpec } from "./ports.ts";

/**
 * Where a record stands.
 *
 *     blocked ⇄ ready ⇄ waiting
 *               ↓   ⇅      ↑
 *               ↓   guarded
 *               placed → running → ended ⇄ sending → done
 *
 * `blocked`: behind another of its lane. `waiting`: until {@link OpenRecord.dueMs}. `guarded`: until a run that may be
 * alive is known to be dead (`overlap: forbid`). `placed`: handed to the runner. `ended`: its outputs are fixed. `done`:
 * Kafka has them; a commit is still to record the offset.
 */
export type RecordPhase =
  | "blocked"
  | "waiting"
  | "ready"
  | "guarded"
  | "placed"
  | "running"
  | "ended"
  | "sending"
  | "done";

const legal: Readonly<Record<RecordPhase, readonly RecordPhase[]>> = {
  blocked: ["ready", "running", "ended"],
  // A twin that was thought lost may come back and run, or end, while its record waits for another try.
  waiting: ["ready", "waiting", "running", "ended"],
  ready: ["placed", "blocked", "guarded", "running", "waiting", "ended"],
  guarded: ["ready", "waiting", "running", "ended"],
  placed: ["running", "waiting", "ready", "ended"],
  running: ["waiting", "ready", "ended"],
  ended: ["sending", "done"],
  sending: ["done", "ended"],
  done: [],
};

/** One execution of a record's program. */
export interface RunState {
  readonly id: RunId;
  readonly open: OpenRecord;
  /**
   * Of the specification it was started with: its outputs and error topic are that version's. undefined: an earlier life
   * of the scheduler started it, and its result tells which version that was.
   */
  readonly spec: SettlingSpec | undefined;
  readonly alone: boolean;
  /** Whether an earlier life of the scheduler started it. */
  readonly adopted: boolean;
  /** `missing`: given up, yet it may still report. */
  phase: "alive" | "missing" | "ended";
}

export type Failure = Extract<Verdict, { type: "failed" | "rejected" | "later" }>;

/** What is to be sent for a record, kept until Kafka has it. */
export type Decision =
  | { readonly as: "output" | "dropped"; readonly spec: SettlingSpec; readonly records: readonly OutputRecord[] }
  | {
      readonly as: "error";
      readonly spec: SettlingSpec;
      readonly records: readonly OutputRecord[];
      readonly details: FailureDetails;
    };

/** What keeps its records in order: a key within a partition, or a whole partition. */
export type LaneId = string;

const noRuns: readonly RunState[] = [];

/** One record from its receipt to the commit that settles it. */
export class OpenRecord {
  readonly record: InputRecord;
  readonly partition: PartitionState;
  /** Order of receipt over all partitions; what came first is placed first. */
  readonly sequence: number;
  readonly receivedAtMs: number;
  /** Known from a run of it alone: Kafka has the record no more, so that it cannot run again. */
  readonly expired: boolean;
  lane: LaneId | undefined = undefined;
  /** When a waiting record becomes ready. */
  dueMs = 0;
  /** The run that a guarded record waits for. */
  guardedBy: RunId | undefined = undefined;
  /** The loss that used up its attempts, where that run may still be alive: only its end decides. */
  lastLoss: { readonly run: RunState; readonly reason: LostReason } | undefined = undefined;
  /** How often an executor or agent was lost under it in a row. */
  losses = 0;
  /** How often in a row its run was lost for any reason: the pause before the next one grows with it. */
  reruns = 0;
  /** Exit 75 for the first time, ms. */
  laterSinceMs: number | undefined = undefined;
  laterTries = 0;
  /** Why its next run is a second one without the program's fault. */
  rerunReason: LostReason | undefined = undefined;
  lastFailure: { readonly failure: Failure; readonly result: RunResult; readonly spec: SettlingSpec } | undefined =
    undefined;
  decision: Decision | undefined = undefined;
  /** Held for its decision, until Kafka has it. */
  outputBytes = 0;
  /** Not released yet. Records without a run share one empty list: of a million open ones few run. */
  runs: readonly RunState[] = noRuns;
  #phase: RecordPhase = "blocked";

  constructor(
    record: InputRecord,
    partition: PartitionState,
    origin: { readonly sequence: number; readonly nowMs: number; readonly expired?: boolean },
  ) {
    this.record = record;
    this.partition = partition;
    this.sequence = origin.sequence;
    this.receivedAtMs = origin.nowMs;
    this.expired = origin.expired ?? false;
  }

  get phase(): RecordPhase {
    return this.#phase;
  }

  /** @throws {InvariantError} where the table above has no such way */
  enter(phase: RecordPhase): void {
    if (!legal[this.#phase].includes(phase)) {
      throw new InvariantError(
        `Record ${this.record.topic}/${this.record.partition}/${this.record.offset} cannot go from ${this.#phase} to ${phase}`,
      );
    }
    this.#phase = phase;
  }

  /** Runs that the program itself ended badly; only these count against `retry.attempts`. */
  get attempts(): number {
    return this.partition.failedAttempts.get(this.record.offset) ?? 0;
  }

  get decided(): boolean {
    return this.decision !== undefined || this.#phase === "done";
  }

  /** Whether a run of it may have begun whose result Kafka does not know to be settled. */
  get hasRun(): boolean {
    return this.runs.length > 0 && this.#phase !== "placed";
  }

  get aliveRuns(): number {
    let alive = 0;
    for (const run of this.runs) if (run.phase === "alive") alive++;
    return alive;
  }

  /** Bytes of the input. */
  get bytes(): number {
    return (this.record.key?.byteLength ?? 0) + (this.record.value?.byteLength ?? 0);
  }
}
