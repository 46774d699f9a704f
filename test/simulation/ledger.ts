import { decodeCommitMetadata } from "../../src/engine/commit-metadata.ts";
import type { SettlingSpec } from "../../src/engine/ports.ts";
import {
  type Fact,
  frameworkOf,
  type ProgramOutcome,
  type RecordKey,
  recordKey,
  recordOfTask,
  type SchedulerName,
  siteOf,
  type TaskKey,
} from "./facts.ts";

export interface LedgerTask {
  readonly key: TaskKey;
  readonly framework: string;
  readonly record: RecordKey;
  readonly site: string;
  readonly scheduler: SchedulerName;
  readonly version: string;
  readonly agentId: string;
  readonly executorId: string;
  /** Whether its scheduler held the partition when it was launched, and knew what was settled. */
  readonly byOwner: boolean;
  /** Place of the launch in the history. */
  readonly launchedAt: number;
  startedAt: number | undefined;
  endedAt: number | undefined;
  outcome: ProgramOutcome | "destroyed" | undefined;
  /** It, or what it came to, went with its executor or host. */
  destroyed: boolean;
  /** Schedulers that its result reached. */
  readonly deliveredTo: Set<SchedulerName>;
  /** Schedulers that have acknowledged it; an acknowledgement may get lost. */
  readonly acknowledgedBy: Set<SchedulerName>;
}

export interface LedgerRecord {
  readonly key: RecordKey;
  readonly partition: number;
  readonly offset: number;
  readonly lane: string | undefined;
  readonly tasks: LedgerTask[];
  /** Kafka has its output or error record, or there is nothing to send. */
  done: boolean;
  outputs: number;
  errors: number;
  /** How often in a row each scheduler was told that an executor or agent was lost under it. */
  readonly losses: Map<SchedulerName, number>;
  /** Schedulers that sent its error record. */
  readonly failedBy: Set<SchedulerName>;
  /** The scheduler that was told of a loss, until it launches it again. */
  lostBy: SchedulerName | undefined;
  /** Place in the history of the last loss that was told. */
  lossToldAt: number;
  /** Schedulers that heard the end of one of its programs since they last launched it. */
  readonly heardBy: Set<SchedulerName>;
  /** Who wrote it last, and whether that one knows. */
  lastWriter: SchedulerName | undefined;
  /** Place in the history of its last arrival in Kafka. */
  writtenAt: number;
  unclear: boolean;
  /** Kafka refuses its output for good. */
  refused: boolean;
  /** Retention took it. */
  expired: boolean;
  /** A commit has recorded it. */
  settled: boolean;
}

/** A partition's time with one member. */
interface Ownership {
  readonly partition: number;
  readonly owner: SchedulerName;
  /** Whether the owner lived when it was given the partition. */
  readonly alive: boolean;
  /** Whether the one before was another process, and alive. */
  readonly contested: boolean;
  readonly at: number;
  /** When it was taken away, or its owner died. */
  until: number;
}

/** Everything that is known about a history so far. Times are places in it: the number of facts before. */
export class Ledger {
  readonly versions = new Map<string, SettlingSpec>();
  readonly #forbidsOverlap = new Set<string>();
  #masterChanged = -1;
  readonly records = new Map<RecordKey, LedgerRecord>();
  readonly lanes = new Map<string, LedgerRecord[]>();
  readonly gaps = new Set<RecordKey>();
  readonly tasks = new Map<TaskKey, LedgerTask>();
  /** Who may commit: the members of the present generation. */
  readonly owners = new Map<number, SchedulerName>();
  /** Owners that know what their predecessors have settled. */
  readonly holders = new Map<number, SchedulerName>();
  readonly committed = new Map<number, number>();
  /** Launches after a loss, and those that schedulers have counted. */
  readonly reruns = new Map<SchedulerName, number>();
  readonly rerunsTold = new Map<SchedulerName, number>();
  /** Assignments, oldest first; also those to a process that was dead already. */
  readonly #ownerships: Ownership[] = [];
  /** When a scheduler first held a partition. */
  readonly #firstHeld = new Map<string, number>();
  /** Per partition: when a site got it that did not have it last. */
  readonly #takenOver = new Map<number, number>();
  readonly #lastOwner = new Map<number, SchedulerName>();
  readonly #started = new Map<SchedulerName, number>();
  readonly #ended = new Map<SchedulerName, number>();
  readonly #stateLost = new Map<string, number>();
  readonly #unreachable = new Map<string, number>();
  readonly #removed = new Map<string, number>();
  readonly #adoptionTimedOut = new Map<string, number>();
  now = 0;

