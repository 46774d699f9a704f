import { assignPartitions, type Holding } from "../../../src/kafka/assignor.ts";
import type { VirtualTime } from "../time.ts";

export const SESSION_TIMEOUT_MS = 10_000;
const REBALANCE_TIMEOUT_MS = 30_000;

export interface JoinAnswer {
  readonly memberId: string;
  readonly generation: number;
  readonly partitions: readonly number[];
}

export interface CommittedOffset {
  readonly offset: number;
  readonly metadata: string;
}

interface Member {
  readonly id: string;
  /** The process behind it. */
  readonly owner: string;
  holding: Holding;
  /** Set while it waits for the others to join. */
  joined: ((answer: JoinAnswer | "unknown-member") => void) | undefined;
  cancelExpiry: () => void;
}

export interface CoordinatorEvents {
  assigned(owners: ReadonlyMap<number, string>): void;
  committed(owner: string, partition: number, offset: CommittedOffset): void;
  expired(): void;
}

/** The coordinator of one consumer group: members, generations, fencing, and what the group has committed. */
export class Coordinator {
  readonly #time: VirtualTime;
  readonly #partitions: readonly number[];
  readonly #events: CoordinatorEvents;
  readonly #members = new Map<string, Member>();
  /** Ids that were given out and have not joined yet. */
  readonly #expected = new Set<string>();
  readonly #committed = new Map<number, CommittedOffset>();
  #generation = 0;
  #rebalancing = false;
  #cancelDeadline: () => void = () => undefined;
  #lastMember = 0;

  constructor(time: VirtualTime, partitions: number, events: CoordinatorEvents) {
    this.#time = time;
    this.#partitions = Array.from({ length: partitions }, (_, partition) => partition);
    this.#events = events;
  }

  committed(partition: number): CommittedOffset | null {
    return this.#committed.get(partition) ?? null;
  }

  /** A member learns its id before it joins (KIP-394), so that it is known again if it has to come back. */
  newMemberId(owner: string): string {
    const id = `${owner}-${++this.#lastMember}`;
    this.#expected.add(id);
    return id;
  }

  /** Answers when all have joined, or at once where the member id is unknown. */
  join(
    memberId: string,
    owner: string,
    holding: Holding,
    answer: (answer: JoinAnswer | "unknown-member") => void,
  ): void {
    const known = this.#members.get(memberId);
    if (known === undefined && !this.#expected.delete(memberId)) return answer("unknown-member");
    const member: Member = known ?? { id: memberId, owner, holding, joined: undefined, cancelExpiry: () => undefined };
    this.#members.set(member.id, member);
    member.holding = holding;
    member.cancelExpiry();
    member.joined = answer;
    this.#rebalance();
  }

  heartbeat(memberId: string, generation: number): "ok" | "rebalance" | "unknown-member" {
    const member = this.#members.get(memberId);
    if (member === undefined || generation !== this.#generation) return "unknown-member";
    this.#heard(member);
    return this.#rebalancing ? "rebalance" : "ok";
  }

  leave(memberId: string): void {
    const member = this.#members.get(memberId);
    if (member === undefined) return;
    this.#remove(member);
    this.#rebalance();
  }

  /** Refused for whoever is not a member of the present generation. */
  commit(memberId: string, generation: number, offsets: ReadonlyMap<number, CommittedOffset>): "ok" | "stale" {
    const member = this.#members.get(memberId);
    if (member === undefined || generation !== this.#generation) return "stale";
    for (const [partition, offset] of offsets) {
      this.#events.committed(member.owner, partition, offset);
      this.#committed.set(partition, offset);
    }
    return "ok";
  }

  /** Forgets a member that did nothing wrong, as after the loss of a coordinator. */
  forget(pick: (count: number) => number): void {
    const ids = [...this.#members.keys()];
    const id = ids[pick(ids.length)];
    if (id !== undefined) this.leave(id);
  }

  #remove(member: Member): void {
    member.cancelExpiry();
    this.#members.delete(member.id);
    member.joined?.("unknown-member");
  }

  #heard(member: Member): void {
    member.cancelExpiry();
    member.cancelExpiry = this.#time.schedule(SESSION_TIMEOUT_MS, () => {
      this.#events.expired();
      this.leave(member.id);
    });
  }

  #rebalance(): void {
    if (!this.#rebalancing) {
      this.#rebalancing = true;
      this.#cancelDeadline = this.#time.schedule(REBALANCE_TIMEOUT_MS, () => {
        for (const member of [...this.#members.values()]) {
          if (member.joined === undefined) this.#remove(member);
        }
        this.#complete();
      });
    }
    if ([...this.#members.values()].every(({ joined }) => joined !== undefined)) this.#complete();
  }

  #complete(): void {
    this.#cancelDeadline();
    this.#rebalancing = false;
    this.#generation++;
    const states = [...this.#members.values()].map(({ id, holding }) => ({ memberId: id, ...holding }));
    const assignment = assignPartitions(states, this.#partitions);
    const owners = new Map<number, string>();
    for (const [id, partitions] of assignment) {
      for (const partition of partitions) owners.set(partition, this.#members.get(id)?.owner ?? "");
    }
    this.#events.assigned(owners);
    for (const member of this.#members.values()) {
      this.#heard(member);
      const answer = member.joined;
      member.joined = undefined;
      answer?.({ memberId: member.id, generation: this.#generation, partitions: assignment.get(member.id) ?? [] });
    }
  }
}
