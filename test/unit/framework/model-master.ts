import { type Random, randomInt } from "../../../src/base/random.ts";
import type { OfferOperation, SchedulerCall, SchedulerEvent } from "../../../src/mesos/scheduler-api.ts";
import {
  type AgentId,
  type ExecutorId,
  isTerminal,
  type Offer,
  type OfferId,
  type TaskId,
  type TaskInfo,
  type TaskState,
  type TaskStatus,
} from "../../../src/mesos/types.ts";
import { toThousandths } from "../../../src/placement/quantities.ts";
import { frameworkId, offer as makeOffer, uuid } from "./keeper-harness.ts";

/** A task as it really is: what the keeper has to find out. */
export interface ModelTask {
  readonly taskId: TaskId;
  readonly agentId: AgentId;
  readonly executorId: ExecutorId;
  readonly milliCpus: number;
  state: TaskState;
  /** Whether its program ever began. */
  started: boolean;
  /** Updates that the scheduler has not acknowledged, oldest first; only the first is on its way. */
  readonly updates: TaskStatus[];
}

interface ModelAgent {
  readonly id: AgentId;
  readonly milliCpus: number;
  /** `recovering`: the master is new, knows that the agent exists, and waits for it and its tasks. */
  state: "up" | "unreachable" | "recovering";
  readonly executors: Map<ExecutorId, { readonly milliCpus: number }>;
}

/** A master with its agents, as small as can be: one event at a time, nothing happens unless it is told to. */
export class ModelMaster {
  readonly tasks = new Map<TaskId, ModelTask>();
  readonly offers = new Map<OfferId, { readonly agentId: AgentId; readonly milliCpus: number }>();
  readonly agents: readonly ModelAgent[];
  connected = false;
  suppressed = false;
  /** Events on their way to the scheduler. */
  outbox: SchedulerEvent[] = [];
  readonly #usedExecutors = new Set<string>();
  readonly #random: Random;
  #lastOffer = 0;
  #lastUuid = 0;

  constructor(random: Random, agents: number, cpus: number) {
    this.#random = random;
    this.agents = Array.from({ length: agents }, (_, index) => ({
      id: `agent-${index}` as AgentId,
      milliCpus: cpus * 1000,
      state: "up",
      executors: new Map(),
    }));
  }

  subscribe(): void {
    this.connected = true;
    this.suppressed = false;
    this.offers.clear();
    this.outbox = [];
    for (const task of this.tasks.values()) this.#forward(task);
  }

  disconnect(): void {
    this.connected = false;
    this.offers.clear();
    this.outbox = [];
  }

  handle(call: SchedulerCall): void {
    switch (call.type) {
      case "ACCEPT":
        return this.#accept(call.offerIds, call.operations);
      case "DECLINE":
        for (const id of call.offerIds) this.offers.delete(id);
        return;
      case "REVIVE":
        this.suppressed = false;
        return this.allocate();
      case "SUPPRESS":
        this.suppressed = true;
        return;
      case "KILL":
        return this.#kill(call.taskId, call.agentId);
      case "ACKNOWLEDGE":
        return this.#acknowledged(call.taskId, call.uuid);
      case "RECONCILE":
        return this.#reconcile(call.tasks);
      case "UPDATE_FRAMEWORK":
      case "ACCEPT_INVERSE_OFFERS":
      case "DECLINE_INVERSE_OFFERS":
      case "ACKNOWLEDGE_OPERATION_STATUS":
      case "RECONCILE_OPERATIONS":
      case "REQUEST":
      case "SUBSCRIBE":
      case "TEARDOWN":
      case "SHUTDOWN":
      case "MESSAGE":
        throw new Error(`the keeper is not expected to send ${call.type}`);
    }
  }

  allocate(): void {
    if (this.suppressed || !this.connected) return;
    const offers: Offer[] = [];
    for (const agent of this.agents) {
      const free = this.#free(agent);
      if (agent.state !== "up" || free < 10) continue;
      const id = `o${++this.#lastOffer}`;
      this.offers.set(id as OfferId, { agentId: agent.id, milliCpus: free });
      offers.push(makeOffer(id, agent.id, { cpus: free / 1000, executorIds: [...agent.executors.keys()] }));
    }
    if (offers.length > 0) this.#send({ type: "OFFERS", offers });
  }

  rescind(): void {
    const id = this.#pick([...this.offers.keys()]);
    if (id === undefined) return;
    this.offers.delete(id);
    this.#send({ type: "RESCIND", offerId: id });
  }

