import { type Random, randomInt } from "../../src/base/random.ts";
import type { AgentId, FrameworkId } from "../../src/mesos/types.ts";
import { type Fact, siteOfFramework } from "./facts.ts";
import type { Faults } from "./faults.ts";
import type { Machines } from "./machines.ts";
import { Agent } from "./mesos/agent.ts";
import { Master } from "./mesos/master.ts";
import type { MasterAddress } from "./mesos/master-connection.ts";
import type { Registry } from "./mesos/master-state.ts";
import type { Programs } from "./mesos/programs.ts";
import type { VirtualTime } from "./time.ts";

/** What schedulers wait for agents, after a subscription, at the most; the keeper's own setting. */
const ADOPT_TIMEOUT_MS = 60_000;

export interface ClusterOptions {
  readonly time: VirtualTime;
  readonly random: Random;
  readonly faults: Faults;
  readonly machines: Machines;
  readonly programs: Programs;
  readonly observe: (fact: Fact) => void;
  readonly agents: number;
  readonly milliCpus: number;
}

/** Masters, one after the other, and the agents. */
export class Cluster implements MasterAddress {
  readonly #options: ClusterOptions;
  readonly #registry: Registry = {
    agents: new Map(),
    removed: new Set(),
    frameworks: new Map(),
    lastFramework: 0,
    lastOffer: 0,
  };
  readonly #agents: Agent[] = [];
  #leader: Master | undefined;
  #lastAgent = 0;
  #lastStream = 0;
  #healed = false;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.#lead();
    for (let i = 0; i < options.agents; i++) this.addAgent();
  }

  get leader(): Master | undefined {
    return this.#leader;
  }

  /** Those whose hosts are still there. */
  get agents(): readonly Agent[] {
    return this.#agents.filter(({ gone }) => !gone);
  }

  newFrameworkId(site: string): FrameworkId {
    return `${site}-${++this.#registry.lastFramework}` as FrameworkId;
  }

  newStreamId(): string {
    return `stream-${++this.#lastStream}`;
  }

  addAgent(): void {
    const { milliCpus, ...options } = this.#options;
    const id = `agent-${++this.#lastAgent}` as AgentId;
    const agent = new Agent({
      ...options,
      id,
      milliCpus,
      taskKey: (frameworkId, taskId) => `${frameworkId}/${taskId}`,
      register: (link, message) => this.#leader?.register(link, message) ?? false,
      toMaster: (agentId, message) => this.#leader?.fromAgent(agentId, message),
      onParted: (agentId) => this.#leader?.agentParted(agentId),
    });
    this.#agents.push(agent);
    agent.start();
  }

  /** An operator tells the master which hosts are gone for good. */
  heal(): void {
    this.#healed = true;
    for (const agent of this.agents) agent.heal();
    this.#markGone();
  }

  pickAgent(): Agent | undefined {
    const { agents } = this;
    return agents[randomInt(this.#options.random, agents.length)];
  }

  /** Another master takes over after a while; it knows nothing but which agents there are. */
  failOver(downMs: number): boolean {
    if (this.#leader === undefined) return false;
    this.#leader.die();
    this.#leader = undefined;
    for (const agent of this.#agents) agent.loseMaster();
    this.#options.time.schedule(downMs, () => this.#lead());
    return true;
  }

  #markGone(): void {
    for (const { id, gone } of this.#agents) if (gone) this.#leader?.markGone(id);
  }

  #lead(): void {
    const { time, random, faults, observe } = this.#options;
    observe({ type: "master-changed" });
    this.#leader = new Master({
      time,
      random,
      faults,
      registry: this.#registry,
      adoptTimeoutMs: ADOPT_TIMEOUT_MS,
      events: {
        agentUnreachable: (agentId) => observe({ type: "agent-unreachable", agentId }),
        adoptionTimedOut: (frameworkId) => observe({ type: "adoption-timed-out", site: siteOfFramework(frameworkId) }),
      },
    });
    if (this.#healed) this.#markGone();
  }
}
