import { invariant } from "../../../base/errors.ts";
import type { SchedulerCall, SchedulerEvent } from "../../../mesos/scheduler-api.ts";
import {
  type AgentId,
  type ExecutorId,
  type FrameworkId,
  isTerminal,
  type MasterInfo,
  type OfferId,
  type OperationId,
} from "../../../mesos/types.ts";
import type { AgentOrder } from "../agent-messages.ts";
import { BoundedMap } from "../bounded-map.ts";
import type { Credentials } from "../http/authentication.ts";
import { Timers } from "../timers.ts";
import type { Allocator } from "./allocator.ts";
import type { Maintenance } from "./maintenance.ts";
import type {
  Framework,
  KnownAgent,
  KnownExecutor,
  MasterTask,
  MasterTimer,
  OutstandingInverseOffer,
  OutstandingOffer,
  StreamId,
} from "./master-types.ts";

/** What the shell has to do, in order. */
export type MasterCommand =
  | { readonly type: "send"; readonly streamId: StreamId; readonly event: SchedulerEvent }
  /** Ends a stream in order. */
  | { readonly type: "end"; readonly streamId: StreamId }
  | { readonly type: "order"; readonly agentId: AgentId; readonly order: AgentOrder }
  /** For the log: something unusual that no client is told. */
  | { readonly type: "note"; readonly message: string; readonly fields: Readonly<Record<string, unknown>> };

export interface MasterSettings {
  readonly masterInfo: MasterInfo;
  readonly allocationIntervalMs: number;
  readonly heartbeatIntervalMs: number;
  /** After it an offer is rescinded; undefined: never. */
  readonly offerTimeoutMs: number | undefined;
  readonly agentPingTimeoutMs: number;
  /** So many pings unanswered, and an agent is unreachable. */
  readonly maxAgentPingTimeouts: number;
  /** How long an agent whose connection broke, or that an earlier master knew, may take to come back. */
  readonly agentReregisterTimeoutMs: number;
  /** Who may subscribe frameworks, and with which secret; undefined: everybody. */
  readonly credentials: Credentials | undefined;
  /** Whether operators need credentials as well. */
  readonly authenticateReadonly: boolean;
  /** When this master began, milliseconds since 1970. */
  readonly startedMs: number;
}

/** A call with its subscription already checked. */
export type SubscribedCall = Exclude<SchedulerCall, { type: "SUBSCRIBE" }>;
export type CallOf<Type extends SubscribedCall["type"]> = CallOfOne<SubscribedCall, Type>;
type CallOfOne<Call, Type> = Call extends { readonly type: infer Own }
  ? Type & Own extends never
    ? never
    : Call
  : never;

/** As on a real master only so many are remembered: removed frameworks, and tasks of each framework. */
const KEPT_FRAMEWORKS = 50;
/** Unreachable and gone agents, of which a real master's registry keeps far more than anybody has here. */
const KEPT_AGENTS = 10_000;

/** All that a master remembers, and the few steps that several of its parts share. */
export class MasterState {
  readonly settings: MasterSettings;
  readonly allocator: Allocator;
  readonly maintenance: Maintenance;
  readonly frameworks = new Map<FrameworkId, Framework>();
  /** Which framework has which open stream. */
  readonly streams = new Map<StreamId, Framework>();
  /** Their ids may not subscribe again. */
  readonly completed = new BoundedMap<FrameworkId, Framework>(KEPT_FRAMEWORKS);
  readonly agents = new Map<AgentId, KnownAgent>();
  /** Agents that are known to exist but have not registered yet since this master started. */
  readonly recovering: Set<AgentId>;
  /** Since when (milliseconds since 1970) an agent has not answered. */
  readonly unreachable = new BoundedMap<AgentId, number>(KEPT_AGENTS);
  /** Those that an operator has marked gone: they may not come back. */
  readonly gone = new BoundedMap<AgentId, number>(KEPT_AGENTS);
  readonly offers = new Map<OfferId, OutstandingOffer>();
  readonly inverseOffers = new Map<OfferId, OutstandingInverseOffer>();
  readonly timers = new Timers<MasterTimer>();
  /** An allocation run is wanted as soon as the present turn is over. */
  allocationWanted = false;
  #nextOffer = 0;
  #nextFramework = 0;
  #commands: MasterCommand[] = [];

  constructor(
    settings: MasterSettings,
    allocator: Allocator,
    maintenance: Maintenance,
    recovering: readonly AgentId[],
  ) {
    this.settings = settings;
    this.allocator = allocator;
    this.maintenance = maintenance;
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

  /** An agent that is registered and can be reached. */
  connectedAgent(id: AgentId): KnownAgent | undefined {
    const agent = this.agents.get(id);
    return agent?.connected === true ? agent : undefined;
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

  /** Takes an offer back that a framework holds, and tells it so. */
  rescind(id: OfferId): void {
    const offer = this.takeOffer(id);
    if (offer === undefined) return;
    this.allocator.release(offer);
    const framework = this.frameworks.get(offer.frameworkId);
    if (framework !== undefined) this.tell(framework, { type: "RESCIND", offerId: id });
  }

  rescindInverse(id: OfferId): void {
    const offer = this.takeInverseOffer(id);
    const framework = offer && this.frameworks.get(offer.frameworkId);
    if (framework !== undefined) this.tell(framework, { type: "RESCIND_INVERSE_OFFER", inverseOfferId: id });
  }

  takeInverseOffer(id: OfferId): OutstandingInverseOffer | undefined {
    const offer = this.inverseOffers.get(id);
    this.inverseOffers.delete(id);
    return offer;
  }

  addTask(framework: Framework, task: MasterTask): void {
    framework.tasks.set(task.taskId, task);
    this.agents.get(task.agentId)?.tasks.add(task);
  }

  /** Takes a task off the books; its resources go back if they had not yet. */
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

  /** Of an operation that is not carried out: who gave it no id is told nothing, as by a real master. */
  refuseOperation(framework: Framework, operationId: OperationId | undefined, message: string): void {
    if (operationId === undefined) return;
    const status = { operationId, state: "OPERATION_ERROR", message };
    this.tell(framework, { type: "UPDATE_OPERATION_STATUS", status });
  }
}
