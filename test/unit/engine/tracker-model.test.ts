import { expect, test } from "bun:test";
import { type Random, randomInt, seededRandom } from "../../../src/base/random.ts";
import { decodeCommitMetadata } from "../../../src/engine/commit-metadata.ts";
import type { RunId, RunOutcome } from "../../../src/engine/ports.ts";
import type { TrackerCommand } from "../../../src/engine/tracker-events.ts";
import { runResult, TrackerDriver } from "../../support/tracker-driver.ts";

const RECORDS = 40;
const outcomes: readonly RunOutcome[] = [
  { type: "succeeded" },
  { type: "succeeded" },
  { type: "succeeded" },
  { type: "exited", code: 1 },
  { type: "exited", code: 65 },
  { type: "exited", code: 75 },
  { type: "signaled", signal: "SIGSEGV" },
  { type: "not-startable", reason: "program-not-found", message: "gone" },
  { type: "killed" },
];

interface ModelRun {
  readonly id: RunId;
  readonly offset: number;
  fate: "alive" | "unreachable" | "over";
  released: boolean;
}

/** A world around one tracker: a log of records, runs that end as they like, a Kafka that answers when it likes. */
class World {
  readonly driver: TrackerDriver;
  readonly #random: Random;
  readonly #runs = new Map<RunId, ModelRun>();
  readonly #sends = new Map<number, number>();
  readonly #commits = new Map<number, Extract<TrackerCommand, { type: "commit" }>>();
  /** Offsets whose output or error record Kafka has acknowledged, and how often. */
  readonly acknowledged = new Map<number, number>();
  committed: { offset: number; metadata: string } | null = null;
  #read = 0;
  #paused = true;

  constructor(random: Random, ordering: "none" | "key" | "partition") {
    this.#random = random;
    this.driver = new TrackerDriver({ concurrency: 1 + randomInt(random, 6), ordering }, { minWindow: 12 });
    this.#take(this.driver.step({ type: "ready" }));
    this.#assign();
  }

  get settledOffsets(): number {
    return this.committed?.offset ?? 0;
  }

