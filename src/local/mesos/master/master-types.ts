import type {
  Address,
  AgentId,
  AgentInfo,
  ExecutorId,
  ExecutorInfo,
  FrameworkCapability,
  FrameworkId,
  FrameworkInfo,
  Labels,
  OfferConstraints,
  OfferId,
  TaskId,
  TaskState,
  TaskStatus,
} from "../../../mesos/types.ts";
import type { BoundedMap } from "../bounded-map.ts";
import type { Resources } from "../resources.ts";
import { withStatus } from "../task-statuses.ts";
import type { TaskShown } from "../views/task-views.ts";

/** A subscription's `Mesos-Stream-Id`. */
export type StreamId = string;

export interface MasterTask {
  readonly taskId: TaskId;
  readonly name: string;
  readonly frameworkId: FrameworkId;
  readonly agentId: AgentId;
  /** undefined: a command task, whose executor is its agent's business. */
  readonly executorId: ExecutorId | undefined;
  readonly role: string;
  readonly resources: Resources;
  readonly labels: Labels | undefined;
  /** What else its master shows of it. */
  readonly shown: TaskShown;
  /** The newest state that is known; resources were given back once it is terminal. */
  state: TaskState;
  /** The last update that was passed on, or would have been had the framework been there. */
  forwarded: TaskStatus | undefined;
  /** The last update of each state, without data, in the order of the states' first ones. */
  statuses: readonly TaskStatus[];
}

export interface Framework {
  readonly id: FrameworkId;
  info: FrameworkInfo;
  roles: readonly string[];
  suppressedRoles: ReadonlySet<string>;
  offerConstraints: OfferConstraints | undefined;
  capabilities: ReadonlySet<FrameworkCapability>;
  /** null: no stream is open. */
  streamId: StreamId | null;
  /** How often it has subscribed: tells whether a disconnection is over. */
  subscriptions: number;
  readonly tasks: Map<TaskId, MasterTask>;
  /** Of agents that do not answer. */
  readonly unreachableTasks: BoundedMap<TaskId, MasterTask>;
  readonly completedTasks: BoundedMap<number, MasterTask>;
  completedCount: number;
  readonly offers: Set<OfferId>;
  /** Times are milliseconds since 1970. */
  readonly registeredMs: number;
  reregisteredMs: number;
  unregisteredMs: number | undefined;
}

export interface OutstandingOffer {
  readonly id: OfferId;
  readonly frameworkId: FrameworkId;
  readonly agentId: AgentId;
  readonly role: string;
  readonly resources: Resources;
}

export interface OutstandingInverseOffer {
  readonly id: OfferId;
  readonly frameworkId: FrameworkId;
  readonly agentId: AgentId;
}

export interface KnownExecutor {
  readonly info: ExecutorInfo;
  readonly role: string;
  readonly resources: Resources;
}

/** What an operator wants of an agent: that its tasks end, and then nothing more is offered there. */
export interface Drain {
  readonly maxGracePeriodMs: number | undefined;
  readonly markGone: boolean;
  /** Milliseconds since 1970. */
  readonly startedMs: number;
  readonly state: "DRAINING" | "DRAINED";
}

export interface KnownAgent {
  readonly id: AgentId;
  info: AgentInfo;
  endpoint: Address;
  processName: string;
  readonly total: Resources;
  readonly tasks: Set<MasterTask>;
  readonly executors: Map<FrameworkId, Map<ExecutorId, KnownExecutor>>;
  readonly offers: Set<OfferId>;
  readonly registeredMs: number;
  reregisteredMs: number | undefined;
  /** Its connection stands. */
  connected: boolean;
  /** How often its connection broke: tells whether a disconnection is over. */
  disconnections: number;
  /** By an operator: nothing is offered there. */
  deactivated: boolean;
  drain: Drain | undefined;
  /** Pings in a row that it has not answered, and whether the last one is still open. */
  missedPings: number;
  pinged: boolean;
  /** Tasks that are to be killed when it is back. */
  readonly pendingKills: Map<TaskId, FrameworkId>;
}

/** Deadlines of the master. What they are about tells whether one still matters. */
export type MasterTimer =
  | { readonly type: "allocate" }
  | { readonly type: "heartbeat"; readonly frameworkId: FrameworkId; readonly streamId: StreamId }
  | { readonly type: "failover"; readonly frameworkId: FrameworkId; readonly subscriptions: number }
  | { readonly type: "offer"; readonly offerId: OfferId }
  | { readonly type: "inverse-offer"; readonly offerId: OfferId }
  | { readonly type: "ping"; readonly agent: KnownAgent }
  | { readonly type: "reregister"; readonly agent: KnownAgent; readonly disconnections: number }
  /** Agents that an earlier master knew have had their time to come back. */
  | { readonly type: "recovered" };

export function isPartitionAware(framework: Framework): boolean {
  return framework.capabilities.has("PARTITION_AWARE");
}

/** Keeps an update as the newest of its state. */
export function noteStatus(task: MasterTask, status: TaskStatus): void {
  task.statuses = withStatus(task.statuses, status);
}

/** A task is over, and only shown any more. */
export function completeTask(framework: Framework, task: MasterTask): void {
  framework.completedTasks.set(framework.completedCount++, task);
}
