import type { BackoffOptions } from "../base/backoff.ts";
import type { AgentId, Attribute, ExecutorId, ExecutorInfo, Offer, Resource } from "../mesos/types.ts";
import type { Host } from "../placement/place.ts";
import { fromThousandths, minus, nothing, plus, type Quantities } from "../placement/quantities.ts";
import { formatExecutorId, parseExecutorId } from "./executor-id.ts";
import type { ExecutorTemplate } from "./keeper-api.ts";
import { pauseMs } from "./pause.ts";

/** An executor of ours on one agent. */
export interface Executor {
  readonly id: ExecutorId;
  /** Tasks that need this key can go there, see placement's ExecutorNeed. */
  readonly key: string;
  /** As first sent; the master refuses any other under the same id. undefined: found in an offer, started earlier. */
  info: ExecutorInfo | undefined;
  readonly charged: Quantities;
  launched: number;
  /** It gets no more than so many. */
  maxTasks: number;
  live: number;
  /** Whether anything was ever heard from it, so that it certainly was started. */
  heard: boolean;
  /** Whether it said anything itself. */
  answers: boolean;
  /** Whether its end was already held against its agent. */
  blamed: boolean;
}

interface Agent {
  hostname: string | undefined;
  attributes: readonly Attribute[];
  inUse: Quantities;
  readonly executors: Map<ExecutorId, Executor>;
  /** The newest for each key. */
  readonly usable: Map<string, Executor>;
  /** Never used again, though offers may still list them. */
  readonly dead: Set<ExecutorId>;
  liveTasks: number;
  failures: number;
  pause: { readonly untilMs: number; readonly reason: string } | undefined;
  seenMs: number;
}

/** Agents without tasks are forgotten when no offer came from them for so long. */
const FORGET_AFTER_MS = 3_600_000;

/**
 * What is known of each agent: our executors and what we hold there.
 *
 * One executor serves all tasks of one configuration on an agent. Its id is never used for another process: after any
 * doubt (a dropped launch, a refused ExecutorInfo, its end) the next one gets a new number.
 */
export class Agents {
  readonly #options: { readonly name: string; readonly epoch: number; readonly pause: BackoffOptions };
  readonly #agents = new Map<AgentId, Agent>();
  #lastExecutor = 0;

  constructor(options: { readonly name: string; readonly epoch: number; readonly pause: BackoffOptions }) {
    this.#options = options;
  }

  get size(): number {
    return this.#agents.size;
  }

  hostname(agentId: AgentId | undefined): string | undefined {
    return agentId === undefined ? undefined : this.#agents.get(agentId)?.hostname;
  }

  /** An offer tells which of our executors the master believes to run on the agent. */
  offered(offer: Offer, nowMs: number): void {
    const agent = this.#at(offer.agentId, nowMs);
    agent.seenMs = nowMs;
    agent.hostname = offer.hostname;
    agent.attributes = offer.attributes ?? [];
    const listed = new Set(offer.executorIds ?? []);
    for (const id of agent.dead) if (!listed.has(id)) agent.dead.delete(id);
    // One with live tasks may have been started after this offer was made.
    for (const executor of agent.executors.values()) {
      if (!listed.has(executor.id) && executor.live === 0) this.#remove(agent, executor);
    }
    for (const id of listed) {
      const executor = agent.executors.get(id);
      if (executor !== undefined) executor.heard = true;
      else if (!agent.dead.has(id)) this.#find(agent, id);
    }
  }

  host(agentId: AgentId, offers: readonly Offer[], nowMs: number): Host {
    const { hostname = agentId, attributes, inUse, usable, pause } = this.#at(agentId, nowMs);
    const executors = new Map<string, number>();
    for (const [key, { launched, maxTasks, live }] of usable) if (launched < maxTasks) executors.set(key, live);
    return { agentId, hostname, attributes, offers, inUse, executors, pause };
  }

  /**
   * The executor for one more task, a new one where `startWith` gives the resources that start it.
   *
   * @param kind goes into the id: executors of equal kind are interchangeable, also for a later life of the scheduler
   */
  assign(
    agentId: AgentId,
    need: { readonly key: string; readonly kind: string; readonly template: ExecutorTemplate },
    startWith: readonly Resource[] | null,
    nowMs: number,
  ): { readonly executor: Executor; readonly info: ExecutorInfo } {
    const { key, kind, template } = need;
    const agent = this.#at(agentId, nowMs);
    const known = startWith === null ? agent.usable.get(key) : undefined;
    const executor = known ?? this.#start(agent, key, kind, template);
    const resources = startWith ?? plainResources(template.resources);
    executor.info ??= { ...template.info, executorId: executor.id, resources };
    executor.maxTasks = template.maxTasks;
    executor.launched++;
    return { executor, info: executor.info };
  }

  /** The executor of a task that an earlier life launched, where it is one of ours. */
  executorOf(agentId: AgentId, id: ExecutorId | undefined, nowMs: number): Executor | undefined {
    if (id === undefined) return undefined;
    const agent = this.#at(agentId, nowMs);
    if (!agent.executors.has(id) && !agent.dead.has(id)) this.#find(agent, id);
    return agent.executors.get(id);
  }

