import type { BackoffOptions } from "../base/backoff.ts";
import type { LogLevel } from "../base/log.ts";
import type { ProcessorSpec } from "../config/processor.ts";
import type { LostReason } from "../engine/ports.ts";
import type { SchedulerCall, SchedulerEvent } from "../mesos/scheduler-api.ts";
import type { AgentId, ExecutorInfo, FrameworkId, TaskId, TaskInfo, TaskStatus } from "../mesos/types.ts";
import type { Quantities } from "../placement/quantities.ts";
import { type Constraint, makeShape, type Shape } from "../placement/shape.ts";

/*
 * What goes into the keeper and comes out of it. It knows tasks, not records: whoever wants tasks (a runner, a scaler)
 * is its client.
 */

/** What is done about tasks that are out of reach. May change at any time. */
export type LossPolicy = Pick<ProcessorSpec, "overlap" | "unreachableTimeoutMs">;

/** An executor that many tasks share. One is started on each agent where it is needed. */
export interface ExecutorTemplate {
  /** Differs for any two templates that differ: it becomes part of the executor's id. No `-` in it. */
  readonly hash: string;
  readonly resources: Quantities;
  readonly info: Omit<ExecutorInfo, "executorId" | "frameworkId" | "resources">;
  /** After so many tasks an executor gets no more, and another one takes its place. */
  readonly maxTasks: number;
  /** Tasks that it takes at once; Infinity: as many as there is room for. */
  readonly slots: number;
}

/** What equal requests have in common. Made once and shared, by {@link makeTemplate}. */
export interface TaskTemplate {
  readonly shape: Shape;
  readonly executor: ExecutorTemplate | null;
}

export function makeTemplate(parts: {
  readonly resources: Quantities;
  readonly constraints: readonly Constraint[];
  readonly executor: ExecutorTemplate | null;
}): TaskTemplate {
  const { resources, constraints, executor } = parts;
  const need = executor === null ? null : { key: executor.hash, resources: executor.resources, slots: executor.slots };
  return { shape: makeShape({ resources, constraints, executor: need }), executor };
}

/** The rest of a TaskInfo. */
export type TaskContent = Omit<TaskInfo, "taskId" | "agentId" | "resources" | "executor">;

export interface TaskRequest {
  /** The client's name for it; never used twice. */
  readonly key: string;
  /** The front of its task ids, see task-id.ts. */
  readonly work: string;
  readonly template: TaskTemplate;
  /** Whether it gets an executor that no other task shares. */
  readonly alone: boolean;
  /** Called for each launch, so that what waits takes no memory for it. */
  readonly content: () => TaskContent;
}

/** What the connection to the master reports. */
export type MasterEvent =
  | { readonly type: "subscribed"; readonly frameworkId: FrameworkId }
  | { readonly type: "event"; readonly event: SchedulerEvent }
  | { readonly type: "disconnected"; readonly error: Error }
  /** The call was or was not carried out: its connection broke before the answer. */
  | { readonly type: "call-unknown"; readonly call: SchedulerCall }
  | { readonly type: "call-rejected"; readonly call: SchedulerCall; readonly error: Error }
  /** The connection is over for good. */
  | {
      readonly type: "ended";
      readonly reason: "failed-over" | "removed" | "torn-down" | "refused";
      readonly message: string;
    };

export type KeeperEvent =
  | MasterEvent
  | { readonly type: "framework-id-stored"; readonly frameworkId: FrameworkId }
  | { readonly type: "want"; readonly request: TaskRequest }
  /** The task is to end; `ended` follows, or `stopped` where it never started. */
  | { readonly type: "kill"; readonly key: string }
  /** The client needs nothing more of it: its updates are acknowledged, and it is killed where it still runs. */
  | { readonly type: "release"; readonly key: string }
  | { readonly type: "policy"; readonly policy: LossPolicy }
  /** Answers `find-unreachable`. */
  | { readonly type: "unreachable-found"; readonly tasks: readonly UnreachableTask[] }
  | { readonly type: "tick" };

export type KeeperCommand =
  | { readonly type: "call"; readonly call: SchedulerCall }
  /** Nothing is launched before `framework-id-stored` confirms it. undefined: the id is dead, forget it. */
  | { readonly type: "store-framework-id"; readonly frameworkId: FrameworkId | undefined }
  /** Which tasks of this framework the master believes to be on unreachable agents? Nothing is launched meanwhile. */
  | { readonly type: "find-unreachable" }
  /** A `tick` is due at `atMs`. Takes the place of what was said before. */
  | { readonly type: "wake"; readonly atMs: number }
  | ClientEvent
  | { readonly type: "report"; readonly level: LogLevel; readonly message: string; readonly fields: ReportFields };

