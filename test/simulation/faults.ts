import type { Random } from "../../src/base/random.ts";

/** Each time such a thing could happen, it does with this probability, in a history where the kind is enabled. */
export const chances = {
  /** kill -9 of a scheduler at one of its effects: just before it, or just after. */
  "scheduler-crash": 0.005,
  /** A write to the state store fails, and is tried again. */
  "store-failed": 0.1,
  /** A write to the state store takes seconds. */
  "store-slow": 0.2,
  /** kill -9 while a write to the state store is unconfirmed: it counts, or is lost. */
  "store-crash": 0.1,
  /** A person changes the specification while its scheduler is dead. */
  "changed-while-away": 0.3,
  "produce-answer-lost": 0.05,
  /** The output gives up without knowing whether Kafka has the records. */
  "produce-unclear": 0.03,
  "commit-request-lost": 0.05,
  "commit-answer-lost": 0.05,
  "commit-failed": 0.03,
  /** The connection breaks right after a commit was sent. */
  "commit-cut": 0.03,
  /** The connection breaks right after an ACCEPT. */
  "accept-cut": 0.02,
  /** An ACCEPT of a connection that broke arrives after what was sent on the next one. */
  "accept-late": 0.5,
  "offer-rescinded": 0.02,
  /** An executor's connection breaks right after an update. */
  "update-cut": 0.05,
  "launch-lost": 0.03,
  "launch-dropped": 0.03,
  "kill-lost": 0.3,
  "update-lost": 0.03,
  "update-repeated": 0.05,
  "acknowledgement-lost": 0.03,
} as const;

/** Such things happen by themselves, as often as the number says against the others that are enabled. */
export const weights = {
  "scheduler-stop": 3,
  "scheduler-pause": 2,
  "second-scheduler": 1,
  /** A site's folder is lost; a later life finds its framework in the master. */
  "state-lost": 0.5,
  "kafka-cut": 3,
  /** Retention takes the beginning of a partition, settled or not. */
  "records-expired": 1,
  "member-forgotten": 2,
  "topic-refused": 1,
  "scheduler-cut": 3,
  "master-failover": 1,
  "master-silent": 0.5,
  "framework-removed": 0.3,
  "agent-cut": 2,
  "agent-unreachable": 1.5,
  "agent-restart": 1,
  "host-lost": 0.7,
  "executor-crash": 2,
  "executor-cut": 2,
  "program-missing": 0.7,
  "specification-changed": 1,
} as const;

/** What happens because of the others, or because of what a record's program does; only counted. */
export const consequences = [
  "session-expired",
  "rebalance",
  "accept-unknown",
  "state-write-lost",
  "program-exit",
  "program-exit-65",
  "program-exit-75",
  "program-timeout",
  "program-crashes-executor",
  "record-refused",
] as const;

export type Chance = keyof typeof chances;
export type Strike = keyof typeof weights;
export type FaultKind = Chance | Strike | (typeof consequences)[number];

export const chanceKinds = Object.keys(chances) as Chance[];
export const strikeKinds = Object.keys(weights) as Strike[];
export const faultKinds: readonly FaultKind[] = [...chanceKinds, ...strikeKinds, ...consequences];

export type FaultCounts = Map<FaultKind, number>;

/** The dice of one history: which faults are enabled, and how often each has struck. */
export class Faults {
  readonly counts: FaultCounts = new Map();
  readonly #random: Random;
  readonly #enabled: ReadonlySet<FaultKind>;
  readonly #intensity: number;
  #on = true;

  /** @param options.intensity multiplies every chance */
  constructor(random: Random, options: { readonly faults: ReadonlySet<FaultKind>; readonly intensity: number }) {
    this.#random = random;
    this.#enabled = options.faults;
    this.#intensity = options.intensity;
  }

  /** Whether it happens now. */
  strike(kind: Chance): boolean {
    if (!this.#on || !this.#enabled.has(kind) || this.#random.next() >= chances[kind] * this.#intensity) return false;
    this.count(kind);
    return true;
  }

  /** Which of the things that happen by themselves is next; undefined where none is enabled. */
  draw(): Strike | undefined {
    if (!this.#on) return undefined;
    const kinds = strikeKinds.filter((kind) => this.#enabled.has(kind));
    let left = this.#random.next() * kinds.reduce((sum, kind) => sum + weights[kind], 0);
    return kinds.find((kind) => (left -= weights[kind]) < 0);
  }

  count(kind: FaultKind): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }

  get on(): boolean {
    return this.#on;
  }

  /** From now on nothing goes wrong any more. */
  heal(): void {
    this.#on = false;
  }
}
