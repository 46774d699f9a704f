import { type Random, randomInt } from "../../src/base/random.ts";

/**
 * Who is struck. `executor` and `agent` are one of them, `host` is an agent with all that runs there, `everything` every
 * process of Brigade at once.
 */
export type Victim =
  | "scheduler"
  | "executor"
  | "executors"
  | "agent"
  | "agents"
  | "host"
  | "mesos"
  | "kafka"
  | "local"
  | "everything";

export type Fault =
  /** kill -9; it is started again after `downMs`, unless something of Brigade's does so by itself. */
  | { readonly type: "kill"; readonly victim: Victim; readonly downMs: number }
  /** SIGSTOP, and SIGCONT after `forMs`. */
  | { readonly type: "pause"; readonly victim: Victim; readonly forMs: number }
  /** The scheduler is killed while an engine is stopped: what it has just sent is in nobody's hands. */
  | {
      readonly type: "kill-in-doubt";
      readonly paused: "kafka" | "mesos";
      readonly forMs: number;
      readonly downMs: number;
    };

export interface PlannedFault {
  /** Whether records must flow again before the pause begins; without it the fault strikes in the middle of recovery. */
  readonly afterRecovery: boolean;
  readonly pauseMs: number;
  readonly fault: Fault;
}

/** Which processes are at risk. In all but `whole` the scheduler is a process of its own; in `agents` they are as well. */
export const targets = ["scheduler", "executors", "agents", "engines", "all", "whole"] as const;
export type Target = (typeof targets)[number];

/** Longer than a consumer's session of 10 s: the group goes on without the scheduler. */
const OVER_SESSION_MS = 12_000;
/** Longer than the five heartbeats of 15 s that a scheduler waits for before it gives its master up. */
const OVER_HEARTBEATS_MS = 80_000;

type Kind = readonly [weight: number, make: (random: Random) => Fault];

const between = (random: Random, leastMs: number, mostMs: number): number =>
  leastMs + randomInt(random, mostMs - leastMs);
const kill =
  (victim: Victim) =>
  (random: Random): Fault => ({ type: "kill", victim, downMs: between(random, 0, 2500) });
const pause =
  (victim: Victim, mostMs = 4000) =>
  (random: Random): Fault => ({ type: "pause", victim, forMs: between(random, 300, mostMs) });
const inDoubt =
  (paused: "kafka" | "mesos") =>
  (random: Random): Fault => ({
    type: "kill-in-doubt",
    paused,
    forMs: between(random, 200, 600),
    downMs: between(random, 0, 1500),
  });

const scheduler: readonly Kind[] = [
  [4, kill("scheduler")],
  [3, inDoubt("kafka")],
  [2, inDoubt("mesos")],
  [2, pause("scheduler")],
  [1, () => ({ type: "pause", victim: "scheduler", forMs: OVER_SESSION_MS })],
];
const executors: readonly Kind[] = [
  [4, kill("executor")],
  [2, kill("executors")],
  [3, pause("executor")],
  [1, pause("executors")],
];
const agents: readonly Kind[] = [
  [4, kill("agent")],
  [1, kill("agents")],
  [3, kill("host")],
  [2, pause("agent", 1500)],
  [2, () => ({ type: "pause", victim: "agent", forMs: OVER_SESSION_MS })],
];
const engines: readonly Kind[] = [
  [4, kill("kafka")],
  [4, kill("mesos")],
  [2, pause("kafka")],
  [2, pause("mesos")],
  [0.25, () => ({ type: "pause", victim: "mesos", forMs: OVER_HEARTBEATS_MS })],
  [1, kill("local")],
];
const kinds: Readonly<Record<Target, readonly Kind[]>> = {
  scheduler,
  executors,
  agents,
  engines,
  all: [...scheduler, ...executors, ...engines, [3, kill("everything")]],
  whole: [
    [2, kill("local")],
    [2, kill("everything")],
    [1, kill("kafka")],
    [1, kill("mesos")],
    [1, kill("executor")],
    [1, pause("local")],
  ],
};

/** Without an end, and the same for the same dice. */
export function* schedule(target: Target, random: Random): Generator<PlannedFault, never> {
  const weights = kinds[target].reduce((sum, [weight]) => sum + weight, 0);
  for (;;) {
    const afterRecovery = random.next() < 0.7;
    const pauseMs = between(random, 100, afterRecovery ? 2500 : 1500);
    let left = random.next() * weights;
    const [, make] = kinds[target].find(([weight]) => (left -= weight) < 0) ?? kinds[target][0]!;
    yield { afterRecovery, pauseMs, fault: make(random) };
  }
}

/**
 * Kills of the scheduler while Kafka is stopped: what it has sent is carried out after its death, and what it would have
 * sent next is not. Nothing finds a wrong order of the two faster.
 */
export const doubtful: readonly PlannedFault[] = Array.from({ length: 2 }, () => ({
  afterRecovery: true,
  pauseMs: 1500,
  fault: { type: "kill-in-doubt", paused: "kafka", forMs: 1000, downMs: 0 },
}));

export function describeFault(fault: Fault): string {
  switch (fault.type) {
    case "kill":
      return `kill -9 ${fault.victim}, down for ${fault.downMs} ms`;
    case "pause":
      return `stop ${fault.victim} for ${fault.forMs} ms`;
    case "kill-in-doubt":
      return `stop ${fault.paused}, kill -9 scheduler after ${fault.forMs} ms, go on; down for ${fault.downMs} ms`;
  }
}

/** How it is counted in the report. */
export function kindOfFault(fault: Fault): string {
  switch (fault.type) {
    case "kill":
      return `kill -9 ${fault.victim}`;
    case "pause":
      return fault.forMs >= OVER_SESSION_MS ? `stop ${fault.victim} until it is given up` : `stop ${fault.victim}`;
    case "kill-in-doubt":
      return `kill -9 scheduler while ${fault.paused} is stopped`;
  }
}