  record(key: RecordKey): LedgerRecord {
    const record = this.records.get(key);
    if (record === undefined) throw new Error(`no record ${key} was ever written`);
    return record;
  }

  task(key: TaskKey): LedgerTask {
    const task = this.tasks.get(key);
    if (task === undefined) throw new Error(`no task ${key} was ever launched`);
    return task;
  }

  /** Whether the partition went to another site since. */
  takenOverSince(partition: number, when: number): boolean {
    return (this.#takenOver.get(partition) ?? -1) >= when;
  }

  /**
   * Whether the partition was another's since, in the lifetime of this process. One that never held it itself is not to
   * believe in an owner that is dead already; one that did held it no longer while the other had it.
   */
  ownedByAnotherSince(partition: number, scheduler: SchedulerName, when: number): boolean {
    const since = Math.max(when, this.#started.get(scheduler) ?? 0);
    const firstHeld = this.#firstHeld.get(`${scheduler} ${partition}`) ?? Number.POSITIVE_INFINITY;
    return this.#ownerships.some(({ partition: one, owner, alive, at, until }) => {
      if (one !== partition || owner === scheduler) return false;
      return (at >= since && (alive || firstHeld < at)) || (until > since && firstHeld < until);
    });
  }

  /** Whether the partition went from one living process to another since. */
  contestedSince(partition: number, when: number): boolean {
    return this.#ownerships.some(({ partition: one, contested, at }) => one === partition && contested && at >= when);
  }

