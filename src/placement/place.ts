import { Heap } from "../base/heap.ts";
import type { AgentId, Attribute, Offer, OfferId, Resource } from "../mesos/types.ts";
import { ResourcePools } from "./pools.ts";
import { minus, nothing, offered, plus, type Quantities, quantityNames } from "./quantities.ts";
import type { Obstacle } from "./reasons.ts";
import { brokenConstraint, executorCharge, type Shape } from "./shape.ts";

/** An agent with all its offers in hand: they are used or given back together. */
export interface Host {
  readonly agentId: AgentId;
  readonly hostname: string;
  readonly attributes: readonly Attribute[];
  readonly offers: readonly Offer[];
  /** Held there by our own tasks and executors. */
  readonly inUse: Quantities;
  /** Our executors there that can take a task without being charged again: by their keys, the tasks that each has. */
  readonly executors: ReadonlyMap<string, number>;
  /** Set while nothing is to be placed there. */
  readonly pause: { readonly untilMs: number; readonly reason: string } | undefined;
}

export interface Waiting {
  readonly key: string;
  /** Its place in the queue over all groups. */
  readonly order: number;
}

/** Requests of one shape, by rising `order`. `waiting` is read only as far as there is room. */
export interface WaitingGroup {
  readonly shape: Shape;
  readonly waiting: Iterable<Waiting>;
}

export interface Launch {
  readonly key: string;
  readonly resources: readonly Resource[];
  /** For the executor that this task starts; null where it runs already or an earlier launch starts it. */
  readonly executorResources: readonly Resource[] | null;
}

/** Something goes to this host: all its offers are accepted together. */
export interface HostAccept {
  readonly agentId: AgentId;
  readonly hostname: string;
  readonly offerIds: readonly OfferId[];
  readonly launches: readonly Launch[];
}

export interface HostDecline {
  readonly agentId: AgentId;
  readonly offerIds: readonly OfferId[];
  /** null: nothing waits that could need it; the caller may keep it for a moment. */
  readonly refuseSeconds: number | null;
}

/** A group of which some requests still wait, with what stood in their way on each host. */
export interface UnplacedGroup {
  readonly shape: Shape;
  readonly obstacles: readonly { readonly agentId: AgentId; readonly obstacle: Obstacle }[];
}

export interface Placement {
  readonly accepts: readonly HostAccept[];
  readonly declines: readonly HostDecline[];
  readonly unplaced: readonly UnplacedGroup[];
}

/**
 * How long the master is to keep an offer from us. A filter hides only what is contained in the refused resources, so
 * that an agent which gets more to give is heard of at once; and work of a new shape sends REVIVE, which lifts it.
 */
const REFUSE_SHORT_SECONDS = 60;
const REFUSE_CONSTRAINT_SECONDS = 300;

/**
 * Decides where waiting requests go.
 *
 * One by one in queue order: hard constraints, then resources, then the fullest host that has room (the mean of the
 * shares of cpus and memory in use, ties by host name and agent id); later requests see what earlier ones took. A
 * request that fits nowhere holds up no other. Since room only shrinks, the first failure of a shape settles the round
 * for all of that shape: the cost is shapes × hosts plus the number of launches, however long the queue.
 */
export function place(input: {
  readonly hosts: readonly Host[];
  readonly groups: Iterable<WaitingGroup>;
  readonly nowMs: number;
}): Placement {
  const rooms = input.hosts.map((host) => new Room(host, input.nowMs));
  const queue = new Heap<GroupTurn>((a, b) => a.head.order < b.head.order);
  for (const group of input.groups) {
    const iterator = group.waiting[Symbol.iterator]();
    const first = iterator.next();
    if (first.done !== true) queue.push({ shape: group.shape, iterator, head: first.value, candidates: [], seen: -1 });
  }

  let placed = 0;
  const failed: Shape[] = [];
  for (let turn = queue.pop(); turn !== undefined; turn = queue.pop()) {
    const { shape } = turn;
    // What other shapes have taken since may have changed the order; what this one took only made its best host better.
    if (turn.seen !== placed) turn.candidates = rankBestLast(rooms, shape);
    let best = turn.candidates.at(-1);
    while (best !== undefined && !best.hasRoom(shape)) {
      turn.candidates.pop();
      best = turn.candidates.at(-1);
    }
    if (best === undefined) {
      failed.push(shape);
      continue;
    }
    best.assign(turn.head.key, shape);
    turn.seen = ++placed;
    const next = turn.iterator.next();
    if (next.done === true) continue;
    turn.head = next.value;
    queue.push(turn);
  }

  return {
    accepts: rooms.filter((room) => room.launches.length > 0).map((room) => room.accept()),
    declines: rooms.filter((room) => room.launches.length === 0).map((room) => room.decline(failed)),
    unplaced: failed.map((shape) => ({
      shape,
      obstacles: rooms.flatMap((room) => {
        const obstacle = room.obstacle(shape);
        return obstacle === undefined ? [] : [{ agentId: room.host.agentId, obstacle }];
      }),
    })),
  };
}

