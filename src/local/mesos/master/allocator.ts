import { invariant } from "../../../base/errors.ts";
import { type Random, randomInt } from "../../../base/random.ts";
import type { AgentId, FrameworkId } from "../../../mesos/types.ts";
import { Resources } from "../resources.ts";
import { FilterList } from "./filters.ts";
import { isEnough } from "./offer-wishes.ts";
import { Share } from "./share.ts";

/** Resources that a run gave to a framework, to be offered. */
export interface Allocation {
  readonly frameworkId: FrameworkId;
  readonly role: string;
  readonly agentId: AgentId;
  readonly resources: Resources;
}

interface Claim {
  suppressed: boolean;
  readonly filters: Map<AgentId, FilterList>;
}

/** Whether a framework wants such an offer at all. */
export type Wants = (role: string, agentId: AgentId, resources: Resources) => boolean;

interface Contender {
  readonly id: FrameworkId;
  wants: Wants;
  /** Connected, so that it can be offered something. */
  active: boolean;
  readonly claims: Map<string, Claim>;
  /** What it has by role, also of roles that it gave up while tasks of them go on. */
  readonly shares: Map<string, Share>;
}

/**
 * Decides who is offered what. A run visits every agent in random order and gives all that is free there to the first
 * framework, by dominant share of its role and then its own, that is neither suppressed nor kept off by a filter.
 *
 * When a run takes place is decided by the master.
 */
export class Allocator {
  readonly #random: Random;
  readonly #free = new Map<AgentId, Resources>();
  /** Agents of which nothing is offered. */
  readonly #idle = new Set<AgentId>();
  readonly #total = new Share();
  readonly #roles = new Map<string, Share>();
  readonly #contenders = new Map<FrameworkId, Contender>();

  constructor(random: Random) {
    this.#random = random;
  }

  addAgent(agentId: AgentId, total: Resources): void {
    this.#free.set(agentId, total);
    this.#total.add(total);
  }

  /** Whether its resources are offered at all: not while it is away, or kept off by an operator. */
  setAgentActive(agentId: AgentId, active: boolean): void {
    if (active) this.#idle.delete(agentId);
    else this.#idle.add(agentId);
  }

  /** @param total what {@link addAgent} was given; what was allocated on the agent must have been released before */
  removeAgent(agentId: AgentId, total: Resources): void {
    this.#free.delete(agentId);
    this.#idle.delete(agentId);
    this.#total.subtract(total);
    for (const { claims } of this.#contenders.values()) {
      for (const claim of claims.values()) claim.filters.delete(agentId);
    }
  }

  /** Also for one that is known: roles that it no longer has are forgotten, with their filters. */
  setFramework(
    id: FrameworkId,
    roles: readonly string[],
    suppressed: readonly string[],
    wants: Wants = (_role, _agentId, resources) => isEnough(resources),
  ): void {
    const known = this.#contenders.get(id);
    const contender = known ?? {
      id,
      wants,
      active: false,
      claims: new Map<string, Claim>(),
      shares: new Map<string, Share>(),
    };
    contender.wants = wants;
    this.#contenders.set(id, contender);
    const [wanted, unwanted] = [new Set(roles), new Set(suppressed)];
    for (const role of contender.claims.keys()) {
      if (!wanted.has(role)) contender.claims.delete(role);
    }
    for (const role of roles) {
      const claim = contender.claims.get(role) ?? { suppressed: false, filters: new Map() };
      claim.suppressed = unwanted.has(role);
      contender.claims.set(role, claim);
    }
  }

  activate(id: FrameworkId): void {
    this.#contender(id).active = true;
  }

  /** No more offers, and its filters are forgotten. */
  deactivate(id: FrameworkId): void {
    const contender = this.#contender(id);
    contender.active = false;
    for (const { filters } of contender.claims.values()) filters.clear();
  }

  removeFramework(id: FrameworkId): void {
    this.#contenders.delete(id);
  }

  revive(id: FrameworkId, roles: readonly string[]): void {
    for (const claim of this.#claims(id, roles)) {
      claim.suppressed = false;
      claim.filters.clear();
    }
  }

