import { seededRandom } from "../../src/base/random.ts";
import { settlingSpec } from "../../src/engine/live-versions.ts";
import { BrokenPromise, Checks } from "./checks.ts";
import { Cluster } from "./cluster.ts";
import type { Fact } from "./facts.ts";
import { type FaultCounts, Faults } from "./faults.ts";
import { InputRecords, RECORD_BYTES } from "./input-records.ts";
import { Broker } from "./kafka/broker.ts";
import type { Machines } from "./machines.ts";
import { Programs } from "./mesos/programs.ts";
import { drawProfile, type Profile } from "./profile.ts";
import { Rest } from "./rest.ts";
import { Sites } from "./sites.ts";
import { VirtualTime } from "./time.ts";
import { Trace } from "./trace.ts";
import { Troubles } from "./troubles.ts";

/** How long a healed world may take to settle everything and to come to rest. */
const PROGRESS_WITHIN_MS = 3_600_000;
/** More steps than any history needs that does not go round in circles. */
const MOST_STEPS = 400_000;

/** Kafka, Mesos, schedulers, executors and programs under one virtual time, driven by one seed. */
export class World {
  readonly profile: Profile;
  readonly faults: Faults;
  readonly checks: Checks;
  readonly trace: Trace;
  readonly #time = new VirtualTime();
  readonly #sites: Sites;
  readonly #records: InputRecords;
  readonly #troubles: Troubles;
  readonly #rest: Rest;
  #broken: BrokenPromise | undefined;

  constructor(seed: number, machines: Machines) {
    const random = seededRandom(seed);
    this.profile = drawProfile(seed, random);
    const { profile } = this;
    const time = this.#time;
    this.trace = new Trace(time);
    this.faults = new Faults(random, profile);
    this.checks = new Checks({
      spec: profile.versions[0],
      tracker: profile.tracker,
      partitions: profile.partitions,
      fetchRecords: profile.fetchRecords,
      recordBytes: RECORD_BYTES,
      onlySchedulersDie: profile.theme === "scheduler" || profile.theme === "calm",
    });
    const observe = (fact: Fact): void => this.#observe(fact);
    const note = (text: string): void => this.trace.note(text);
    const broker = new Broker(time, profile.partitions, {
      observe,
      onExpired: () => this.faults.count("session-expired"),
      onRebalance: () => this.faults.count("rebalance"),
      onRefused: () => this.faults.count("record-refused"),
    });
    const programs = new Programs(random, this.faults, profile);
    const shared = { time, random, faults: this.faults, machines, programs, broker, profile, observe, note };
    const { agents, cpusPerAgent } = profile;
    const cluster = new Cluster({ ...shared, agents, milliCpus: cpusPerAgent * 1000 });
    const onBroken = (error: BrokenPromise): void => {
      this.#broken ??= error;
    };
    const sites = new Sites({ ...shared, cluster, onBroken });
    this.#sites = sites;
    this.#records = new InputRecords(shared);
    this.#troubles = new Troubles({ ...shared, cluster, sites });
    this.#rest = new Rest({ broker, cluster, sites, ledger: this.checks.ledger });
  }

  /**
   * Faults while records come in, then healing: everything has to be settled, and to come to rest.
   *
   * @throws {BrokenPromise}
   */
  run(): void {
    const { faultsUntilMs } = this.profile;
    const [{ overlap }] = this.profile.versions;
    for (const spec of this.profile.versions)
      this.#observe({ type: "specification", spec: settlingSpec(spec), overlap });
    for (const site of this.#sites.all) this.#sites.start(site);
    this.#records.start();
    this.#troubles.start();
    this.#time.schedule(faultsUntilMs, () => this.#troubles.heal());
    this.#advance(() => this.#time.nowMs >= faultsUntilMs && this.#isSettled, faultsUntilMs + PROGRESS_WITHIN_MS);
    if (!this.#isSettled) throw new BrokenPromise("progress", this.#describeProgress());
    const restUntilMs = this.#time.nowMs + PROGRESS_WITHIN_MS;
    this.#advance(() => this.#rest.isReached, restUntilMs);
    if (!this.#rest.isReached) throw new BrokenPromise("I8", `it does not come to rest: ${this.#rest.describe()}`);
  }

  #advance(isDone: () => boolean, untilMs: number): void {
    for (let steps = 0; !isDone() && this.#time.nowMs < untilMs; steps++) {
      if (!this.#time.step()) return;
      if (this.#broken !== undefined) throw this.#broken;
      if (steps > MOST_STEPS)
        throw new BrokenPromise("progress", `${MOST_STEPS} steps led nowhere: ${this.#describeProgress()}`);
    }
  }

  #observe(fact: Fact): void {
    this.trace.note(fact);
    try {
      this.checks.observe(fact);
    } catch (error) {
      // The code that caused it is not to see it.
      this.#broken ??= error instanceof BrokenPromise ? error : new BrokenPromise("invariant", String(error));
    }
  }

  get #isSettled(): boolean {
    return this.#records.written >= this.profile.records && this.#rest.isSettled;
  }

  #describeProgress(): string {
    const { written } = this.#records;
    return `${written} of ${this.profile.records} records written; ${this.#rest.describeProgress()}`;
  }
}

export interface History {
  readonly seed: number;
  readonly theme: string;
  readonly counts: FaultCounts;
  readonly records: number;
  readonly starts: number;
  readonly outputs: number;
  readonly broken: BrokenPromise | undefined;
  readonly trace: () => readonly string[];
}

/** One whole history. The same seed and machines give the same one, for ever. */
export function simulate(seed: number, machines: Machines): History {
  const world = new World(seed, machines);
  let broken: BrokenPromise | undefined;
  try {
    world.run();
  } catch (error) {
    if (!(error instanceof BrokenPromise)) throw error;
    broken = error;
  }
  const { ledger } = world.checks;
  let outputs = 0;
  for (const record of ledger.records.values()) outputs += record.outputs + record.errors;
  const starts = [...ledger.tasks.values()].filter(({ startedAt }) => startedAt !== undefined).length;
  return {
    seed,
    theme: world.profile.theme,
    counts: world.faults.counts,
    records: ledger.records.size,
    starts,
    outputs,
    broken,
    trace: () => world.trace.lines(),
  };
}
