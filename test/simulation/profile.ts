import { type Random, randomInt } from "../../src/base/random.ts";
import type { ProcessorSpec } from "../../src/config/processor.ts";
import { defaultTrackerOptions, type TrackerOptions } from "../../src/engine/tracker-options.ts";
import { processorSpec } from "../support/specs.ts";
import { type Chance, chanceKinds, type FaultKind, type Strike, strikeKinds } from "./faults.ts";

/** What goes wrong. `scheduler`: only schedulers that die, and retention, so that I3 holds to the letter. */
export type Theme = "calm" | "scheduler" | "kafka" | "cluster" | "apart" | "everything";

const schedulerFaults: readonly (Chance | Strike)[] = [
  "scheduler-crash",
  "store-crash",
  "store-slow",
  "scheduler-stop",
  "records-expired",
];
/** Any of them may go wrong without breaking I3 to the letter. */
const harmless: readonly (Chance | Strike)[] = ["specification-changed", "changed-while-away"];
const kafkaFaults: readonly (Chance | Strike)[] = [
  "produce-answer-lost",
  "produce-unclear",
  "commit-request-lost",
  "commit-answer-lost",
  "commit-failed",
  "commit-cut",
  "scheduler-pause",
  "kafka-cut",
  "records-expired",
  "member-forgotten",
  "topic-refused",
];
/** Long runs on agents that are cut off, while those who know of them die. */
const partingFaults: readonly (Chance | Strike)[] = [
  "agent-unreachable",
  "agent-cut",
  "scheduler-crash",
  "scheduler-stop",
  "scheduler-pause",
  "master-failover",
  "member-forgotten",
  "records-expired",
  "kill-lost",
];
const everyFault: readonly (Chance | Strike)[] = [...chanceKinds, ...strikeKinds];

const themeFaults: Readonly<Record<Theme, readonly (Chance | Strike)[]>> = {
  calm: [],
  scheduler: [...schedulerFaults, ...harmless],
  kafka: kafkaFaults,
  cluster: everyFault.filter((kind) => !kafkaFaults.includes(kind) && !schedulerFaults.includes(kind)),
  apart: partingFaults,
  everything: everyFault,
};

/** What one record's program does; the number is how often, before it succeeds. */
export type Nature =
  | { readonly type: "succeeds" | "prints-nothing" | "exits-65" | "output-refused" }
  | { readonly type: "exits-1" | "exits-75" | "hangs" | "crashes-executor"; readonly times: number };

/** One history's world, all of it drawn from its seed. */
export interface Profile {
  readonly seed: number;
  readonly theme: Theme;
  readonly faults: ReadonlySet<FaultKind>;
  /** Of the faults that happen by chance. */
  readonly intensity: number;
  /** Mean time between two faults of those that happen by themselves. */
  readonly strikeEveryMs: number;
  readonly faultsUntilMs: number;
  /** Deployments that share the consumer group, each with a scheduler and a framework of its own. */
  readonly sites: number;
  readonly partitions: number;
  readonly records: number;
  readonly keys: number;
  readonly agents: number;
  readonly cpusPerAgent: number;
  /** What a person changes between; the first is what the world begins with. */
  readonly versions: readonly [ProcessorSpec, ...ProcessorSpec[]];
  readonly tracker: TrackerOptions;
  /** Largest fetch, in records. */
  readonly fetchRecords: number;
  readonly meanRunMs: number;
}

export function drawProfile(seed: number, random: Random): Profile {
  const pick = <T>(...from: readonly T[]): T => from[randomInt(random, from.length)] as T;
  const theme = pick<Theme>(
    "calm",
    "scheduler",
    "scheduler",
    "kafka",
    "kafka",
    "cluster",
    "cluster",
    "cluster",
    "apart",
    "apart",
    "everything",
    "everything",
    "everything",
  );
  const faults = new Set<FaultKind>(themeFaults[theme].filter(() => random.next() < 0.6));
  const attempts = 1 + randomInt(random, 3);
  const maxSpan = pick(4, 20, 1_000_000);
  return {
    seed,
    theme,
    faults,
    intensity: pick(0.5, 1, 3),
    strikeEveryMs: pick(2000, 5000, 15_000),
    faultsUntilMs: pick(20_000, 60_000, 150_000),
    sites: ["kafka", "apart", "everything"].includes(theme) ? 1 + randomInt(random, 2) : 1,
    partitions: 1 + randomInt(random, 4),
    records: 5 + randomInt(random, 40),
    keys: 1 + randomInt(random, 6),
    agents: 1 + randomInt(random, 4),
    cpusPerAgent: pick(1, 2, 4),
    versions: versionsOf({
      cpus: 0.5,
      ordering: pick("none", "key", "partition"),
      overlap: theme === "apart" ? "forbid" : pick("allow", "forbid"),
      unreachableTimeoutMs: pick(2000, 60_000),
      concurrency: 1 + randomInt(random, 8),
      emptyOutput: pick("send", "drop"),
      error: { topic: "errors", value: pick("stdout", "input") },
      retry: { attempts, initialBackoffMs: pick(100, 1000), maxBackoffMs: 5000, maxAgeMs: pick(10_000, 86_400_000) },
      timeoutMs: 60_000,
      maxInFlightBytes: pick(300, 64_000_000),
      executor: {
        container: null,
        cpus: 0.1,
        memMb: 64,
        idleTimeoutMs: pick(5000, 60_000),
        maxTasks: pick(5, 100_000),
        env: [],
      },
    }),
    tracker: { ...defaultTrackerOptions, maxSpan, minWindow: pick(1, 4, 1000) },
    fetchRecords: pick(1, 5, 100),
    meanRunMs: theme === "apart" ? pick(15_000, 30_000) : pick(50, 500, 4000, 15_000),
  };
}

/** They differ in what applies to a run for its whole life. */
function versionsOf(drawn: Partial<ProcessorSpec>): Profile["versions"] {
  const first = processorSpec(drawn);
  const other = (number: number): ProcessorSpec => ({
    ...first,
    version: `v${number}`,
    cpus: number % 2 === 0 ? 0.3 : 0.5,
    output: `out-${number}`,
    error: { topic: `errors-${number}`, value: number % 2 === 0 ? "stdout" : "input" },
    emptyOutput: number % 2 === 0 ? "send" : "drop",
  });
  return [first, other(2), other(3)];
}

export function drawNature(random: Random, theme: Theme): Nature {
  const times = 1 + randomInt(random, 4);
  const dice = random.next();
  if (dice < 0.7) return { type: "succeeds" };
  if (dice < 0.75) return { type: "prints-nothing" };
  if (dice < 0.78) return { type: "exits-65" };
  if (dice < 0.8) return { type: "output-refused" };
  if (dice < 0.9) return { type: "exits-1", times };
  if (dice < 0.94) return { type: "exits-75", times };
  if (dice < 0.96) return { type: "hangs", times };
  return theme === "scheduler" || theme === "calm"
    ? { type: "succeeds" }
    : { type: "crashes-executor", times: 2 * times };
}
