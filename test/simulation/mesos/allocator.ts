import { randomInt } from "../../../src/base/random.ts";
import { type AgentId, type FrameworkId, isTerminal, type Offer, type OfferId } from "../../../src/mesos/types.ts";
import { fromThousandths } from "../../../src/placement/quantities.ts";
import { cpusOf } from "./agent.ts";
import type { Framework, KnownAgent, MasterState } from "./master-state.ts";

const INTERVAL_MS = 1000;
const MEM_MB = 100_000;

/** Offers what is free: every second, and at once where somebody asks. An agent goes to one framework, whole. */
export class Allocator {
  readonly #state: MasterState;

  constructor(state: MasterState) {
    this.#state = state;
  }

  start(): void {
    this.#state.options.time.schedule(INTERVAL_MS, () => {
      if (this.#state.dead) return;
      this.allocate();
      this.start();
    });
  }

  /** Without an ACCEPT of it. */
  refuse(framework: Framework, id: OfferId, refuseSeconds: number): void {
    const offer = this.#state.offers.get(id);
    if (offer?.frameworkId !== framework.id) return;
    this.#state.offers.delete(id);
    this.filter(framework, offer.agentId, offer.milliCpus, refuseSeconds);
  }

  /** What a framework leaves of an agent is not offered to it again for a while. */
  filter(framework: Framework, agentId: AgentId, milliCpus: number, refuseSeconds: number): void {
    if (refuseSeconds <= 0 || milliCpus <= 0) return;
    const untilMs = this.#state.options.time.nowMs + Math.max(refuseSeconds * 1000, INTERVAL_MS);
    framework.filters.set(agentId, { untilMs, milliCpus });
  }

  allocate(): void {
    const { random, registry, time, faults } = this.#state.options;
    const perFramework = new Map<Framework, Offer[]>();
    for (const agent of this.#state.agents.values()) {
      const milliCpus = this.#free(agent);
      if (agent.state !== "registered" || milliCpus < 10) continue;
      const takers = [...this.#state.frameworks.values()].filter(({ stream, suppressed, filters }) => {
        const filter = filters.get(agent.id);
        const filtered = filter !== undefined && filter.untilMs > time.nowMs && milliCpus <= filter.milliCpus;
        return stream !== undefined && !suppressed && !filtered;
      });
      const taker = takers[randomInt(random, takers.length)];
      if (taker === undefined) continue;
      const id = `offer-${++registry.lastOffer}` as OfferId;
      this.#state.offers.set(id, { frameworkId: taker.id, agentId: agent.id, milliCpus });
      if (faults.strike("offer-rescinded")) {
        time.schedule(5 * random.next(), () => this.#state.withdrawOffers((_offer, one) => one === id, true));
      }
      perFramework.set(taker, [...(perFramework.get(taker) ?? []), offerOf(id, taker.id, agent, milliCpus)]);
    }
    for (const [framework, offers] of perFramework) framework.stream?.send({ type: "OFFERS", offers });
  }

  #free(agent: KnownAgent): number {
    let used = 0;
    for (const { info } of agent.executors.values()) used += cpusOf(info.resources);
    for (const task of agent.tasks.values()) if (!isTerminal(task.latest)) used += task.milliCpus;
    for (const offer of this.#state.offers.values()) if (offer.agentId === agent.id) used += offer.milliCpus;
    return (agent.link?.milliCpus ?? 0) - used;
  }
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
