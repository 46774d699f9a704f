import { type Random, randomInt } from "../../../src/base/random.ts";
import type { MasterFramework, MasterTask as MasterTaskView } from "../../../src/mesos/operator-answers.ts";
import type { SchedulerCall, SchedulerEvent } from "../../../src/mesos/scheduler-api.ts";
import {
  type AgentId,
  type ExecutorId,
  type ExecutorInfo,
  type FrameworkId,
  type FrameworkInfo,
  isTerminal,
  type Offer,
  type OfferId,
  type TaskId,
  type TaskInfo,
  type TaskState,
  type TaskStatus,
} from "../../../src/mesos/types.ts";
import { fromThousandths } from "../../../src/placement/quantities.ts";
import type { Faults } from "../faults.ts";
import type { VirtualTime } from "../time.ts";
import { cpusOf } from "./agent.ts";
import type { AgentLink, AgentTaskView, MessageToMaster } from "./cluster-messages.ts";

const ALLOCATION_INTERVAL_MS = 1000;
const HEARTBEAT_MS = 15_000;
/** An agent that is cut off for so long is unreachable. */
const AGENT_TIMEOUT_MS = 30_000;
/** Likewise one that does not return to a new master. */
const REREGISTER_TIMEOUT_MS = 120_000;
const MEM_MB = 100_000;

/** One subscription of a scheduler, as the master holds it. */
export interface SchedulerStream {
  /** Calls that carry another stream's id are refused. */
  readonly id: string;
  send(event: SchedulerEvent): void;
  /** The master closes it, after what was sent. */
  end(): void;
}

interface Framework {
  readonly id: FrameworkId;
  stream: SchedulerStream | undefined;
  suppressed: boolean;
  readonly filters: Map<AgentId, { readonly untilMs: number; readonly milliCpus: number }>;
}

interface MasterTask extends Omit<AgentTaskView, "state"> {
  readonly agentId: AgentId;
  latest: TaskState;
  /** Of the last update that was forwarded. */
  forwarded: TaskState | undefined;
}

interface KnownAgent {
  readonly id: AgentId;
  /** `recovering`: the master is new and knows only that the agent exists. */
  state: "registered" | "recovering" | "unreachable";
  link: AgentLink | undefined;
  readonly tasks: Map<string, MasterTask>;
  readonly executors: Map<string, { readonly frameworkId: FrameworkId; readonly info: ExecutorInfo }>;
  cancelTimeout: () => void;
}

/** What outlives a master: the ids of agents, and whether they were given up. */
export interface Registry {
  readonly agents: Map<AgentId, "known" | "unreachable">;
  /** Frameworks that were taken down. The real one forgets them, and an operator has to see to what is left. */
  readonly removed: Set<FrameworkId>;
  /** Agents bring the frameworks of their tasks along when they register. */
  readonly frameworks: Map<FrameworkId, FrameworkInfo>;
  lastFramework: number;
  lastOffer: number;
}

export interface MasterEvents {
  agentUnreachable(agentId: AgentId): void;
  /** A subscription has lasted for so long while agents are still to return. */
  adoptionTimedOut(frameworkId: FrameworkId): void;
}

export interface MasterOptions {
  readonly time: VirtualTime;
  readonly random: Random;
  readonly faults: Faults;
  readonly registry: Registry;
  readonly events: MasterEvents;
  /** From the subscription on, what the schedulers wait for agents at the most. */
  readonly adoptTimeoutMs: number;
}

/**
 * A leading Mesos master, as far as its schedulers and agents can tell (reference: the v1 scheduler API). Its memory
 * dies with it; the next one reads the registry.
 */
export class Master {
  readonly #options: MasterOptions;
  readonly #frameworks = new Map<FrameworkId, Framework>();
  readonly #agents = new Map<AgentId, KnownAgent>();
  readonly #offers = new Map<
    OfferId,
    { readonly frameworkId: FrameworkId; readonly agentId: AgentId; readonly milliCpus: number }
  >();
  #dead = false;

  constructor(options: MasterOptions) {
    this.#options = options;
    for (const [id, state] of options.registry.agents) {
      const agent = this.#addAgent(id, state === "known" ? "recovering" : "unreachable");
      if (state === "known") this.#expectWithin(agent, REREGISTER_TIMEOUT_MS);
    }
    this.#tick();
    this.#heartbeat();
  }

