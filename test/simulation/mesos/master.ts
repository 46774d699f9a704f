import type { MasterFramework, MasterTask as MasterTaskView } from "../../../src/mesos/operator-answers.ts";
import type { SchedulerCall } from "../../../src/mesos/scheduler-api.ts";
import {
  type AgentId,
  type FrameworkId,
  type FrameworkInfo,
  isTerminal,
  type TaskId,
  type TaskState,
} from "../../../src/mesos/types.ts";
import { Allocator } from "./allocator.ts";
import type { AgentLink, MessageToMaster } from "./cluster-messages.ts";
import { Launch } from "./launch.ts";
import {
  type Framework,
  keyOf,
  type MasterOptions,
  MasterState,
  type MasterTask,
  type SchedulerStream,
} from "./master-state.ts";
import { Registration } from "./registration.ts";

const HEARTBEAT_MS = 15_000;

/**
 * A leading Mesos master, as far as its schedulers and agents can tell (reference: the v1 scheduler API). Its memory
 * dies with it; the next one reads the registry.
 */
export class Master {
  readonly #state: MasterState;
  readonly #allocator: Allocator;
  readonly #launch: Launch;
  readonly #registration: Registration;

  constructor(options: MasterOptions) {
    this.#state = new MasterState(options);
    this.#allocator = new Allocator(this.#state);
    this.#launch = new Launch(this.#state, this.#allocator);
    this.#registration = new Registration(this.#state, this.#allocator);
    this.#allocator.start();
    this.#heartbeat();
  }

