import { invariant } from "../../../base/errors.ts";
import type { SchedulerCall, SchedulerEvent } from "../../../mesos/scheduler-api.ts";
import {
  type Address,
  type AgentId,
  type AgentInfo,
  type ExecutorId,
  type ExecutorInfo,
  type FrameworkCapability,
  type FrameworkId,
  type FrameworkInfo,
  isTerminal,
  type Labels,
  type MasterInfo,
  type OfferId,
  type TaskId,
  type TaskState,
  type TaskStatus,
} from "../../../mesos/types.ts";
import type { AgentOrder } from "../agent-messages.ts";
import type { Resources } from "../resources.ts";
import { Timers } from "../timers.ts";
import type { Allocator } from "./allocator.ts";
import { CompletedFrameworks } from "./completed-frameworks.ts";

/** A subscription's `Mesos-Stream-Id`. */
export type StreamId = string;

/** What the shell has to do, in order. */
export type MasterCommand =
  | { readonly type: "send"; readonly streamId: StreamId; readonly event: SchedulerEvent }
  /** Ends a stream in order. */
  | { readonly type: "end"; readonly streamId: StreamId }
  | { readonly type: "order"; readonly agentId: AgentId; readonly order: AgentOrder }
  /** For the log: something unusual that no client is told. */
  | { readonly type: "note"; readonly message: string; readonly fields: Readonly<Record<string, unknown>> };

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
  /** The newest state that is known; resources were given back once it is terminal. */
  state: TaskState;
  /** The last update that was passed on, or would have been had the framework been there. */
  forwarded: TaskStatus | undefined;
}

export interface Framework {
  readonly id: FrameworkId;
  info: FrameworkInfo;
  roles: readonly string[];
  capabilities: ReadonlySet<FrameworkCapability>;
  /** null: no stream is open. */
  streamId: StreamId | null;
  /** How often it has subscribed: tells whether a disconnection is over. */
  subscriptions: number;
  readonly tasks: Map<TaskId, MasterTask>;
  readonly offers: Set<OfferId>;
  readonly registeredMs: number;
}

export interface OutstandingOffer {
  readonly id: OfferId;
  readonly frameworkId: FrameworkId;
  readonly agentId: AgentId;
  readonly role: string;
  readonly resources: Resources;
}

export interface KnownExecutor {
  readonly info: ExecutorInfo;
  readonly role: string;
  readonly resources: Resources;
}

export interface KnownAgent {
  readonly id: AgentId;
  readonly info: AgentInfo;
  readonly endpoint: Address;
  readonly processName: string;
  readonly total: Resources;
  readonly tasks: Set<MasterTask>;
  readonly executors: Map<FrameworkId, Map<ExecutorId, KnownExecutor>>;
  readonly offers: Set<OfferId>;
}

/** Deadlines of the master. Stream id and number of subscriptions tell whether one still matters. */
export type MasterTimer =
  | { readonly type: "allocate" }
  | { readonly type: "heartbeat"; readonly frameworkId: FrameworkId; readonly streamId: StreamId }
  | { readonly type: "failover"; readonly frameworkId: FrameworkId; readonly subscriptions: number };

export interface MasterSettings {
  readonly masterInfo: MasterInfo;
  readonly allocationIntervalMs: number;
  readonly heartbeatIntervalMs: number;
}

/** A call with its subscription already checked. */
export type SubscribedCall = Exclude<SchedulerCall, { type: "SUBSCRIBE" }>;
export type CallOf<Type extends SubscribedCall["type"]> = Extract<SubscribedCall, { type: Type }>;

/** All that a master remembers, and the few steps that several of its parts share. */
export class MasterState {
  readonly settings: MasterSettings;
  readonly allocator: Allocator;
  readonly frameworks = new Map<FrameworkId, Framework>();
  /** Which framework has which open stream. */
  readonly streams = new Map<StreamId, Framework>();
  readonly completed = new CompletedFrameworks();
  readonly agents = new Map<AgentId, KnownAgent>();
  /** Agents that are known to exist but have not registered yet since this master started. */
  readonly recovering: Set<AgentId>;
  readonly offers = new Map<OfferId, OutstandingOffer>();
  readonly timers = new Timers<MasterTimer>();
  /** An allocation run is wanted as soon as the present turn is over. */
  allocationWanted = false;
  #nextOffer = 0;
  #nextFramework = 0;
  #commands: MasterCommand[] = [];