  suppress(id: FrameworkId, roles: readonly string[]): void {
    for (const claim of this.#claims(id, roles)) claim.suppressed = true;
  }

  /** Takes resources outside of a run: tasks that an agent brings along when it registers. */
  charge({ frameworkId, role, agentId, resources }: Allocation): void {
    const free = this.#free.get(agentId);
    if (free !== undefined) this.#free.set(agentId, free.minus(resources));
    this.#shareOf(frameworkId, role)?.add(resources);
    shareIn(this.#roles, role).add(resources);
  }

  /** Gives resources back; with `refuseUntilMs` also a filter against them. */
  release({ frameworkId, role, agentId, resources }: Allocation, refuseUntilMs?: number): void {
    if (resources.isEmpty) return;
    const free = this.#free.get(agentId);
    if (free !== undefined) this.#free.set(agentId, free.plus(resources));
    shareIn(this.#roles, role).subtract(resources);
    this.#shareOf(frameworkId, role)?.subtract(resources);
    const claim = this.#contenders.get(frameworkId)?.claims.get(role);
    if (claim === undefined || refuseUntilMs === undefined || free === undefined) return;
    let filters = claim.filters.get(agentId);
    if (filters === undefined) claim.filters.set(agentId, (filters = new FilterList()));
    filters.add(resources, refuseUntilMs);
  }

  /** One run over all agents. */
  allocate(nowMs: number): Allocation[] {
    const allocations: Allocation[] = [];
    for (const agentId of this.#shuffledAgents()) {
      const resources = this.#free.get(agentId) ?? Resources.none;
      if (this.#idle.has(agentId) || resources.isEmpty) continue;
      const taker = this.#order().find(({ claim, role, wants }) => {
        if (!wants(role, agentId, resources)) return false;
        const filters = claim.filters.get(agentId);
        return filters === undefined || !filters.blocks(resources, nowMs);
      });
      if (taker === undefined) continue;
      const allocation = { frameworkId: taker.id, role: taker.role, agentId, resources };
      this.charge(allocation);
      allocations.push(allocation);
    }
    return allocations;
  }

  /** Those that may be offered something, neediest first. */
  #order(): readonly {
    readonly id: FrameworkId;
    readonly role: string;
    readonly claim: Claim;
    readonly wants: Wants;
  }[] {
    const order = [];
    for (const { id, active, claims, shares, wants } of this.#contenders.values()) {
      if (!active) continue;
      for (const [role, claim] of claims) {
        if (claim.suppressed) continue;
        const roleShare = shareIn(this.#roles, role).dominant(this.#total);
        const share = shareIn(shares, role).dominant(this.#total);
        order.push({ id, role, claim, wants, roleShare, share });
      }
    }
    return order.sort(
      (a, b) => a.roleShare - b.roleShare || compare(a.role, b.role) || a.share - b.share || compare(a.id, b.id),
    );
  }

  #shuffledAgents(): AgentId[] {
    const agents = [...this.#free.keys()];
    for (let i = agents.length - 1; i > 0; i--) {
      const j = randomInt(this.#random, i + 1);
      const [a, b] = [agents[i], agents[j]];
      if (a === undefined || b === undefined) continue;
      agents[i] = b;
      agents[j] = a;
    }
    return agents;
  }

  #claims(id: FrameworkId, roles: readonly string[]): Claim[] {
    const { claims } = this.#contender(id);
    const named = roles.length === 0 ? [...claims.keys()] : roles;
    return named.map((role) => claims.get(role)).filter((claim) => claim !== undefined);
  }

  #shareOf(id: FrameworkId, role: string): Share | undefined {
    const contender = this.#contenders.get(id);
    return contender && shareIn(contender.shares, role);
  }

  #contender(id: FrameworkId): Contender {
    const contender = this.#contenders.get(id);
    invariant(contender !== undefined, `Allocator does not know framework ${id}`);
    return contender;
  }
}

function shareIn(shares: Map<string, Share>, role: string): Share {
  let share = shares.get(role);
  if (share === undefined) shares.set(role, (share = new Share()));
  return share;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