  /** Whether another process of its site lived at the same time as this one. */
  hadCompany(scheduler: SchedulerName): boolean {
    return [...this.#started.keys()].some((other) => {
      return siteOf(other) === siteOf(scheduler) && this.livedTogether(other, scheduler);
    });
  }

  /** Whether both processes lived at one time: one site had two of them, which its state folder's lock prevents. */
  livedTogether(one: SchedulerName, other: SchedulerName): boolean {
    const startedAt = (name: SchedulerName): number => this.#started.get(name) ?? 0;
    const endedAt = (name: SchedulerName): number => this.#ended.get(name) ?? Number.POSITIVE_INFINITY;
    return one !== other && startedAt(one) < endedAt(other) && startedAt(other) < endedAt(one);
  }

  stateLostSince(site: string, when: number): boolean {
    return (this.#stateLost.get(site) ?? -1) >= when;
  }

  /** Whether runs of the version must not begin beside another of their lane. */
  forbidsOverlap(version: string): boolean {
    return this.#forbidsOverlap.has(version);
  }

  masterChangedSince(when: number): boolean {
    return this.#masterChanged >= when;
  }

  unreachableSince(agentId: string, when: number): boolean {
    return (this.#unreachable.get(agentId) ?? -1) >= when;
  }

  removedSince(site: string, when: number): boolean {
    return (this.#removed.get(site) ?? -1) >= when;
  }

  adoptionTimedOutSince(site: string, when: number): boolean {
    return (this.#adoptionTimedOut.get(site) ?? -1) >= when;
  }

  /** How many offsets below this one have no record any more. */
  goneBelow(partition: number, offset: number): number {
    const last = [...this.records.values()].findLast((one) => {
      return one.partition === partition && one.expired && one.offset < offset;
    });
    return last === undefined ? 0 : last.offset + 1;
  }

  /** The offsets that a commit calls settled and that were not before. */
  *newlySettled(partition: number, offset: number, metadata: string): Iterable<number> {
    for (let at = this.committed.get(partition) ?? 0; at < offset; at++) {
      if (this.records.get(recordKey(partition, at))?.settled !== true) yield at;
    }
    for (const at of settledAbove(offset, metadata)) {
      if (this.records.get(recordKey(partition, at))?.settled !== true) yield at;
    }
  }

  apply(fact: Fact): void {
    this.now++;
    switch (fact.type) {
      case "record-written": {
        const { record: key, lane } = fact;
        const [partition = 0, offset = 0] = key.split("/").map(Number);
        const record: LedgerRecord = {
          key,
          partition,
          offset,
          lane,
          tasks: [],
          done: false,
          outputs: 0,
          errors: 0,
          losses: new Map(),
          failedBy: new Set(),
          lostBy: undefined,
          lossToldAt: -1,
          heardBy: new Set(),
          lastWriter: undefined,
          writtenAt: -1,
          unclear: false,
          refused: false,
          expired: false,
          settled: false,
        };
        this.records.set(key, record);
        if (lane !== undefined) this.lanes.set(lane, [...(this.lanes.get(lane) ?? []), record]);
        return;
      }
      case "specification":
        this.versions.set(fact.spec.version, fact.spec);
        if (fact.overlap === "forbid") this.#forbidsOverlap.add(fact.spec.version);
        return;
      case "record-expired":
        this.record(fact.record).expired = true;
        return;
      case "gap-written":
        this.gaps.add(fact.record);
        return;
      case "launched": {
        const record = this.record(recordOfTask(fact.task));
        const { task: key, scheduler, version, agentId, executorId } = fact;
        const task: LedgerTask = {
          key,
          framework: frameworkOf(key),
          record: record.key,
          site: siteOf(scheduler),
          scheduler,
          version,
          agentId,
          executorId,
          byOwner: this.holders.get(record.partition) === scheduler,
          launchedAt: this.now,
          startedAt: undefined,
          endedAt: undefined,
          outcome: undefined,
          destroyed: false,
          deliveredTo: new Set(),
          acknowledgedBy: new Set(),
        };
        if (this.isRerun(record, scheduler)) count(this.reruns, scheduler);
        this.tasks.set(key, task);
        record.tasks.push(task);
        record.lostBy = undefined;
        record.heardBy.delete(scheduler);
        return;
      }
      case "program-started":
        this.task(fact.task).startedAt = this.now;
        return;
      case "program-ended": {
        const task = this.task(fact.task);
        task.endedAt = this.now;
        task.outcome = fact.outcome;
        const drops = this.versions.get(task.version)?.emptyOutput === "drop";
        if (fact.outcome === "printed-nothing" && drops) this.record(task.record).done = true;
        return;
      }
      case "run-destroyed": {
        const task = this.task(fact.task);
        task.endedAt ??= this.now;
        task.destroyed = true;
        if (task.outcome === undefined || task.outcome === "succeeded" || task.outcome === "printed-nothing") {
          task.outcome = "destroyed";
        }
        return;
      }
      case "result-delivered": {
        const task = this.task(fact.task);
        task.deliveredTo.add(fact.scheduler);
        const record = this.record(task.record);
        record.losses.delete(fact.scheduler);
        record.heardBy.add(fact.scheduler);
        return;
      }
      case "loss-told": {
        const record = this.record(fact.record);
        const { losses } = record;
        record.lossToldAt = this.now;
        if (!this.#hasAliveTask(record, fact.scheduler)) record.lostBy = fact.scheduler;
        if (fact.reason === "framework-removed" || fact.reason === "task-unknown") return;
        // Of an earlier life's runs it takes what it held in any order: a result among them may come after the loss.
        const isOfEarlierLife = record.tasks.every(({ scheduler }) => scheduler !== fact.scheduler);
        if (isOfEarlierLife && record.heardBy.has(fact.scheduler)) return;
        losses.set(fact.scheduler, (losses.get(fact.scheduler) ?? 0) + 1);
        return;
      }
      case "result-acknowledged":
        this.task(fact.task).acknowledgedBy.add(fact.scheduler);
        return;
      case "output-written": {
        const record = this.record(fact.record);
        record.done = true;
        // Of what somebody writes who has lost the partition, nobody goes on.
        record.lastWriter = this.holders.get(record.partition) === fact.scheduler ? fact.scheduler : undefined;
        record.writtenAt = this.now;
        record.unclear = false;
        if (fact.as === "output") record.outputs++;
        else record.errors++;
        return;
      }
      case "output-unclear":
        this.record(fact.record).unclear = true;
        return;
      case "output-refused":
        this.record(fact.record).refused = true;
        return;
      case "committed":
        for (const offset of [...this.newlySettled(fact.partition, fact.offset, fact.metadata)]) {
          const record = this.records.get(recordKey(fact.partition, offset));
          if (record !== undefined) record.settled = true;
        }
        this.committed.set(fact.partition, fact.offset);
        return;
      case "assigned":
        return this.#assigned(fact.owners);
      case "positions-read":
        for (const partition of fact.partitions) {
          // Whoever was told of a loss before may have begun anew with the partition.
          this.#forgetLosses(partition);
          if (this.owners.get(partition) !== fact.scheduler) continue;
          this.holders.set(partition, fact.scheduler);
          const key = `${fact.scheduler} ${partition}`;
          if (!this.#firstHeld.has(key)) this.#firstHeld.set(key, this.now);
        }
        return;
      case "master-changed":
        this.#masterChanged = this.now;
        return;
      case "agent-unreachable":
        this.#unreachable.set(fact.agentId, this.now);
        return;
      case "framework-removed":
        this.#removed.set(fact.site, this.now);
        return;
      case "adoption-timed-out":
        this.#adoptionTimedOut.set(fact.site, this.now);
        return;
      case "state-lost":
        this.#stateLost.set(fact.site, this.now);
        return;
      case "scheduler-started":
        this.#started.set(fact.scheduler, this.now);
        return;
      case "scheduler-ended":
        this.#ended.set(fact.scheduler, this.now);
        this.#endOwnerships(({ owner }) => owner === fact.scheduler);
        return;
      case "rerun-told":
        count(this.rerunsTold, fact.scheduler);
        return;
      case "output-sent":
        if (fact.as === "error") this.record(fact.record).failedBy.add(fact.scheduler);
        return;
      case "commit-sent":
      case "result-abandoned":
      case "view":
        return;
    }
  }

  /** Whether a launch now is because of a loss, and for nothing else. */
  isRerun({ partition, lostBy, heardBy, tasks }: LedgerRecord, scheduler: SchedulerName): boolean {
    if (lostBy !== scheduler || heardBy.has(scheduler)) return false;
    // Of runs that ended while another process had the partition it may know nothing, and launches them once more.
    if (this.ownedByAnotherSince(partition, scheduler, 0)) return false;
    // What was lost may be an older run, and this the next launch of one that has not come to anything yet.
    const last = tasks.at(-1);
    return last?.scheduler !== scheduler || last.startedAt !== undefined || last.outcome !== undefined;
  }

  /** Whether this scheduler has another launch under way, so that the loss of one needs no new one. */
  #hasAliveTask({ tasks }: LedgerRecord, scheduler: SchedulerName): boolean {
    return tasks.some((task) => {
      const isOver = task.outcome !== undefined || this.unreachableSince(task.agentId, task.launchedAt);
      return task.scheduler === scheduler && !isOver;
    });
  }

  #forgetLosses(partition: number): void {
    for (const record of this.records.values()) {
      if (record.partition !== partition) continue;
      record.losses.clear();
      record.lostBy = undefined;
    }
  }

  #assigned(owners: ReadonlyMap<number, SchedulerName>): void {
    this.owners.clear();
    this.holders.clear();
    this.#endOwnerships(() => true);
    for (const [partition, owner] of owners) {
      this.owners.set(partition, owner);
      const site = siteOf(owner);
      const last = this.#lastOwner.get(partition);
      if (last !== undefined && last !== owner) this.#forgetFailures(partition, [last, owner]);
      if (last !== undefined && siteOf(last) !== site) this.#takenOver.set(partition, this.now);
      this.#lastOwner.set(partition, owner);
      this.#ownerships.push({
        partition,
        owner,
        alive: !this.#ended.has(owner),
        contested: last !== undefined && last !== owner && !this.#ended.has(last),
        at: this.now,
        until: Number.POSITIVE_INFINITY,
      });
    }
  }

  /** Whoever gave an error record to Kafka and then lost the partition begins anew with it. */
  #forgetFailures(partition: number, schedulers: readonly SchedulerName[]): void {
    for (const record of this.records.values()) {
      if (record.partition === partition) for (const one of schedulers) record.failedBy.delete(one);
    }
  }

  #endOwnerships(isOver: (ownership: Ownership) => boolean): void {
    for (const one of this.#ownerships) if (isOver(one)) one.until = Math.min(one.until, this.now);
  }
}

/** Offsets above the watermark that a commit's metadata calls settled. */
export function* settledAbove(offset: number, metadata: string): Iterable<number> {
  const known = decodeCommitMetadata(metadata, offset);
  if (known.type === "foreign") throw new Error(`commit metadata "${metadata}" cannot be read`);
  for (const [start, end] of known.runs) for (let at = start; at < end; at++) yield at;
}
function count<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
