import { utf8 } from "../../src/base/bytes.ts";
import { type Random, randomInt, seededRandom } from "../../src/base/random.ts";
import type { ProcessorSpec } from "../../src/config/processor.ts";
import type { InputRecord } from "../../src/engine/ports.ts";
import type { FrameworkId } from "../../src/mesos/types.ts";
import { BrokenPromise, Checks } from "./checks.ts";
import { Cluster } from "./cluster.ts";
import { type Fact, recordKey, siteOfFramework } from "./facts.ts";
import { type FaultCounts, Faults, type Strike } from "./faults.ts";
import { Broker, RECORD_HEADER } from "./kafka/broker.ts";
import { Life } from "./life.ts";
import type { Machines } from "./machines.ts";
import { Programs } from "./mesos/programs.ts";
import type { ProcessContext } from "./process-context.ts";
import { drawNature, drawProfile, type Nature, type Profile } from "./profile.ts";
import { SimulatedScheduler } from "./scheduler.ts";
import type { Disk } from "./store.ts";
import { VirtualTime } from "./time.ts";

/** How long a healed world may take to settle everything and to come to rest. */
const PROGRESS_WITHIN_MS = 3_600_000;
/** More steps than any history needs that does not go round in circles. */
const MOST_STEPS = 400_000;
const STOP_TIMEOUT_MS = 10_000;
const TRACE_LENGTH = 20_000;
const RECORD_BYTES = 40;

interface Site {
  readonly name: string;
  readonly disk: Disk;
  readonly schedulers: Set<SimulatedScheduler>;
  lives: number;
}

/** Kafka, Mesos, schedulers, executors and programs under one virtual time, driven by one seed. */
export class World {
  readonly profile: Profile;
  readonly faults: Faults;
  readonly checks: Checks;
  readonly #trace: (readonly [atMs: number, what: string | Fact])[] = [];
  readonly #time = new VirtualTime();
  readonly #random: Random;
  readonly #machines: Machines;
  readonly #broker: Broker;
  readonly #cluster: Cluster;
  readonly #programs: Programs;
  readonly #sites: readonly Site[];
  #spec: ProcessorSpec;
  #written = 0;
  #broken: BrokenPromise | undefined;