export type ReportFields = Readonly<Record<string, string | number | undefined>>;

export type ClientEvent =
  /** What ran before is known, as far as the master can tell. Once. */
  | { readonly type: "ready" }
  /** A task of an earlier life; from now on it is known by `key`. */
  | { readonly type: "adopted"; readonly key: string; readonly work: string }
  | { readonly type: "started"; readonly key: string; readonly host: string }
  /** The executor's own last word, or its agent's that none can be started. Kept unacknowledged until `release`. */
  | { readonly type: "ended"; readonly key: string; readonly status: TaskStatus }
  /** It was killed before any executor had it. */
  | { readonly type: "stopped"; readonly key: string }
  /** `dead`: it certainly does not run any more. Where that was not certain it is said again once it is. */
  | {
      readonly type: "lost";
      readonly key: string;
      readonly reason: LostReason;
      readonly message: string;
      readonly dead: boolean;
    }
  /** Mesos refuses such tasks again and again; null: no longer. */
  | { readonly type: "trouble"; readonly message: string | null };

/** A task on an agent that the master does not reach. */
export interface UnreachableTask {
  readonly taskId: TaskId;
  readonly agentId: AgentId;
}

/** All in milliseconds. */
export interface KeeperTimings {
  /** How long, after a subscription, launches wait for agents that are still to return to the master. */
  readonly adoptTimeoutMs: number;
  /** How often the barrier's question is asked again. */
  readonly barrierRepeatMs: number;
  /** A task that is not heard of for so long after its launch is reconciled. */
  readonly silentMs: number;
  /** Between two questions about a task that the master does not answer. */
  readonly reconcileRepeat: BackoffOptions;
  /** Between two questions about a task that was given up, though it may still run. */
  readonly watchRepeat: BackoffOptions;
  readonly periodicReconcileMs: number;
  readonly killRepeat: BackoffOptions;
  /** Of a task whose launch came to nothing. */
  readonly launchRetry: BackoffOptions;
  /** Of all tasks of a shape that Mesos refuses. */
  readonly refusedRetry: BackoffOptions;
  /** Of an agent on which executors or launches fail. */
  readonly agentPause: BackoffOptions;
  /** How long offers are kept that nothing waits for: whoever else could use them sees them only after our answer. */
  readonly holdMs: number;
  /** How long offers are still welcome when nothing waits any more. */
  readonly idleDelayMs: number;
  /** Least time between two REVIVEs, whatever happens. */
  readonly reviveFloorMs: number;
  /** Least time between two REVIVEs when little was freed since; one more for each agent: the master visits them all. */
  readonly reviveIntervalMs: number;
  /** Between REVIVEs when nothing happens at all; one may have been lost. */
  readonly reviveRepeat: BackoffOptions;
}

export const defaultTimings: KeeperTimings = {
  adoptTimeoutMs: 60_000,
  barrierRepeatMs: 3000,
  silentMs: 30_000,
  reconcileRepeat: { initialMs: 2000, maxMs: 60_000 },
  watchRepeat: { initialMs: 5000, maxMs: 60_000 },
  periodicReconcileMs: 15 * 60_000,
  killRepeat: { initialMs: 5000, maxMs: 60_000 },
  launchRetry: { initialMs: 50, maxMs: 30_000 },
  refusedRetry: { initialMs: 1000, maxMs: 60_000 },
  agentPause: { initialMs: 500, maxMs: 60_000 },
  holdMs: 5,
  idleDelayMs: 100,
  reviveFloorMs: 2,
  reviveIntervalMs: 20,
  reviveRepeat: { initialMs: 1200, maxMs: 60_000 },
};

export interface KeeperOptions {
  /** Front of the executor ids: the processor's name. */
  readonly name: string;
  /** The stored one; undefined where none was ever stored. */
  readonly frameworkId: FrameworkId | undefined;
  /** Raised, and stored, before each new life of the scheduler. */
  readonly epoch: number;
  /**
   * Where overlap is forbidden the client needs to know of every task of an earlier life that may still run, so that the
   * wait for agents has no end, and the master is asked for tasks on those that it does not reach.
   */
  readonly policy: LossPolicy;
  readonly timings?: Partial<KeeperTimings>;
}