  readonly #actions = {
    receive: () => this.#receive(),
    start: () => this.#start(),
    end: (trouble: boolean) => this.#end(trouble),
    endTwice: () => this.#endTwice(),
    lose: () => this.#lose(),
    answerSend: (trouble: boolean) => this.#answerSend(trouble),
    answerCommit: (trouble: boolean) => this.#answerCommit(trouble),
    tick: () => this.#tick(),
    reassign: () => this.#reassign(),
  };

  chaos(): void {
    const { receive, end, answerSend, ...others } = this.#actions;
    const often = [receive, end, end, answerSend];
    this.#pick([receive, end, answerSend, ...often, ...Object.values(others)])?.(true);
    this.check();
  }

  /** No more trouble: every run succeeds, every request is answered. */
  heal(): void {
    const { receive, end, answerSend, answerCommit, tick } = this.#actions;
    for (let round = 0; round < 3000 && this.settledOffsets < RECORDS; round++) {
      for (const action of [receive, end, answerSend, answerCommit, tick]) action(false);
      this.check();
    }
  }

  /** Promises I1, I2 and I3, as far as one tracker can keep them. */
  check(): void {
    const alive = new Map<number, number>();
    for (const run of this.#runs.values()) {
      if (run.fate === "alive") alive.set(run.offset, (alive.get(run.offset) ?? 0) + 1);
    }
    for (const [offset, count] of alive) expect(`${offset}: ${count} alive`).toBe(`${offset}: 1 alive`);
    const settled = this.#settled();
    for (const offset of settled) expect(this.acknowledged.has(offset)).toBe(true);
  }

  /** What a successor would believe to be settled. */
  #settled(): number[] {
    if (this.committed === null) return [];
    const { offset, metadata } = this.committed;
    const known = decodeCommitMetadata(metadata, offset);
    const above = known.type === "known" ? known.runs : [];
    const offsets = Array.from({ length: offset }, (_, below) => below);
    for (const [start, end] of above) for (let at = start; at < end; at++) offsets.push(at);
    return offsets;
  }

  #receive(): void {
    if (this.#paused || this.#read >= RECORDS) return;
    const count = 1 + randomInt(this.#random, 5);
    const offsets = Array.from({ length: Math.min(count, RECORDS - this.#read) }, (_, index) => this.#read + index);
    this.#read += offsets.length;
    this.#observe(() => this.driver.receive(offsets, { key: `k${randomInt(this.#random, 3)}` }));
  }

  #start(): void {
    const run = this.#pick(this.#having("alive"));
    if (run) this.#observe(() => this.driver.step({ type: "started", runId: run.id, place: "a1" }));
  }

  #end(trouble: boolean): void {
    const run = this.#pick([...this.#having("alive"), ...this.#having("unreachable")]);
    if (run === undefined) return;
    run.fate = "over";
    const outcome = trouble ? this.#pick(outcomes) : outcomes[0];
    const result = runResult(outcome, `by ${run.id}`);
    this.#observe(() => this.driver.step({ type: "ended", runId: run.id, result }));
  }

  /** A status update that comes again, as it does until it is acknowledged. */
  #endTwice(): void {
    const run = this.#pick([...this.#runs.values()].filter(({ fate, released }) => fate === "over" && !released));
    if (run) this.#observe(() => this.driver.step({ type: "ended", runId: run.id, result: runResult() }));
  }

  #lose(): void {
    const run = this.#pick(this.#having("alive"));
    if (run === undefined) return;
    const unreachable = randomInt(this.#random, 2) === 0;
    run.fate = unreachable ? "unreachable" : "over";
    const reason = unreachable ? "agent-unreachable" : "executor-lost";
    this.#observe(() => this.driver.step({ type: "lost", runId: run.id, reason, dead: !unreachable, message: "" }));
  }

  #answerSend(trouble: boolean): void {
    const sendId = this.#pick([...this.#sends.keys()]);
    if (sendId === undefined) return;
    const offset = this.#sends.get(sendId)!;
    this.#sends.delete(sendId);
    if (trouble && randomInt(this.#random, 8) === 0) {
      const failure = { type: "topic-refused", message: "no topic" } as const;
      this.#observe(() => this.driver.step({ type: "send-failed", sendId, failure }));
      return;
    }
    this.acknowledged.set(offset, (this.acknowledged.get(offset) ?? 0) + 1);
    this.#observe(() => this.driver.step({ type: "sent", sendId }));
  }

  #answerCommit(trouble: boolean): void {
    const commitId = this.#pick([...this.#commits.keys()]);
    if (commitId === undefined) return;
    const commit = this.#commits.get(commitId)!;
    this.#commits.delete(commitId);
    const fails = trouble && randomInt(this.#random, 4) === 0;
    // A commit that failed may have been carried out all the same.
    if (!fails || randomInt(this.#random, 2) === 0) this.committed = commit.offsets[0]!;
    if (fails) this.#observe(() => this.driver.step({ type: "commit-failed", commitId, failure: "unavailable" }));
    else this.#observe(() => this.driver.step({ type: "committed", commitId }));
  }

  #tick(): void {
    this.#observe(() => this.driver.advance(1 + randomInt(this.#random, 20_000)));
  }

  /** A rebalance that gives the partition back, to us or after somebody else had it. */
  #reassign(): void {
    if (randomInt(this.#random, 4) > 0) return;
    // The old connection is gone: what was under way there fails as stale, whether or not it was carried out.
    for (const [commitId, commit] of [...this.#commits]) {
      this.#commits.delete(commitId);
      if (randomInt(this.#random, 2) === 0) this.committed = commit.offsets[0]!;
      this.#observe(() => this.driver.step({ type: "commit-failed", commitId, failure: "stale" }));
    }
    this.#assign();
  }

  #assign(): void {
    this.#paused = true;
    this.#observe(() => this.driver.assign({ committed: this.committed, logEndOffset: RECORDS }));
  }

  #having(fate: ModelRun["fate"]): ModelRun[] {
    return [...this.#runs.values()].filter((run) => run.fate === fate);
  }

  #pick<T>(from: readonly T[]): T | undefined {
    return from[randomInt(this.#random, from.length)];
  }

  /** Everything that the driver's commands do to this world. */
  #observe(action: () => void): void {
    const before = this.driver.commands.length;
    action();
    this.#take(this.driver.commands.slice(before));
  }

  #take(commands: readonly TrackerCommand[]): void {
    for (const command of commands) {
      switch (command.type) {
        case "run": {
          const { id, record } = command.run;
          expect(this.#runs.has(id)).toBe(false);
          this.#runs.set(id, { id, offset: record.offset, fate: "alive", released: false });
          break;
        }
        case "cancel":
          this.#runs.get(command.runId)!.fate = "over";
          break;
        case "release": {
          const run = this.#runs.get(command.runId)!;
          expect(run.released).toBe(false);
          run.released = true;
          run.fate = "over";
          break;
        }
        case "send": {
          const offset = command.records[0]!.headers.find(([name]) => name === "trace")![1]!;
          this.#sends.set(command.sendId, Number(Buffer.from(offset).toString().slice(1)));
          break;
        }
        case "commit":
          expect(this.#commits.size).toBe(0);
          this.#commits.set(command.commitId, command);
          break;
        case "seek":
          this.#read = command.offset;
          break;
        case "pause":
          this.#paused = true;
          break;
        case "resume":
          this.#paused = false;
          break;
        case "forget-version":
        case "note":
          break;
      }
    }
  }
}

for (const ordering of ["none", "key", "partition"] as const) {
  test(`whatever happens, nothing is lost, nothing runs twice at once, and all of it ends (ordering ${ordering})`, () => {
    for (let seed = 1; seed <= 100; seed++) {
      const world = new World(seededRandom(seed), ordering);
      try {
        for (let step = 0; step < 250; step++) world.chaos();
        world.heal();
        expect(world.settledOffsets).toBe(RECORDS);
        expect(world.acknowledged.size).toBe(RECORDS);
      } catch (error) {
        const { stack } = error instanceof Error ? error : new Error(String(error));
        throw new Error(`seed ${seed}, ordering ${ordering}: ${stack}`, { cause: error });
      }
    }
  });
}
