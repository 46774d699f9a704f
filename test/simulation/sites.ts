import { type Random, randomInt } from "../../src/base/random.ts";
import type { ProcessorSpec } from "../../src/config/processor.ts";
import { settlingSpec } from "../../src/engine/live-versions.ts";
import type { BrokenPromise } from "./checks.ts";
import type { Cluster } from "./cluster.ts";
import type { Fact } from "./facts.ts";
import type { Faults } from "./faults.ts";
import type { Broker } from "./kafka/broker.ts";
import { Life } from "./life.ts";
import type { Machines } from "./machines.ts";
import type { ProcessContext } from "./process-context.ts";
import type { Profile } from "./profile.ts";
import { SimulatedScheduler } from "./scheduler.ts";
import type { Disk } from "./store.ts";
import type { VirtualTime } from "./time.ts";

/** A deployment: a state store and a framework of its own, and the schedulers that use them. */
export interface Site {
  readonly name: string;
  readonly disk: Disk;
  readonly schedulers: Set<SimulatedScheduler>;
  lives: number;
}

export interface SitesOptions {
  readonly profile: Profile;
  readonly time: VirtualTime;
  readonly random: Random;
  readonly faults: Faults;
  readonly machines: Machines;
  readonly broker: Broker;
  readonly cluster: Cluster;
  readonly observe: (fact: Fact) => void;
  readonly onBroken: (error: BrokenPromise) => void;
}

/** Where schedulers live: whoever dies is started again, with the specification of that moment. */
export class Sites {
  readonly all: readonly Site[];
  readonly #options: SitesOptions;
  #spec: ProcessorSpec;

  constructor(options: SitesOptions) {
    this.#options = options;
    this.#spec = options.profile.versions[0];
    this.all = Array.from({ length: options.profile.sites }, (_, index) => ({
      name: String.fromCodePoint("A".codePointAt(0)! + index),
      disk: { files: new Map(), owner: "" },
      schedulers: new Set(),
      lives: 0,
    }));
  }

  get schedulers(): readonly SimulatedScheduler[] {
    return this.all.flatMap(({ schedulers }) => [...schedulers]);
  }

  /** Another specification, for all of them. */
  change(): void {
    const { profile, random } = this.#options;
    this.#use(profile.versions[randomInt(random, profile.versions.length)] ?? this.#spec);
  }

  allowOverlap(): void {
    this.#use({ ...this.#spec, overlap: "allow", version: `${this.#spec.version}-allow` });
  }

  #use(spec: ProcessorSpec): void {
    const { observe } = this.#options;
    this.#spec = spec;
    observe({ type: "specification", spec: settlingSpec(spec), overlap: spec.overlap });
    for (const scheduler of this.schedulers) scheduler.update(this.#spec);
  }

  start(site: Site): void {
    const { profile, time, random, faults, machines, broker, cluster, observe, onBroken } = this.#options;
    const name = `${site.name}.${++site.lives}`;
    const life = new Life(name, time);
    const context: ProcessContext = {
      name,
      life,
      time,
      random,
      faults,
      machines,
      observe,
      effect: (perform) => this.#effect(life, perform),
    };
    const scheduler: SimulatedScheduler = new SimulatedScheduler({
      context,
      site: site.name,
      spec: this.#spec,
      tracker: profile.tracker,
      fetchRecords: profile.fetchRecords,
      disk: site.disk,
      broker,
      master: cluster,
      onBroken,
    });
    site.schedulers.add(scheduler);
    observe({ type: "scheduler-started", scheduler: name });
    life.onDeath(() => {
      site.schedulers.delete(scheduler);
      observe({ type: "scheduler-ended", scheduler: name });
      // Another that took over goes on in its place.
      time.schedule(50 + 3000 * random.next(), () => {
        if (site.schedulers.size > 0) return;
        if (faults.strike("changed-while-away")) this.change();
        this.start(site);
      });
    });
    scheduler.start();
  }

  #effect(life: Life, perform: () => void): void {
    const { faults, random } = this.#options;
    if (!life.alive) return;
    const dies = faults.strike("scheduler-crash");
    if (!dies || random.next() < 0.5) perform();
    if (dies) life.die();
  }
}