  taskCame(agentId: AgentId, executor: Executor | undefined, charged: Quantities, nowMs: number): void {
    const agent = this.#at(agentId, nowMs);
    agent.inUse = plus(agent.inUse, charged);
    agent.liveTasks++;
    if (executor !== undefined) executor.live++;
  }

  taskLeft(agentId: AgentId, executor: Executor | undefined, charged: Quantities): void {
    if (executor !== undefined) executor.live--;
    const agent = this.#agents.get(agentId);
    if (agent === undefined) return;
    agent.inUse = minus(agent.inUse, charged);
    agent.liveTasks--;
  }

  /** The executor ended, or must not be used again. False where that was known. */
  retire(agentId: AgentId, id: ExecutorId): boolean {
    const agent = this.#agents.get(agentId);
    const executor = agent?.executors.get(id);
    if (agent === undefined || executor === undefined) return false;
    agent.dead.add(id);
    this.#remove(agent, executor);
    return true;
  }

  /** Something that only the agent or an executor there can be blamed for: leave it alone for a while. */
  failed(agentId: AgentId, reason: string, nowMs: number): void {
    const agent = this.#at(agentId, nowMs);
    agent.failures++;
    agent.pause = {
      untilMs: nowMs + pauseMs(this.#options.pause, agent.failures),
      reason,
    };
  }

  succeeded(agentId: AgentId): void {
    const agent = this.#agents.get(agentId);
    if (agent === undefined || agent.failures === 0) return;
    agent.failures = 0;
    agent.pause = undefined;
  }

  /** Whether an executor of this kind is known to work somewhere. */
  anyAnswers(key: string): boolean {
    for (const { usable } of this.#agents.values()) if (usable.get(key)?.answers === true) return true;
    return false;
  }

  /** Another configuration is to be run: what failed before says nothing about it. */
  forgive(): void {
    for (const agent of this.#agents.values()) {
      agent.failures = 0;
      agent.pause = undefined;
    }
  }

  /** The agent was removed from the master. What we think to have there is told by updates. */
  removed(agentId: AgentId): void {
    const agent = this.#agents.get(agentId);
    if (agent === undefined) return;
    for (const id of [...agent.executors.keys()]) this.retire(agentId, id);
    if (agent.liveTasks === 0) this.#agents.delete(agentId);
  }

  clear(): void {
    this.#agents.clear();
  }

  forgetUnseen(nowMs: number): void {
    for (const [agentId, agent] of this.#agents) {
      if (agent.liveTasks === 0 && nowMs - agent.seenMs > FORGET_AFTER_MS) this.#agents.delete(agentId);
    }
  }

  #at(agentId: AgentId, nowMs: number): Agent {
    let agent = this.#agents.get(agentId);
    if (agent === undefined) {
      agent = {
        hostname: undefined,
        attributes: [],
        inUse: nothing,
        executors: new Map(),
        usable: new Map(),
        dead: new Set(),
        liveTasks: 0,
        failures: 0,
        pause: undefined,
        seenMs: nowMs,
      };
      this.#agents.set(agentId, agent);
    }
    return agent;
  }

  #start(agent: Agent, key: string, kind: string, { resources }: ExecutorTemplate): Executor {
    const { name, epoch } = this.#options;
    const id = formatExecutorId({ name, kind, epoch, number: ++this.#lastExecutor });
    return this.#add(agent, { id, key, charged: resources, heard: false });
  }

  /** Started by an earlier life of the scheduler: used again where its configuration is ours. */
  #find(agent: Agent, id: ExecutorId): void {
    const parts = parseExecutorId(id);
    if (parts === undefined || parts.name !== this.#options.name || agent.usable.has(parts.kind)) return;
    this.#add(agent, { id, key: parts.kind, charged: nothing, heard: true });
  }

  #add(agent: Agent, parts: Pick<Executor, "id" | "key" | "charged" | "heard">): Executor {
    const executor = {
      ...parts,
      info: undefined,
      launched: 0,
      maxTasks: Infinity,
      live: 0,
      answers: false,
      blamed: false,
    };
    agent.executors.set(executor.id, executor);
    agent.usable.set(executor.key, executor);
    agent.inUse = plus(agent.inUse, executor.charged);
    return executor;
  }

  #remove(agent: Agent, executor: Executor): void {
    agent.executors.delete(executor.id);
    if (agent.usable.get(executor.key) === executor) agent.usable.delete(executor.key);
    agent.inUse = minus(agent.inUse, executor.charged);
  }
}

/**
 * How an executor that was found in an offer was paid for: unreserved, as far as can be known. Where that is wrong the
 * master refuses the task, which ends the use of that executor.
 */
function plainResources({ cpus, mem }: Quantities): readonly Resource[] {
  const resources: Resource[] = [];
  if (cpus > 0) resources.push({ name: "cpus", type: "SCALAR", scalar: { value: fromThousandths(cpus) } });
  if (mem > 0) resources.push({ name: "mem", type: "SCALAR", scalar: { value: fromThousandths(mem) } });
  return resources;
}