  constructor(settings: MasterSettings, allocator: Allocator, recovering: readonly AgentId[]) {
    this.settings = settings;
    this.allocator = allocator;
    this.recovering = new Set(recovering);
  }

  takeCommands(): MasterCommand[] {
    const commands = this.#commands;
    this.#commands = [];
    return commands;
  }

  /** To the framework's scheduler if it is connected; otherwise the event is lost, as with a real master. */
  tell(framework: Framework, event: SchedulerEvent): void {
    if (framework.streamId !== null) this.tellStream(framework.streamId, event);
  }

  tellStream(streamId: StreamId, event: SchedulerEvent): void {
    this.#commands.push({ type: "send", streamId, event });
  }

  endStream(streamId: StreamId): void {
    this.streams.delete(streamId);
    this.#commands.push({ type: "end", streamId });
  }

  order(agentId: AgentId, order: AgentOrder): void {
    this.#commands.push({ type: "order", agentId, order });
  }

  note(message: string, fields: Readonly<Record<string, unknown>>): void {
    this.#commands.push({ type: "note", message, fields });
  }

  framework(id: FrameworkId): Framework {
    const framework = this.frameworks.get(id);
    invariant(framework !== undefined, `Master does not know framework ${id}`);
    return framework;
  }

  newFrameworkId(): FrameworkId {
    return `${this.settings.masterInfo.id}-${String(this.#nextFramework++).padStart(4, "0")}` as FrameworkId;
  }

  newOfferId(): OfferId {
    return `${this.settings.masterInfo.id}-O${this.#nextOffer++}` as OfferId;
  }

  addOffer(offer: OutstandingOffer): void {
    this.offers.set(offer.id, offer);
    this.frameworks.get(offer.frameworkId)?.offers.add(offer.id);
    this.agents.get(offer.agentId)?.offers.add(offer.id);
  }

  /** Takes an offer off the table; what becomes of its resources is the caller's business. */
  takeOffer(id: OfferId): OutstandingOffer | undefined {
    const offer = this.offers.get(id);
    if (offer === undefined) return undefined;
    this.offers.delete(id);
    this.frameworks.get(offer.frameworkId)?.offers.delete(id);
    this.agents.get(offer.agentId)?.offers.delete(id);
    return offer;
  }

  addTask(framework: Framework, task: MasterTask): void {
    framework.tasks.set(task.taskId, task);
    this.agents.get(task.agentId)?.tasks.add(task);
  }

  /** Forgets a task; its resources go back if they had not yet. */
  removeTask(framework: Framework, task: MasterTask): void {
    if (!isTerminal(task.state)) this.allocator.release(task);
    framework.tasks.delete(task.taskId);
    this.agents.get(task.agentId)?.tasks.delete(task);
  }

  executor(agentId: AgentId, frameworkId: FrameworkId, executorId: ExecutorId): KnownExecutor | undefined {
    return this.agents.get(agentId)?.executors.get(frameworkId)?.get(executorId);
  }

  addExecutor(agent: KnownAgent, frameworkId: FrameworkId, executor: KnownExecutor): void {
    let executors = agent.executors.get(frameworkId);
    if (executors === undefined) agent.executors.set(frameworkId, (executors = new Map()));
    executors.set(executor.info.executorId, executor);
  }

  /** Forgets an executor and gives its resources back; false where it was not known. */
  removeExecutor(agent: KnownAgent, frameworkId: FrameworkId, executorId: ExecutorId): boolean {
    const executors = agent.executors.get(frameworkId);
    const executor = executors?.get(executorId);
    if (executors === undefined || executor === undefined) return false;
    executors.delete(executorId);
    if (executors.size === 0) agent.executors.delete(frameworkId);
    const { role, resources } = executor;
    this.allocator.release({ frameworkId, role, agentId: agent.id, resources });
    return true;
  }
}

export function isPartitionAware(framework: Framework): boolean {
  return framework.capabilities.has("PARTITION_AWARE");
}
