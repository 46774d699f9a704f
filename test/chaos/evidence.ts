import type { Fate, LedgerLine, RecordId } from "./ledger.ts";

/** What a run of the test left behind, of one processor; account.ts judges it. */
export interface Evidence {
  readonly processor: string;
  readonly ordering: "none" | "key";
  /** Of the input topic, in the order of each partition. */
  readonly inputs: readonly Input[];
  /** The whole ledger, other processors' lines included. */
  readonly ledger: readonly LedgerLine[];
  /** Of the output and the error topic, in the order of each partition. */
  readonly results: readonly Result[];
  readonly deaths: readonly Death[];
  /** How often the scheduler's log says of a record that its run was lost. */
  readonly losses: ReadonlyMap<RecordId, number>;
  /** brigade_reruns_total by reason, summed over the lives of the scheduler as far as they could be asked. */
  readonly reruns: Readonly<Record<string, number>>;
  /** Whether nothing but the scheduler was killed: then no run may be lost, whatever the log says. */
  readonly onlySchedulerDied: boolean;
}

export interface Input {
  readonly record: RecordId;
  /** Given by the producer, 0 for the first. */
  readonly id: number;
  readonly key: string;
  readonly fate: Fate;
}

export interface Result {
  readonly record: RecordId;
  readonly as: "output" | "error";
  /** Which run's output it is; error records do not tell. */
  readonly run: string;
}

/** A kill -9 of the scheduler. The ledger says when, by its number. */
export interface Death {
  /** Results in Kafka that no commit covered; undefined where nobody could look before the next life began. */
  readonly sentNotCommitted: ReadonlySet<RecordId> | undefined;
  /** Records whose run had ended, and whose settlement no commit had recorded. */
  readonly endedNotCommitted: number;
}

/** A promise that was not kept. */
export interface Violation {
  readonly rule: "loss" | "wrong result" | "second start" | "repeated output" | "order" | "stray";
  readonly record: RecordId;
  readonly what: string;
}

export interface Account {
  readonly processor: string;
  readonly counts: Counts;
  readonly reruns: Readonly<Record<string, number>>;
  readonly violations: readonly Violation[];
}

export interface Counts {
  readonly inputs: number;
  readonly starts: number;
  /** Starts after a failed run of the record: what `retry` asks for. */
  readonly retries: number;
  /** Of these, those that count their attempts anew, since a scheduler died before a commit held the count. */
  readonly attemptsForgotten: number;
  /** Starts after a run that had not failed, or whose failure was lost with its executor. */
  readonly secondStarts: number;
  /** Losses of runs that the scheduler's log tells of. */
  readonly lossesLogged: number;
  readonly outputs: number;
  readonly errors: number;
  /** Results beyond the first of a record and run. */
  readonly repeatedResults: number;
  readonly deaths: number;
  /** Over all deaths: runs that went on without a scheduler, to their own end. */
  readonly aliveAtDeath: number;
  /** Over all deaths: runs that had ended, with no commit to record it. */
  readonly endedNotCommitted: number;
  /** Over all deaths: results in Kafka that no commit covered. Repeated results must be among them. */
  readonly sentNotCommitted: number;
}