  /** An agent hands a task to its executor. */
  startTask(): void {
    const task = this.#pick(this.#live((one) => one.state === "TASK_STAGING"));
    if (task === undefined) return;
    task.started = true;
    if (this.#chance(0.5)) this.#update(task, "TASK_RUNNING");
    else task.state = "TASK_RUNNING";
  }

  finishTask(): void {
    const task = this.#pick(this.#live((one) => one.started));
    if (task !== undefined) this.#update(task, "TASK_FINISHED");
  }

  /** The agent loses a launch on its way to the executor. */
  dropTask(): void {
    const task = this.#pick(this.#live((one) => one.state === "TASK_STAGING"));
    if (task !== undefined) this.#update(task, "TASK_DROPPED", { source: "SOURCE_AGENT" });
  }

  crashExecutor(): void {
    const agent = this.#pick(this.agents.filter((one) => one.executors.size > 0));
    const id = this.#pick([...(agent?.executors.keys() ?? [])]);
    if (agent === undefined || id === undefined) return;
    agent.executors.delete(id);
    if (agent.state === "up") this.#send({ type: "FAILURE", agentId: agent.id, executorId: id, status: 9 });
    for (const task of this.#live((one) => one.agentId === agent.id && one.executorId === id)) {
      this.#update(task, "TASK_FAILED", { source: "SOURCE_AGENT", reason: "REASON_EXECUTOR_TERMINATED" });
    }
  }

  loseAgent(): void {
    const agent = this.#pick(this.agents.filter((one) => one.state !== "unreachable"));
    if (agent === undefined) return;
    const known = agent.state === "up";
    agent.state = "unreachable";
    for (const [id, offer] of this.offers) {
      if (offer.agentId !== agent.id) continue;
      this.offers.delete(id);
      this.#send({ type: "RESCIND", offerId: id });
    }
    if (!known) return;
    for (const task of this.#live((one) => one.agentId === agent.id)) {
      const status = this.#answer(task.taskId, "TASK_UNREACHABLE", "REASON_AGENT_REMOVED", agent.id);
      this.#send({ type: "UPDATE", status });
    }
  }

  /** Another master takes over; it knows nothing of tasks but what returning agents tell. */
  failOver(): void {
    this.disconnect();
    for (const agent of this.agents) if (agent.state === "up") agent.state = "recovering";
  }

  returnAgent(): void {
    const agent = this.#pick(this.agents.filter((one) => one.state !== "up"));
    if (agent === undefined) return;
    const wasUnreachable = agent.state === "unreachable";
    agent.state = "up";
    for (const task of this.#known((one) => one.agentId === agent.id)) {
      const status = this.#answer(task.taskId, task.state, "REASON_AGENT_REREGISTERED", agent.id);
      if (wasUnreachable) this.#send({ type: "UPDATE", status });
      this.#forward(task);
    }
  }

  /** An agent repeats an update that was not acknowledged. */
  repeatUpdate(): void {
    const task = this.#pick(this.#known((one) => one.updates.length > 0));
    if (task !== undefined) this.#forward(task);
  }

  repeatAllUpdates(): void {
    for (const task of this.tasks.values()) this.#forward(task);
  }

  #accept(offerIds: readonly OfferId[], operations: readonly OfferOperation[]): void {
    const infos = operations.flatMap((operation) => (operation.type === "LAUNCH" ? operation.taskInfos : []));
    const offers = offerIds.map((id) => this.offers.get(id));
    for (const id of offerIds) this.offers.delete(id);
    let free = 0;
    for (const offer of offers) free += offer?.milliCpus ?? 0;
    for (const info of infos) {
      if (offers.some((offer) => offer === undefined)) {
        this.#send({
          type: "UPDATE",
          status: this.#answer(info.taskId, "TASK_DROPPED", "REASON_INVALID_OFFERS", info.agentId),
        });
      } else {
        free -= this.#launch(info, free);
      }
    }
  }

  #launch(info: TaskInfo, free: number): number {
    const { taskId, agentId, executor } = info;
    const agent = this.#agent(agentId);
    if (this.tasks.has(taskId) || executor === undefined || agent === undefined)
      throw new Error(`bad launch of ${taskId}`);
    const known = agent.executors.has(executor.executorId);
    const milliCpus = cpusOf(info.resources);
    const executorCpus = known ? 0 : cpusOf(executor.resources);
    const refusal = (state: TaskState, message: string): number => {
      const status = this.#answer(taskId, state, "REASON_TASK_INVALID", agentId);
      this.#send({ type: "UPDATE", status: { ...status, message } });
      return 0;
    };
    if (milliCpus + executorCpus > free) {
      return refusal(
        "TASK_ERROR",
        "Total resources cpus:9 required by task and its executor is more than available cpus:1",
      );
    }
    const executorId = executor.executorId;
    const task: ModelTask = {
      taskId,
      agentId,
      executorId,
      milliCpus,
      state: "TASK_STAGING",
      started: false,
      updates: [],
    };
    this.tasks.set(taskId, task);
    if (!known && this.#usedExecutors.has(`${agentId}/${executorId}`)) {
      this.#update(task, "TASK_DROPPED", { source: "SOURCE_AGENT", reason: "REASON_EXECUTOR_TERMINATED" });
      return 0;
    }
    this.#usedExecutors.add(`${agentId}/${executorId}`);
    if (!known) agent.executors.set(executorId, { milliCpus: executorCpus });
    return milliCpus + executorCpus;
  }

  #kill(taskId: TaskId, agentId: AgentId | undefined): void {
    const task = this.tasks.get(taskId);
    if (task === undefined || !this.#isUp(task.agentId))
      return this.#reconcile([agentId === undefined ? { taskId } : { taskId, agentId }]);
    if (isTerminal(task.state)) return;
    if (task.started) this.#update(task, "TASK_KILLED");
    else this.#update(task, "TASK_KILLED", { source: "SOURCE_AGENT", reason: "REASON_TASK_KILLED_DURING_LAUNCH" });
  }

  #acknowledged(taskId: TaskId, id: Uint8Array): void {
    const task = this.tasks.get(taskId);
    const first = task?.updates[0];
    if (task === undefined || first?.uuid === undefined || !Bun.deepEquals(first.uuid, id)) return;
    if (!this.#isUp(task.agentId)) return;
    task.updates.shift();
    if (isTerminal(first.state)) this.tasks.delete(taskId);
    else this.#forward(task);
  }

  #reconcile(tasks: readonly { readonly taskId: TaskId; readonly agentId?: AgentId }[]): void {
    const answer = (taskId: TaskId, state: TaskState, agentId: AgentId | undefined): void =>
      this.#send({ type: "UPDATE", status: this.#answer(taskId, state, "REASON_RECONCILIATION", agentId) });
    if (tasks.length === 0) {
      for (const task of this.#known((one) => this.#isUp(one.agentId))) {
        answer(task.taskId, task.updates[0]?.state ?? task.state, task.agentId);
      }
    }
    for (const { taskId, agentId } of tasks) {
      const task = this.tasks.get(taskId);
      const agent = this.#agent(task?.agentId ?? agentId);
      const recovering = this.agents.some((one) => one.state === "recovering" && (agent ?? one) === one);
      if (recovering) continue;
      if (agent?.state === "unreachable") answer(taskId, "TASK_UNREACHABLE", agentId);
      else if (task !== undefined) answer(taskId, task.updates[0]?.state ?? task.state, task.agentId);
      else answer(taskId, agentId === undefined ? "TASK_UNKNOWN" : "TASK_GONE", agentId);
    }
  }

  #update(task: ModelTask, state: TaskState, parts: Partial<TaskStatus> = {}): void {
    task.state = state;
    const { taskId, agentId, executorId } = task;
    const id = uuid(0);
    new DataView(id.buffer).setUint32(0, ++this.#lastUuid);
    task.updates.push({ taskId, state, agentId, executorId, source: "SOURCE_EXECUTOR", uuid: id, ...parts });
    if (task.updates.length === 1) this.#forward(task);
  }

  #forward(task: ModelTask): void {
    const [first] = task.updates;
    if (first !== undefined && this.#isUp(task.agentId)) this.#send({ type: "UPDATE", status: first });
  }

  #send(event: SchedulerEvent): void {
    if (this.connected) this.outbox.push(event);
  }

  #answer(taskId: TaskId, state: TaskState, reason: string, agentId: AgentId | undefined): TaskStatus {
    return { taskId, state, reason, source: "SOURCE_MASTER", ...(agentId === undefined ? {} : { agentId }) };
  }

  #free(agent: ModelAgent): number {
    let used = 0;
    for (const { milliCpus } of agent.executors.values()) used += milliCpus;
    for (const task of this.tasks.values())
      if (task.agentId === agent.id && !isTerminal(task.state)) used += task.milliCpus;
    for (const offer of this.offers.values()) if (offer.agentId === agent.id) used += offer.milliCpus;
    return agent.milliCpus - used;
  }

  #isUp(id: AgentId): boolean {
    return this.#agent(id)?.state === "up";
  }

  #agent(id: AgentId | undefined): ModelAgent | undefined {
    return this.agents.find((agent) => agent.id === id);
  }

  #known(which: (task: ModelTask) => boolean): ModelTask[] {
    return [...this.tasks.values()].filter(which);
  }

  #live(which: (task: ModelTask) => boolean): ModelTask[] {
    return this.#known((task) => !isTerminal(task.state) && which(task));
  }

  #pick<T>(from: readonly T[]): T | undefined {
    return from[randomInt(this.#random, from.length)];
  }

  #chance(share: number): boolean {
    return this.#random.next() < share;
  }
}

export { frameworkId };

function cpusOf(resources: TaskInfo["resources"] = []): number {
  let sum = 0;
  for (const one of resources) if (one.name === "cpus") sum += toThousandths(one.scalar?.value ?? 0);
  return sum;
}
