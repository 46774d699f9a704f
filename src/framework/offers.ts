import type { AgentId, Offer, OfferId } from "../mesos/types.ts";

/** The offers in hand, by agent. They die with the subscription: no RESCIND tells. */
export class Offers {
  readonly #agentOf = new Map<OfferId, AgentId>();
  readonly #byAgent = new Map<AgentId, Map<OfferId, Offer>>();

  get size(): number {
    return this.#agentOf.size;
  }

  add(offer: Offer): void {
    this.#agentOf.set(offer.id, offer.agentId);
    const ofAgent = this.#byAgent.get(offer.agentId);
    if (ofAgent === undefined) this.#byAgent.set(offer.agentId, new Map([[offer.id, offer]]));
    else ofAgent.set(offer.id, offer);
  }

  /** Used, declined or rescinded. */
  remove(id: OfferId): void {
    const agentId = this.#agentOf.get(id);
    if (agentId === undefined) return;
    this.#agentOf.delete(id);
    const ofAgent = this.#byAgent.get(agentId);
    ofAgent?.delete(id);
    if (ofAgent?.size === 0) this.#byAgent.delete(agentId);
  }

  removeAgent(agentId: AgentId): void {
    for (const id of this.#byAgent.get(agentId)?.keys() ?? []) this.#agentOf.delete(id);
    this.#byAgent.delete(agentId);
  }

  /** Takes all of them. */
  takeAll(): readonly OfferId[] {
    const ids = [...this.#agentOf.keys()];
    this.clear();
    return ids;
  }

  clear(): void {
    this.#agentOf.clear();
    this.#byAgent.clear();
  }

  /** Agents in the order of their first offer. */
  *agents(): Iterable<readonly [AgentId, readonly Offer[]]> {
    for (const [agentId, offers] of this.#byAgent) yield [agentId, [...offers.values()]];
  }
}