/** A group whose first request is the next of its shape. */
interface GroupTurn {
  readonly shape: Shape;
  readonly iterator: Iterator<Waiting>;
  head: Waiting;
  /** Hosts with room, the best one last. */
  candidates: Room[];
  /** Launches of the round when `candidates` was last known to be right. */
  seen: number;
}

function rankBestLast(rooms: readonly Room[], shape: Shape): Room[] {
  return rooms
    .filter((room) => room.obstacle(shape) === undefined)
    .map((room) => ({ room, fitness: room.fitness(shape) }))
    .sort((a, b) => a.fitness - b.fitness || compareHosts(b.room.host, a.room.host))
    .map(({ room }) => room);
}

function compareHosts(a: Host, b: Host): number {
  if (a.hostname !== b.hostname) return a.hostname < b.hostname ? -1 : 1;
  return a.agentId < b.agentId ? -1 : 1;
}

/** A host during one round, with running sums. */
class Room {
  readonly host: Host;
  readonly launches: Launch[] = [];
  readonly #nowMs: number;
  readonly #pools: ResourcePools;
  readonly #executors: Map<string, number>;
  readonly #capacity: Quantities;
  #free: Quantities;

  constructor(host: Host, nowMs: number) {
    this.host = host;
    this.#nowMs = nowMs;
    this.#pools = new ResourcePools(host.offers);
    this.#executors = new Map(host.executors);
    this.#free = offered(host.offers);
    this.#capacity = plus(this.#free, host.inUse);
  }

  obstacle(shape: Shape): Obstacle | undefined {
    const { pause } = this.host;
    if (pause !== undefined && pause.untilMs > this.#nowMs) return { type: "paused", ...pause };
    const constraint = brokenConstraint(shape, this.host);
    if (constraint !== undefined) return { type: "constraint", constraint };
    if (this.#isFull(shape)) return { type: "full", tasks: shape.executor?.slots ?? 0 };
    const need = this.#need(shape);
    const of = quantityNames.find((name) => need[name] > this.#free[name]);
    return of === undefined ? undefined : { type: "short", of, free: this.#free[of] };
  }

  /** For a host that had no obstacle earlier in the round: only what it holds can have changed. */
  hasRoom(shape: Shape): boolean {
    if (this.#isFull(shape)) return false;
    const need = this.#need(shape);
    return quantityNames.every((name) => need[name] <= this.#free[name]);
  }

  /** Mean over cpus and memory of the share in use once the task is there; what the host has none of does not count. */
  fitness(shape: Shape): number {
    const rest = minus(this.#free, this.#need(shape));
    const shares = quantityNames
      .filter((name) => this.#capacity[name] > 0)
      .map((name) => (this.#capacity[name] - rest[name]) / this.#capacity[name]);
    return shares.length === 0 ? 1 : shares.reduce((sum, share) => sum + share, 0) / shares.length;
  }

  assign(key: string, shape: Shape): void {
    const { executor } = shape;
    this.#free = minus(this.#free, this.#need(shape));
    const startsExecutor = executor !== null && !this.#executors.has(executor.key);
    const executorResources = startsExecutor ? this.#pools.take(executor.resources) : null;
    if (executor !== null) this.#executors.set(executor.key, (this.#executors.get(executor.key) ?? 0) + 1);
    this.launches.push({ key, resources: this.#pools.take(shape.resources), executorResources });
  }

  accept(): HostAccept {
    const { agentId, hostname } = this.host;
    return { agentId, hostname, offerIds: this.#offerIds(), launches: this.launches };
  }

  decline(failed: readonly Shape[]): HostDecline {
    let refuseSeconds: number | null = null;
    for (const shape of failed) {
      const obstacle = this.obstacle(shape);
      if (obstacle === undefined) continue;
      refuseSeconds = Math.min(refuseSeconds ?? Infinity, this.#refusal(obstacle));
    }
    return { agentId: this.host.agentId, offerIds: this.#offerIds(), refuseSeconds };
  }

  #refusal(obstacle: Obstacle): number {
    if (obstacle.type === "paused") return Math.ceil((obstacle.untilMs - this.#nowMs) / 1000);
    return obstacle.type === "constraint" ? REFUSE_CONSTRAINT_SECONDS : REFUSE_SHORT_SECONDS;
  }

  /** There is no second executor beside one that is full: what it holds is meant once for each agent. */
  #isFull({ executor }: Shape): boolean {
    return executor !== null && (this.#executors.get(executor.key) ?? 0) >= executor.slots;
  }

  #need(shape: Shape): Quantities {
    const charge = executorCharge(shape, this.#executors);
    return charge === nothing ? shape.resources : plus(shape.resources, charge);
  }

  #offerIds(): readonly OfferId[] {
    return this.host.offers.map((offer) => offer.id);
  }
}