  /** Offers that a framework holds. */
  offersOf(frameworkId: FrameworkId): number {
    return [...this.#state.offers.values()].filter((offer) => offer.frameworkId === frameworkId).length;
  }

  /** Whether it gets offers. */
  isOffered(frameworkId: FrameworkId): boolean {
    const framework = this.#state.frameworks.get(frameworkId);
    return framework?.stream !== undefined && !framework.suppressed;
  }

  get frameworkIds(): readonly FrameworkId[] {
    return [...this.#state.frameworks.keys()];
  }

  /** What it tells an operator. */
  frameworks(): readonly MasterFramework[] {
    const ids = new Set(this.#state.frameworks.keys());
    for (const { tasks, executors } of this.#state.agents.values()) {
      for (const { frameworkId } of [...tasks.values(), ...executors.values()]) ids.add(frameworkId);
    }
    return [...ids].map((id) => {
      const info = this.#state.options.registry.frameworks.get(id);
      const connected = this.#state.frameworks.get(id)?.stream !== undefined;
      return { id, name: info?.name ?? "", connected, labels: info?.labels?.labels ?? [] };
    });
  }

  tasks(): readonly MasterTaskView[] {
    return [...this.#state.agents.values()].flatMap(({ id, tasks, unreachableTasks }) => [
      ...[...tasks.values()].map(({ taskId, frameworkId, latest }) => {
        return { taskId, frameworkId, live: !isTerminal(latest), unreachableAgentId: undefined };
      }),
      ...[...unreachableTasks.values()].map((task) => ({ ...task, live: true, unreachableAgentId: id })),
    ]);
  }

  /** An operator says that the agent will never come back. */
  markGone(agentId: AgentId): void {
    this.#registration.markGone(agentId);
  }

  recoveredAgents(): number {
    return [...this.#state.agents.values()].filter(({ state }) => state === "recovering").length;
  }

  /** The process ends: every stream breaks. */
  die(): void {
    this.#state.dead = true;
    for (const agent of this.#state.agents.values()) agent.cancelTimeout();
    for (const { stream } of this.#state.frameworks.values()) stream?.end();
  }

  get dead(): boolean {
    return this.#state.dead;
  }

  // ----------------------------------------------------------------------------------------------------- schedulers

  subscribe(info: FrameworkInfo, stream: SchedulerStream, newId: () => FrameworkId): void {
    if (this.#state.dead) return stream.end();
    if (info.id !== undefined && this.#state.isRemoved(info.id)) {
      stream.send({ type: "ERROR", message: "Framework has been removed" });
      return stream.end();
    }
    const id = info.id ?? newId();
    const known = this.#state.frameworks.get(id);
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
    this.#state.frameworks.set(id, framework);
    this.#state.options.registry.frameworks.set(id, info);
    this.#state.withdrawOffers((offer) => offer.frameworkId === id, false);
    stream.send({ type: "SUBSCRIBED", frameworkId: id, heartbeatIntervalMs: HEARTBEAT_MS, masterInfo: undefined });
    stream.send({ type: "HEARTBEAT" });
    for (const { link } of this.#state.agents.values()) link?.send({ type: "framework-subscribed" });
    if (former === undefined) this.#allocator.allocate();
    this.#state.options.time.schedule(this.#state.options.adoptTimeoutMs, () => {
      const waits = [...this.#state.agents.values()].some(({ state }) => state === "recovering");
      if (framework.stream === stream && waits && !this.#state.dead) this.#state.options.events.adoptionTimedOut(id);
    });
  }

  /** The scheduler is gone: its offers come back, and updates wait. */
  disconnected(stream: SchedulerStream): void {
    for (const framework of this.#state.frameworks.values()) {
      if (framework.stream !== stream) continue;
      framework.stream = undefined;
      framework.filters.clear();
      this.#state.withdrawOffers((offer) => offer.frameworkId === framework.id, false);
    }
  }

  /** @returns the HTTP status of the answer; undefined where there is none */
  call(frameworkId: FrameworkId, streamId: string, call: SchedulerCall): number | undefined {
    if (this.#state.dead) return undefined;
    const framework = this.#state.frameworks.get(frameworkId);
    if (framework?.stream?.id !== streamId) return 403;
    this.#handle(framework, call);
    return 202;
  }

  #handle(framework: Framework, call: SchedulerCall): void {
    switch (call.type) {
      case "ACCEPT": {
        const infos = call.operations.flatMap((operation) => (operation.type === "LAUNCH" ? operation.taskInfos : []));
        return this.#launch.accept(framework, call.offerIds, infos, call.filters?.refuseSeconds ?? 5);
      }
      case "DECLINE":
        for (const id of call.offerIds) this.#allocator.refuse(framework, id, call.filters?.refuseSeconds ?? 5);
        return;
      case "REVIVE":
        framework.suppressed = false;
        framework.filters.clear();
        return this.#allocator.allocate();
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
      case "UPDATE_FRAMEWORK":
      case "ACCEPT_INVERSE_OFFERS":
      case "DECLINE_INVERSE_OFFERS":
      case "ACKNOWLEDGE_OPERATION_STATUS":
      case "RECONCILE_OPERATIONS":
      case "REQUEST":
      case "SUBSCRIBE":
      case "SHUTDOWN":
      case "MESSAGE":
        throw new Error(`a scheduler is not expected to call ${call.type}`);
    }
  }

  /** Takes the framework down, with all that it runs. */
  remove(id: FrameworkId): void {
    const framework = this.#state.frameworks.get(id);
    if (framework === undefined) return;
    this.#state.options.registry.removed.add(id);
    this.#state.frameworks.delete(id);
    this.#state.withdrawOffers((offer) => offer.frameworkId === id, false);
    for (const agent of this.#state.agents.values()) {
      for (const tasks of [agent.tasks, agent.unreachableTasks]) {
        for (const [key, task] of tasks) if (task.frameworkId === id) tasks.delete(key);
      }
      agent.link?.send({ type: "shut-down-framework", frameworkId: id });
    }
    framework.stream?.end();
  }

  // ---------------------------------------------------------------------------------------------------------- tasks

  #kill(framework: Framework, taskId: TaskId, agentId: AgentId | undefined): void {
    const task = this.#state.find(framework.id, taskId);
    if (task === undefined)
      return this.#reconcile(framework, [agentId === undefined ? { taskId } : { taskId, agentId }]);
    if (agentId !== undefined && task.agentId !== agentId) return;
    this.#state.agents.get(task.agentId)?.link?.send({ type: "kill", frameworkId: framework.id, taskId });
  }

  #acknowledge(framework: Framework, call: Extract<SchedulerCall, { type: "ACKNOWLEDGE" }>): void {
    const { agentId, taskId, uuid } = call;
    if (this.#state.options.faults.strike("acknowledgement-lost")) return;
    const agent = this.#state.agents.get(agentId);
    if (agent?.state !== "registered") return;
    const key = keyOf(framework.id, taskId);
    const task = agent.tasks.get(key);
    if (task !== undefined && task.forwarded === undefined) return;
    // Not by the acknowledgement of an earlier update that crosses the last one.
    const { state, uuid: last } = task?.forwarded ?? {};
    if (state !== undefined && isTerminal(state) && last !== undefined && Buffer.compare(last, uuid) === 0) {
      agent.tasks.delete(key);
    }
    agent.link?.send({ type: "acknowledge", frameworkId: framework.id, taskId, uuid });
  }

  #reconcile(framework: Framework, tasks: Extract<SchedulerCall, { type: "RECONCILE" }>["tasks"]): void {
    const tell = (taskId: TaskId, state: TaskState, message: string, agentId: AgentId | undefined): void => {
      const status = { taskId, state, source: "SOURCE_MASTER", reason: "REASON_RECONCILIATION", message } as const;
      this.#state.send(framework.id, {
        type: "UPDATE",
        status: agentId === undefined ? status : { ...status, agentId },
      });
    };
    const known = (task: MasterTask): void =>
      tell(task.taskId, task.forwarded?.state ?? task.latest, "Reconciliation: Latest task state", task.agentId);
    if (tasks.length === 0) {
      for (const agent of this.#state.agents.values()) {
        for (const task of agent.tasks.values()) if (task.frameworkId === framework.id) known(task);
      }
      return;
    }
    const isRecovering = [...this.#state.agents.values()].some(({ state }) => state === "recovering");
    for (const { taskId, agentId } of tasks) {
      const task = this.#state.find(framework.id, taskId);
      const agent = agentId === undefined ? undefined : this.#state.agents.get(agentId);
      if (task !== undefined) known(task);
      else if (agent === undefined ? isRecovering : agent.state === "recovering") continue;
      else if (agent?.state === "registered")
        tell(taskId, "TASK_GONE", "Reconciliation: Task is unknown to the agent", agentId);
      else if (agent?.state === "unreachable")
        tell(taskId, "TASK_UNREACHABLE", "Reconciliation: Task is unreachable", agentId);
      else if (agent?.state === "gone") tell(taskId, "TASK_GONE_BY_OPERATOR", "Reconciliation: Task is gone", agentId);
      else tell(taskId, "TASK_UNKNOWN", "Reconciliation: Task is unknown", agentId);
    }
  }

  // --------------------------------------------------------------------------------------------------------- agents

  /** @returns false where this master is not there any more */
  register(link: AgentLink, message: Extract<MessageToMaster, { type: "register" }>): boolean {
    return this.#registration.register(link, message);
  }

  fromAgent(agentId: AgentId, message: MessageToMaster): void {
    this.#registration.fromAgent(agentId, message);
  }

  /** The connection to the agent broke. */
  agentParted(agentId: AgentId): void {
    this.#registration.parted(agentId);
  }

  #heartbeat(): void {
    this.#state.options.time.schedule(HEARTBEAT_MS, () => {
      if (this.#state.dead) return;
      for (const { stream } of this.#state.frameworks.values()) stream?.send({ type: "HEARTBEAT" });
      this.#heartbeat();
    });
  }
}