  /** Offers that a framework holds. */
  offersOf(frameworkId: FrameworkId): number {
    return [...this.#offers.values()].filter((offer) => offer.frameworkId === frameworkId).length;
  }

  /** Whether it gets offers. */
  isOffered(frameworkId: FrameworkId): boolean {
    const framework = this.#frameworks.get(frameworkId);
    return framework?.stream !== undefined && !framework.suppressed;
  }

  get frameworkIds(): readonly FrameworkId[] {
    return [...this.#frameworks.keys()];
  }

  /** What it tells an operator. */
  frameworks(): readonly MasterFramework[] {
    const ids = new Set(this.#frameworks.keys());
    for (const { tasks, executors } of this.#agents.values()) {
      for (const { frameworkId } of [...tasks.values(), ...executors.values()]) ids.add(frameworkId);
    }
    return [...ids].map((id) => {
      const info = this.#options.registry.frameworks.get(id);
      const connected = this.#frameworks.get(id)?.stream !== undefined;
      return { id, name: info?.name ?? "", connected, labels: info?.labels?.labels ?? [] };
    });
  }

  tasks(): readonly MasterTaskView[] {
    return [...this.#agents.values()].flatMap(({ tasks }) =>
      [...tasks.values()].map(({ taskId, frameworkId, latest }) => ({
        taskId,
        frameworkId,
        live: !isTerminal(latest),
      })),
    );
  }

  recoveredAgents(): number {
    return [...this.#agents.values()].filter(({ state }) => state === "recovering").length;
  }

  /** The process ends: every stream breaks. */
  die(): void {
    this.#dead = true;
    for (const agent of this.#agents.values()) agent.cancelTimeout();
    for (const { stream } of this.#frameworks.values()) stream?.end();
  }

  get dead(): boolean {
    return this.#dead;
  }

  // ----------------------------------------------------------------------------------------------------- schedulers

  subscribe(info: FrameworkInfo, stream: SchedulerStream, newId: () => FrameworkId): void {
    if (this.#dead) return stream.end();
    if (info.id !== undefined && this.#isRemoved(info.id)) {
      stream.send({ type: "ERROR", message: "Framework has been removed" });
      return stream.end();
    }
    const id = info.id ?? newId();
    const known = this.#frameworks.get(id);
    const former = known?.stream;
    if (former !== undefined) {
      former.send({ type: "ERROR", message: "Framework failed over" });
      former.end();
    }
    const framework: Framework = {
      id,
      stream,
      suppressed: false,
      filters: former === undefined ? new Map() : (known?.filters ?? new Map()),
    };
    this.#frameworks.set(id, framework);
    this.#options.registry.frameworks.set(id, info);
    this.#withdrawOffers((offer) => offer.frameworkId === id, false);
    stream.send({ type: "SUBSCRIBED", frameworkId: id, heartbeatIntervalMs: HEARTBEAT_MS, masterInfo: undefined });
    stream.send({ type: "HEARTBEAT" });
    for (const { link } of this.#agents.values()) link?.send({ type: "framework-subscribed" });
    if (former === undefined) this.#allocate();
    this.#options.time.schedule(this.#options.adoptTimeoutMs, () => {
      const waits = [...this.#agents.values()].some(({ state }) => state === "recovering");
      if (framework.stream === stream && waits && !this.#dead) this.#options.events.adoptionTimedOut(id);
    });
  }

  /** The scheduler is gone: its offers come back, and updates wait. */
  disconnected(stream: SchedulerStream): void {
    for (const framework of this.#frameworks.values()) {
      if (framework.stream !== stream) continue;
      framework.stream = undefined;
      framework.filters.clear();
      this.#withdrawOffers((offer) => offer.frameworkId === framework.id, false);
    }
  }

  /** @returns the HTTP status of the answer; undefined where there is none */
  call(frameworkId: FrameworkId, streamId: string, call: SchedulerCall): number | undefined {
    if (this.#dead) return undefined;
    const framework = this.#frameworks.get(frameworkId);
    if (framework?.stream?.id !== streamId) return 403;
    this.#handle(framework, call);
    return 202;
  }

  #handle(framework: Framework, call: SchedulerCall): void {
    switch (call.type) {
      case "ACCEPT": {
        const infos = call.operations.flatMap((operation) => (operation.type === "LAUNCH" ? operation.taskInfos : []));
        return this.#accept(framework, call.offerIds, infos, call.filters?.refuseSeconds ?? 5);
      }
      case "DECLINE":
        for (const id of call.offerIds) this.#refuse(framework, id, call.filters?.refuseSeconds ?? 5);
        return;
      case "REVIVE":
        framework.suppressed = false;
        framework.filters.clear();
        return this.#allocate();
      case "SUPPRESS":
        framework.suppressed = true;
        return;
      case "KILL":
        return this.#kill(framework, call.taskId, call.agentId);
      case "ACKNOWLEDGE":
        return this.#acknowledge(framework, call);
      case "RECONCILE":
        return this.#reconcile(framework, call.tasks);
      case "TEARDOWN":
        return this.remove(framework.id);
      case "SUBSCRIBE":
      case "SHUTDOWN":
      case "MESSAGE":
        throw new Error(`a scheduler is not expected to call ${call.type}`);
    }
  }

  /** Takes the framework down, with all that it runs. */
  remove(id: FrameworkId): void {
    const framework = this.#frameworks.get(id);
    if (framework === undefined) return;
    this.#options.registry.removed.add(id);
    this.#frameworks.delete(id);
    this.#withdrawOffers((offer) => offer.frameworkId === id, false);
    for (const agent of this.#agents.values()) {
      for (const [key, task] of agent.tasks) if (task.frameworkId === id) agent.tasks.delete(key);
      agent.link?.send({ type: "shut-down-framework", frameworkId: id });
    }
    framework.stream?.end();
  }

  // --------------------------------------------------------------------------------------------------------- offers

  #withdrawOffers(
    which: (offer: { frameworkId: FrameworkId; agentId: AgentId }, id: OfferId) => boolean,
    tell: boolean,
  ): void {
    for (const [id, offer] of this.#offers) {
      if (!which(offer, id)) continue;
      this.#offers.delete(id);
      if (tell) this.#send(offer.frameworkId, { type: "RESCIND", offerId: id });
    }
  }

  #refuse(framework: Framework, id: OfferId, refuseSeconds: number): void {
    const offer = this.#offers.get(id);
    if (offer?.frameworkId !== framework.id) return;
    this.#offers.delete(id);
    this.#filter(framework, offer.agentId, offer.milliCpus, refuseSeconds);
  }

  #filter(framework: Framework, agentId: AgentId, milliCpus: number, refuseSeconds: number): void {
    if (refuseSeconds <= 0 || milliCpus <= 0) return;
    const untilMs = this.#options.time.nowMs + Math.max(refuseSeconds * 1000, ALLOCATION_INTERVAL_MS);
    framework.filters.set(agentId, { untilMs, milliCpus });
  }

  #tick(): void {
    this.#options.time.schedule(ALLOCATION_INTERVAL_MS, () => {
      if (this.#dead) return;
      this.#allocate();
      this.#tick();
    });
  }

  #allocate(): void {
    const { random, registry, time, faults } = this.#options;
    const perFramework = new Map<Framework, Offer[]>();
    for (const agent of this.#agents.values()) {
      const milliCpus = this.#free(agent);
      if (agent.state !== "registered" || milliCpus < 10) continue;
      const takers = [...this.#frameworks.values()].filter(({ stream, suppressed, filters }) => {
        const filter = filters.get(agent.id);
        const filtered = filter !== undefined && filter.untilMs > time.nowMs && milliCpus <= filter.milliCpus;
        return stream !== undefined && !suppressed && !filtered;
      });
      const taker = takers[randomInt(random, takers.length)];
      if (taker === undefined) continue;
      const id = `offer-${++registry.lastOffer}` as OfferId;
      this.#offers.set(id, { frameworkId: taker.id, agentId: agent.id, milliCpus });
      if (faults.strike("offer-rescinded")) {
        time.schedule(5 * random.next(), () => this.#withdrawOffers((_offer, one) => one === id, true));
      }
      perFramework.set(taker, [...(perFramework.get(taker) ?? []), offerOf(id, taker.id, agent, milliCpus)]);
    }
    for (const [framework, offers] of perFramework) framework.stream?.send({ type: "OFFERS", offers });
  }

  #free(agent: KnownAgent): number {
    let used = 0;
    for (const { info } of agent.executors.values()) used += cpusOf(info.resources);
    for (const task of agent.tasks.values()) if (!isTerminal(task.latest)) used += task.milliCpus;
    for (const offer of this.#offers.values()) if (offer.agentId === agent.id) used += offer.milliCpus;
    return (agent.link?.milliCpus ?? 0) - used;
  }

  // --------------------------------------------------------------------------------------------------------- launch

  #accept(framework: Framework, offerIds: readonly OfferId[], infos: readonly TaskInfo[], refuseSeconds: number): void {
    const offers = offerIds.map((id) => this.#offers.get(id));
    const valid = offers.every((offer) => offer?.frameworkId === framework.id && offer.agentId === offers[0]?.agentId);
    for (const id of offerIds) this.#offers.delete(id);
    let free = 0;
    for (const offer of offers) free += offer?.milliCpus ?? 0;
    for (const info of infos) {
      const agent = this.#agents.get(info.agentId);
      if (!valid)
        this.#answer(framework, info, "TASK_DROPPED", "REASON_INVALID_OFFERS", "Task launched with invalid offers");
      else if (agent?.state !== "registered")
        this.#answer(framework, info, "TASK_DROPPED", "REASON_AGENT_REMOVED", "Agent removed");
      else free -= this.#launch(framework, agent, info, free);
    }
    const [first] = offers;
    if (valid && first !== undefined) this.#filter(framework, first.agentId, free, refuseSeconds);
  }

  /** @returns what it takes of the offers */
  #launch(framework: Framework, agent: KnownAgent, info: TaskInfo, free: number): number {
    const { executor, taskId } = info;
    if (executor === undefined) throw new Error(`task ${taskId} has no executor`);
    const invalid = (message: string): number => {
      this.#answer(framework, info, "TASK_ERROR", "REASON_TASK_INVALID", message);
      return 0;
    };
    const key = keyOf(framework.id, taskId);
    for (const other of this.#agents.values())
      if (other.tasks.has(key)) return invalid(`Task has duplicate ID: ${taskId}`);
    const executorKey = keyOf(framework.id, executor.executorId);
    const known = agent.executors.get(executorKey);
    if (known !== undefined && !sameExecutor(known.info, executor)) {
      return invalid("ExecutorInfo is not compatible with existing ExecutorInfo with same ExecutorID.");
    }
    const milliCpus = cpusOf(info.resources);
    const total = milliCpus + (known === undefined ? cpusOf(executor.resources) : 0);
    if (total > free) {
      return invalid(
        `Total resources cpus:${total} required by task and its executor is more than available cpus:${free}`,
      );
    }
    const { executorId } = executor;
    const task: MasterTask = {
      frameworkId: framework.id,
      taskId,
      executorId,
      milliCpus,
      agentId: agent.id,
      latest: "TASK_STAGING",
      forwarded: undefined,
    };
    agent.tasks.set(key, task);
    if (known === undefined) agent.executors.set(executorKey, { frameworkId: framework.id, info: executor });
    agent.link?.send({ type: "run", frameworkId: framework.id, task: info, startsExecutor: known === undefined });
    return total;
  }

  #answer(framework: Framework, info: TaskInfo, state: TaskState, reason: string, message: string): void {
    const { taskId, agentId } = info;
    this.#send(framework.id, {
      type: "UPDATE",
      status: { taskId, state, source: "SOURCE_MASTER", reason, message, agentId },
    });
  }

  // ---------------------------------------------------------------------------------------------------------- tasks

  #kill(framework: Framework, taskId: TaskId, agentId: AgentId | undefined): void {
    const task = this.#find(framework.id, taskId);
    if (task === undefined)
      return this.#reconcile(framework, [agentId === undefined ? { taskId } : { taskId, agentId }]);
    if (agentId !== undefined && task.agentId !== agentId) return;
    this.#agents.get(task.agentId)?.link?.send({ type: "kill", frameworkId: framework.id, taskId });
  }

  #acknowledge(framework: Framework, call: Extract<SchedulerCall, { type: "ACKNOWLEDGE" }>): void {
    const { agentId, taskId, uuid } = call;
    if (this.#options.faults.strike("acknowledgement-lost")) return;
    const agent = this.#agents.get(agentId);
    if (agent?.state !== "registered") return;
    const key = keyOf(framework.id, taskId);
    const task = agent.tasks.get(key);
    if (task !== undefined && task.forwarded === undefined) return;
    if (task !== undefined && task.forwarded !== undefined && isTerminal(task.forwarded)) agent.tasks.delete(key);
    agent.link?.send({ type: "acknowledge", frameworkId: framework.id, taskId, uuid });
  }

  #reconcile(framework: Framework, tasks: Extract<SchedulerCall, { type: "RECONCILE" }>["tasks"]): void {
    const tell = (taskId: TaskId, state: TaskState, message: string, agentId: AgentId | undefined): void => {
      const status = { taskId, state, source: "SOURCE_MASTER", reason: "REASON_RECONCILIATION", message } as const;
      this.#send(framework.id, { type: "UPDATE", status: agentId === undefined ? status : { ...status, agentId } });
    };
    const known = (task: MasterTask): void =>
      tell(task.taskId, task.forwarded ?? task.latest, "Reconciliation: Latest task state", task.agentId);
    if (tasks.length === 0) {
      for (const agent of this.#agents.values()) {
        for (const task of agent.tasks.values()) if (task.frameworkId === framework.id) known(task);
      }
      return;
    }
    const isRecovering = [...this.#agents.values()].some(({ state }) => state === "recovering");
    for (const { taskId, agentId } of tasks) {
      const task = this.#find(framework.id, taskId);
      const agent = agentId === undefined ? undefined : this.#agents.get(agentId);
      if (task !== undefined) known(task);
      else if (agent === undefined ? isRecovering : agent.state === "recovering") continue;
      else if (agent?.state === "registered")
        tell(taskId, "TASK_GONE", "Reconciliation: Task is unknown to the agent", agentId);
      else if (agent?.state === "unreachable")
        tell(taskId, "TASK_UNREACHABLE", "Reconciliation: Task is unreachable", agentId);
      else tell(taskId, "TASK_UNKNOWN", "Reconciliation: Task is unknown", agentId);
    }
  }

  #find(frameworkId: FrameworkId, taskId: TaskId): MasterTask | undefined {
    const key = keyOf(frameworkId, taskId);
    for (const { tasks } of this.#agents.values()) {
      const task = tasks.get(key);
      if (task !== undefined) return task;
    }
    return undefined;
  }

  // --------------------------------------------------------------------------------------------------------- agents

  /** @returns false where this master is not there any more */
  register(link: AgentLink, { tasks, executors }: Extract<MessageToMaster, { type: "register" }>): boolean {
    if (this.#dead) return false;
    const agent = this.#agents.get(link.agentId) ?? this.#addAgent(link.agentId, "registered");
    const wasAway = agent.state !== "registered";
    agent.cancelTimeout();
    agent.state = "registered";
    agent.link = link;
    this.#options.registry.agents.set(agent.id, "known");
    const missing = new Map(agent.tasks);
    for (const { frameworkId } of [...tasks, ...executors]) {
      if (this.#isRemoved(frameworkId)) link.send({ type: "shut-down-framework", frameworkId });
    }
    for (const view of tasks) {
      const key = keyOf(view.frameworkId, view.taskId);
      if (this.#isRemoved(view.frameworkId)) continue;
      const known = missing.get(key);
      missing.delete(key);
      const task = known ?? { ...view, agentId: agent.id, latest: view.state, forwarded: undefined };
      agent.tasks.set(key, task);
      if (!isTerminal(task.latest)) task.latest = view.state;
      if (known === undefined && wasAway) this.#tellReregistered(task);
    }
    agent.executors.clear();
    for (const { frameworkId, info } of executors) {
      if (!this.#isRemoved(frameworkId))
        agent.executors.set(keyOf(frameworkId, info.executorId), { frameworkId, info });
    }
    const lost = [...missing.values()].filter(({ latest }) => !isTerminal(latest));
    if (lost.length > 0) link.send({ type: "reconcile", tasks: lost });
    this.#withdrawOffers((offer) => offer.agentId === agent.id, true);
    this.#allocate();
    return true;
  }

  fromAgent(agentId: AgentId, message: MessageToMaster): void {
    const agent = this.#agents.get(agentId);
    if (this.#dead || agent?.state !== "registered") return;
    switch (message.type) {
      case "register":
        return;
      case "update":
        return this.#updated(agent, message.frameworkId, message.status, message.latest);
      case "executor-exited": {
        const { frameworkId, executorId } = message;
        if (!agent.executors.delete(keyOf(frameworkId, executorId))) return;
        return this.#send(frameworkId, { type: "FAILURE", agentId, executorId, status: 9 });
      }
    }
  }

  /** The connection to the agent broke: it has a while to come back. */
  agentParted(agentId: AgentId): void {
    const agent = this.#agents.get(agentId);
    if (agent?.state !== "registered" || this.#dead) return;
    this.#withdrawOffers((offer) => offer.agentId === agentId, true);
    this.#expectWithin(agent, AGENT_TIMEOUT_MS);
  }

  #updated(agent: KnownAgent, frameworkId: FrameworkId, status: TaskStatus, latest: TaskState): void {
    if (this.#isRemoved(frameworkId)) return agent.link?.send({ type: "shut-down-framework", frameworkId });
    const task = agent.tasks.get(keyOf(frameworkId, status.taskId));
    const framework = this.#frameworks.get(frameworkId);
    if (task !== undefined) {
      if (!isTerminal(task.latest)) task.latest = latest;
      if (framework?.stream !== undefined) task.forwarded = status.state;
    }
    this.#send(frameworkId, { type: "UPDATE", status });
  }

  #tellReregistered({ frameworkId, taskId, agentId, latest }: MasterTask): void {
    const message = "Unreachable agent re-reregistered";
    const status = {
      taskId,
      state: latest,
      source: "SOURCE_MASTER",
      reason: "REASON_AGENT_REREGISTERED",
      message,
      agentId,
    } as const;
    this.#send(frameworkId, { type: "UPDATE", status });
  }

  #isRemoved(frameworkId: FrameworkId): boolean {
    return this.#options.registry.removed.has(frameworkId);
  }

  #addAgent(id: AgentId, state: KnownAgent["state"]): KnownAgent {
    const agent: KnownAgent = {
      id,
      state,
      link: undefined,
      tasks: new Map(),
      executors: new Map(),
      cancelTimeout: () => undefined,
    };
    this.#agents.set(id, agent);
    return agent;
  }

  #expectWithin(agent: KnownAgent, ms: number): void {
    agent.cancelTimeout();
    agent.cancelTimeout = this.#options.time.schedule(ms, () => this.#unreachable(agent));
  }

  #unreachable(agent: KnownAgent): void {
    const { events, registry } = this.#options;
    events.agentUnreachable(agent.id);
    registry.agents.set(agent.id, "unreachable");
    agent.state = "unreachable";
    agent.link = undefined;
    for (const { frameworkId, taskId, latest } of agent.tasks.values()) {
      if (isTerminal(latest)) continue;
      const status = {
        taskId,
        state: "TASK_UNREACHABLE",
        source: "SOURCE_MASTER",
        reason: "REASON_AGENT_REMOVED",
        message: "health check timed out",
        agentId: agent.id,
      } as const;
      this.#send(frameworkId, { type: "UPDATE", status });
    }
    agent.tasks.clear();
    agent.executors.clear();
    this.#withdrawOffers((offer) => offer.agentId === agent.id, true);
    const failure = { type: "FAILURE", agentId: agent.id, executorId: undefined, status: undefined } as const;
    for (const id of this.#frameworks.keys()) this.#send(id, failure);
  }

  #heartbeat(): void {
    this.#options.time.schedule(HEARTBEAT_MS, () => {
      if (this.#dead) return;
      for (const { stream } of this.#frameworks.values()) stream?.send({ type: "HEARTBEAT" });
      this.#heartbeat();
    });
  }

  #send(frameworkId: FrameworkId, event: SchedulerEvent): void {
    this.#frameworks.get(frameworkId)?.stream?.send(event);
  }
}

function keyOf(frameworkId: FrameworkId, id: TaskId | ExecutorId): string {
  return `${frameworkId}/${id}`;
}

/** What a master compares: everything but labels and the grace period. */
function sameExecutor(a: ExecutorInfo, b: ExecutorInfo): boolean {
  const compared = ({ type, data, resources, command, name, source, container }: ExecutorInfo): unknown => [
    type,
    data,
    resources,
    command,
    name,
    source,
    container,
  ];
  return Bun.deepEquals(compared(a), compared(b));
}

function offerOf(id: OfferId, frameworkId: FrameworkId, agent: KnownAgent, milliCpus: number): Offer {
  return {
    id,
    frameworkId,
    agentId: agent.id,
    hostname: agent.link?.hostname ?? agent.id,
    resources: [
      { name: "cpus", type: "SCALAR", scalar: { value: fromThousandths(milliCpus) } },
      { name: "mem", type: "SCALAR", scalar: { value: MEM_MB } },
    ],
    executorIds: [...agent.executors.values()]
      .filter((executor) => executor.frameworkId === frameworkId)
      .map(({ info }) => info.executorId),
  };
}
