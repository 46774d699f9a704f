import {
  type AgentId,
  type FrameworkId,
  isTerminal,
  type TaskState,
  type TaskStatus,
} from "../../../src/mesos/types.ts";
import type { Allocator } from "./allocator.ts";
import type { AgentLink, MessageToMaster } from "./cluster-messages.ts";
import { type KnownAgent, keyOf, type MasterState, type MasterTask } from "./master-state.ts";

/** An agent that is cut off for so long is unreachable. */
const AGENT_TIMEOUT_MS = 30_000;
/** Likewise one that does not return to a new master. */
const REREGISTER_TIMEOUT_MS = 120_000;

/** The agents of a master: they register, tell of their tasks, are cut off, and come back. */
export class Registration {
  readonly #state: MasterState;
  readonly #allocator: Allocator;

  constructor(state: MasterState, allocator: Allocator) {
    this.#state = state;
    this.#allocator = allocator;
    for (const [id, known] of state.options.registry.agents) {
      const agent = this.#addAgent(id, known === "known" ? "recovering" : known);
      if (known === "known") this.#expectWithin(agent, REREGISTER_TIMEOUT_MS);
    }
  }

  /** @returns false where this master is not there any more */
  register(link: AgentLink, { tasks, executors }: Extract<MessageToMaster, { type: "register" }>): boolean {
    if (this.#state.dead) return false;
    const agent = this.#state.agents.get(link.agentId) ?? this.#addAgent(link.agentId, "registered");
    const wasAway = agent.state !== "registered";
    agent.cancelTimeout();
    agent.state = "registered";
    agent.link = link;
    this.#state.options.registry.agents.set(agent.id, "known");
    const missing = new Map(agent.tasks);
    for (const { frameworkId } of [...tasks, ...executors]) {
      if (this.#state.isRemoved(frameworkId)) link.send({ type: "shut-down-framework", frameworkId });
    }
    for (const view of tasks) {
      const key = keyOf(view.frameworkId, view.taskId);
      if (this.#state.isRemoved(view.frameworkId)) continue;
      const known = missing.get(key);
      missing.delete(key);
      const task = known ?? { ...view, agentId: agent.id, latest: view.state, forwarded: undefined };
      agent.tasks.set(key, task);
      if (!isTerminal(task.latest)) task.latest = view.state;
      if (known === undefined && wasAway) this.#tellReregistered(task);
    }
    agent.unreachableTasks.clear();
    agent.executors.clear();
    for (const { frameworkId, info } of executors) {
      if (!this.#state.isRemoved(frameworkId))
        agent.executors.set(keyOf(frameworkId, info.executorId), { frameworkId, info });
    }
    const lost = [...missing.values()].filter(({ latest }) => !isTerminal(latest));
    if (lost.length > 0) link.send({ type: "reconcile", tasks: lost });
    this.#state.withdrawOffers((offer) => offer.agentId === agent.id, true);
    this.#allocator.allocate();
    return true;
  }

  fromAgent(agentId: AgentId, message: MessageToMaster): void {
    const agent = this.#state.agents.get(agentId);
    if (this.#state.dead || agent?.state !== "registered") return;
    switch (message.type) {
      case "register":
        return;
      case "update":
        return this.#updated(agent, message.frameworkId, message.status, message.latest);
      case "executor-exited": {
        const { frameworkId, executorId } = message;
        if (!agent.executors.delete(keyOf(frameworkId, executorId))) return;
        return this.#state.send(frameworkId, { type: "FAILURE", agentId, executorId, status: 9 });
      }
    }
  }

  /** An operator says that the agent will never come back: whatever ran on it is over. */
  markGone(agentId: AgentId): void {
    const agent = this.#state.agents.get(agentId);
    if (agent === undefined || agent.state === "gone") return;
    if (agent.state !== "unreachable") this.#unreachable(agent);
    this.#state.options.registry.agents.set(agentId, "gone");
    agent.cancelTimeout();
    agent.state = "gone";
    for (const { frameworkId, taskId } of agent.unreachableTasks.values()) {
      const message = "Agent has been marked gone";
      const status = { taskId, state: "TASK_GONE_BY_OPERATOR", source: "SOURCE_MASTER", message, agentId } as const;
      this.#state.send(frameworkId, { type: "UPDATE", status });
    }
    agent.unreachableTasks.clear();
  }

  /** The connection to the agent broke: it has a while to come back. */
  parted(agentId: AgentId): void {
    const agent = this.#state.agents.get(agentId);
    if (agent?.state !== "registered" || this.#state.dead) return;
    this.#state.withdrawOffers((offer) => offer.agentId === agentId, true);
    this.#expectWithin(agent, AGENT_TIMEOUT_MS);
  }

  #updated(agent: KnownAgent, frameworkId: FrameworkId, status: TaskStatus, latest: TaskState): void {
    if (this.#state.isRemoved(frameworkId)) return agent.link?.send({ type: "shut-down-framework", frameworkId });
    const task = agent.tasks.get(keyOf(frameworkId, status.taskId));
    const framework = this.#state.frameworks.get(frameworkId);
    if (task !== undefined) {
      if (!isTerminal(task.latest)) task.latest = latest;
      if (framework?.stream !== undefined) task.forwarded = status;
    }
    this.#state.send(frameworkId, { type: "UPDATE", status });
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
    this.#state.send(frameworkId, { type: "UPDATE", status });
  }

  #addAgent(id: AgentId, state: KnownAgent["state"]): KnownAgent {
    const agent: KnownAgent = {
      id,
      state,
      link: undefined,
      tasks: new Map(),
      executors: new Map(),
      unreachableTasks: new Map(),
      cancelTimeout: () => undefined,
    };
    this.#state.agents.set(id, agent);
    return agent;
  }

  #expectWithin(agent: KnownAgent, ms: number): void {
    agent.cancelTimeout();
    agent.cancelTimeout = this.#state.options.time.schedule(ms, () => this.#unreachable(agent));
  }

  #unreachable(agent: KnownAgent): void {
    const { events, registry } = this.#state.options;
    events.agentUnreachable(agent.id);
    registry.agents.set(agent.id, "unreachable");
    agent.state = "unreachable";
    agent.link = undefined;
    for (const { frameworkId, taskId, latest } of agent.tasks.values()) {
      if (isTerminal(latest)) continue;
      agent.unreachableTasks.set(keyOf(frameworkId, taskId), { frameworkId, taskId });
      const status = {
        taskId,
        state: "TASK_UNREACHABLE",
        source: "SOURCE_MASTER",
        reason: "REASON_AGENT_REMOVED",
        message: "health check timed out",
        agentId: agent.id,
      } as const;
      this.#state.send(frameworkId, { type: "UPDATE", status });
    }
    agent.tasks.clear();
    agent.executors.clear();
    this.#state.withdrawOffers((offer) => offer.agentId === agent.id, true);
    const failure = { type: "FAILURE", agentId: agent.id, executorId: undefined, status: undefined } as const;
    for (const id of this.#state.frameworks.keys()) this.#state.send(id, failure);
  }
}