  constructor(seed: number, machines: Machines) {
    const random = seededRandom(seed);
    this.#random = random;
    this.#machines = machines;
    this.profile = drawProfile(seed, random);
    const { profile } = this;
    const time = this.#time;
    this.#spec = profile.spec;
    this.faults = new Faults(random, profile);
    this.checks = new Checks({
      spec: profile.spec,
      tracker: profile.tracker,
      partitions: profile.partitions,
      fetchRecords: profile.fetchRecords,
      recordBytes: RECORD_BYTES,
      onlySchedulersDie: profile.theme === "scheduler" || profile.theme === "calm",
    });
    const observe = (fact: Fact): void => this.#observe(fact);
    this.#broker = new Broker(time, profile.partitions, {
      observe,
      onExpired: () => this.faults.count("session-expired"),
      onRebalance: () => this.faults.count("rebalance"),
      onRefused: () => this.faults.count("record-refused"),
    });
    this.#programs = new Programs(random, this.faults, profile);
    this.#cluster = new Cluster({
      time,
      random,
      faults: this.faults,
      machines,
      programs: this.#programs,
      observe,
      agents: profile.agents,
      milliCpus: profile.cpusPerAgent * 1000,
    });
    this.#sites = Array.from({ length: profile.sites }, (_, index) => ({
      name: String.fromCodePoint("A".codePointAt(0)! + index),
      disk: { files: new Map(), owner: "" },
      schedulers: new Set(),
      lives: 0,
    }));
  }

  /**
   * Faults while records come in, then healing: everything has to be settled, and to come to rest.
   *
   * @throws {BrokenPromise}
   */
  run(): void {
    const { faultsUntilMs } = this.profile;
    for (const site of this.#sites) this.#startScheduler(site);
    this.#writeRecords();
    this.#strikes();
    this.#time.schedule(faultsUntilMs, () => this.#heal());
    this.#advance(() => this.#time.nowMs >= faultsUntilMs && this.#isSettled, faultsUntilMs + PROGRESS_WITHIN_MS);
    if (!this.#isSettled) throw new BrokenPromise("progress", this.#describeProgress());
    const restUntilMs = this.#time.nowMs + PROGRESS_WITHIN_MS;
    this.#advance(() => this.#isAtRest, restUntilMs);
    if (!this.#isAtRest) throw new BrokenPromise("I8", `it does not come to rest: ${this.#describeRest()}`);
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
    this.#note(fact);
    try {
      this.checks.observe(fact);
    } catch (error) {
      // The code that caused it is not to see it.
      this.#broken ??= error instanceof BrokenPromise ? error : new BrokenPromise("invariant", String(error));
    }
  }

  #note(what: string | Fact): void {
    if (this.#trace.length >= TRACE_LENGTH) this.#trace.shift();
    this.#trace.push([this.#time.nowMs, what]);
  }

  /** The end of the history so far, for people. */
  trace(): readonly string[] {
    return this.#trace.map(([atMs, what]) => {
      const text = typeof what === "string" ? what : describeFact(what);
      return `${(atMs / 1000).toFixed(3).padStart(9)} s  ${text}`;
    });
  }

  // ---------------------------------------------------------------------------------------------------- the records

  #writeRecords(): void {
    const { records, faultsUntilMs } = this.profile;
    for (let i = 0; i < records; i++) {
      const atMs = i === 0 ? 0 : this.#random.next() * faultsUntilMs * 0.8;
      this.#time.schedule(atMs, () => this.#writeRecord());
    }
  }

  #writeRecord(): void {
    const { partitions, keys, theme } = this.profile;
    const random = this.#random;
    const partition = randomInt(random, partitions);
    const log = this.#broker.input[partition]!;
    // Now and then an offset that no reader sees.
    if (randomInt(random, 8) === 0) {
      this.#observe({ type: "gap-written", record: recordKey(partition, log.end) });
      log.append(() => null);
    }
    const key = randomInt(random, 4) === 0 ? null : `key-${randomInt(random, keys)}`;
    const nature = drawNature(random, theme);
    const record = recordKey(partition, log.end);
    this.#programs.setNature(record, nature);
    if (nature.type === "output-refused") this.#broker.refusedOutputs.add(record);
    this.#observe({ type: "record-written", record, lane: this.#laneOf(partition, key) });
    this.#note(`${record} ${describeNature(nature)}`);
    log.append((offset) => inputRecord(partition, offset, key, this.#time.nowMs));
    this.#written++;
  }

  #laneOf(partition: number, key: string | null): string | undefined {
    const { ordering } = this.profile.spec;
    if (ordering === "partition") return `${partition}`;
    return ordering === "key" && key !== null ? `${partition} ${key}` : undefined;
  }

  // ------------------------------------------------------------------------------------------------- the schedulers

  #startScheduler(site: Site): void {
    const name = `${site.name}.${++site.lives}`;
    const life = new Life(name, this.#time);
    const context: ProcessContext = {
      name,
      life,
      time: this.#time,
      random: this.#random,
      faults: this.faults,
      machines: this.#machines,
      observe: (fact) => this.#observe(fact),
      effect: (perform) => this.#effect(life, perform),
    };
    const scheduler: SimulatedScheduler = new SimulatedScheduler({
      context,
      site: site.name,
      spec: this.#spec,
      tracker: this.profile.tracker,
      fetchRecords: this.profile.fetchRecords,
      unreachableTimeoutMs: this.profile.unreachableTimeoutMs,
      disk: site.disk,
      broker: this.#broker,
      master: this.#cluster,
      onBroken: (error) => {
        this.#broken ??= error;
      },
    });
    site.schedulers.add(scheduler);
    this.#observe({ type: "scheduler-started", scheduler: name });
    life.onDeath(() => {
      site.schedulers.delete(scheduler);
      this.#observe({ type: "scheduler-ended", scheduler: name });
      // Another that took over goes on in its place.
      this.#time.schedule(50 + 3000 * this.#random.next(), () => {
        if (site.schedulers.size === 0) this.#startScheduler(site);
      });
    });
    scheduler.start();
  }

  #effect(life: Life, perform: () => void): void {
    if (!life.alive) return;
    const dies = this.faults.strike("scheduler-crash");
    if (!dies || this.#random.next() < 0.5) perform();
    if (dies) life.die();
  }

  // ----------------------------------------------------------------------------------------------------- the faults

  #strikes(): void {
    const pauseMs = -Math.log(1 - this.#random.next()) * this.profile.strikeEveryMs;
    this.#time.schedule(pauseMs, () => {
      const kind = this.faults.draw();
      if (kind === undefined) return;
      if (this.#strike(kind)) {
        this.faults.count(kind);
        this.#note(`fault: ${kind}`);
      }
      this.#strikes();
    });
  }

  /** @returns whether there was something to strike */
  #strike(kind: Strike): boolean {
    const random = this.#random;
    const pick = <T>(from: readonly T[]): T | undefined => from[randomInt(random, from.length)];
    const site = pick(this.#sites);
    const scheduler = pick([...(site?.schedulers ?? [])]);
    const agent = this.#cluster.pickAgent();
    const within = (ms: number): number => ms * random.next();
    switch (kind) {
      case "scheduler-stop":
        return scheduler?.stop(STOP_TIMEOUT_MS) ?? false;
      case "scheduler-pause":
        if (scheduler === undefined || scheduler.life.stopped) return false;
        scheduler.life.stop();
        this.#time.schedule(within(40_000), () => scheduler.life.goOn());
        return true;
      case "second-scheduler":
        if (site === undefined || site.schedulers.size !== 1) return false;
        this.#startScheduler(site);
        // Until somebody sees that there are two.
        this.#time.schedule(within(30_000), () => scheduler?.life.die());
        return true;
      case "state-lost":
        if (site === undefined) return false;
        site.disk.files.clear();
        this.#observe({ type: "state-lost", site: site.name });
        return true;
      case "kafka-cut":
        scheduler?.input.cut();
        scheduler?.output.cut();
        return scheduler !== undefined;
      case "member-forgotten":
        this.#broker.group.forget((count) => randomInt(random, count));
        return true;
      case "topic-refused":
        this.#broker.topicRefusedUntilMs = this.#time.nowMs + within(15_000);
        return true;
      case "scheduler-cut":
        return scheduler?.connection?.cut(random.next() < 0.5 ? "stream" : "calls") ?? false;
      case "master-silent":
        return scheduler?.connection?.silence() ?? false;
      case "master-failover":
        return this.#cluster.failOver(within(10_000));
      case "framework-removed": {
        const id = pick(this.#cluster.leader?.frameworkIds ?? []);
        if (id === undefined) return false;
        this.#observe({ type: "framework-removed", site: siteOfFramework(id) });
        this.#cluster.leader?.remove(id);
        return true;
      }
      case "agent-cut":
        agent?.part(within(20_000));
        return agent !== undefined;
      case "agent-unreachable":
        agent?.part(30_000 + within(120_000));
        return agent !== undefined;
      case "agent-restart":
        agent?.restart(within(10_000));
        return agent !== undefined;
      case "host-lost":
        agent?.lose();
        this.#time.schedule(within(20_000), () => this.#cluster.addAgent());
        return agent !== undefined;
      case "executor-crash":
        return agent?.crashExecutor(pick) ?? false;
      case "executor-cut":
        return agent?.cutExecutor(pick) ?? false;
      case "program-missing":
        this.#programs.missingUntilMs = this.#time.nowMs + within(10_000);
        return true;
      case "specification-changed":
        this.#spec = {
          ...this.#spec,
          version: `v${1 + randomInt(random, 1000)}`,
          cpus: random.next() < 0.5 ? 0.5 : 0.3,
        };
        for (const one of this.#sites) for (const each of one.schedulers) each.update(this.#spec);
        return true;
    }
  }

  #heal(): void {
    this.#note("healing");
    this.faults.heal();
    this.#broker.topicRefusedUntilMs = 0;
    this.#programs.missingUntilMs = 0;
    for (const agent of this.#cluster.agents) agent.heal();
    for (const site of this.#sites) for (const scheduler of site.schedulers) scheduler.life.goOn();
  }

  // ------------------------------------------------------------------------------------------------------- progress

  /** Whether all is written and every partition's lag is 0. */
  get #isSettled(): boolean {
    if (this.#written < this.profile.records) return false;
    return this.#broker.input.every(
      (log, partition) => (this.#broker.group.committed(partition)?.offset ?? 0) === log.end,
    );
  }

  /** No task, no executor, no offer held, and nobody who wants one. */
  get #isAtRest(): boolean {
    const { leader, agents } = this.#cluster;
    if (leader === undefined) return false;
    const quiet = leader.frameworkIds.every((id) => leader.offersOf(id) === 0 && !leader.isOffered(id));
    const left = [
      ...leader.tasks().map(({ frameworkId }) => frameworkId),
      ...agents.flatMap((agent) => [...agent.frameworks]),
    ];
    return quiet && left.every((id) => this.#isOrphan(id));
  }

  /** A framework that no scheduler knows any more: its id was lost, and no master could tell of it. */
  #isOrphan(id: FrameworkId): boolean {
    const site = siteOfFramework(id);
    const isConnected = this.#cluster.leader?.frameworks().some((one) => one.id === id && one.connected);
    return isConnected !== true && this.checks.ledger.stateLostSince(site, 0);
  }

  #describeProgress(): string {
    const partitions = this.#broker.input.map(
      (log, partition) => `${this.#broker.group.committed(partition)?.offset ?? "none"} of ${log.end}`,
    );
    return `committed ${partitions.join(", ")}; ${this.#written} of ${this.profile.records} records written; ${this.#describeRest()}; ${this.#sites.flatMap(({ schedulers }) => [...schedulers].map((one) => one.describe())).join("; ")}`;
  }

  #describeRest(): string {
    const { leader, agents } = this.#cluster;
    const frameworks = (leader?.frameworkIds ?? []).map(
      (id) => `${id} holds ${leader?.offersOf(id)} offers${leader?.isOffered(id) === true ? " and wants more" : ""}`,
    );
    const busy = agents.filter(({ frameworks }) => frameworks.size > 0).map((agent) => agent.describe());
    return [
      ...frameworks,
      `tasks ${leader
        ?.tasks()
        .map(({ taskId }) => taskId)
        .join(" ")}`,
      ...busy,
    ].join("; ");
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
    trace: () => world.trace(),
  };
}

function inputRecord(partition: number, offset: number, key: string | null, timestampMs: number): InputRecord {
  return {
    topic: "in",
    partition,
    offset,
    timestampMs,
    key: key === null ? null : utf8(key),
    value: utf8(`value of ${partition}/${offset}`),
    headers: [[RECORD_HEADER, utf8(recordKey(partition, offset))]],
  };
}

function describeFact(fact: Fact): string {
  return JSON.stringify(fact, (name, value: unknown) => {
    if (name === "view") return undefined;
    return value instanceof Map ? Object.fromEntries(value as Map<string, unknown>) : value;
  });
}

function describeNature(nature: Nature): string {
  return "times" in nature ? `${nature.type} ${nature.times} times` : nature.type;
}
