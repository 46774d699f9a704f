import { noBytes } from "../../../base/bytes.ts";
import type { JoinGroupProtocol } from "../messages/join-group.ts";
import type { JoinRequest, Ticket } from "./group-types.ts";

/** How long a new member may wait for its first generation, whatever its session time-out (Kafka's own number). */
const NEW_MEMBER_JOIN_TIMEOUT_MS = 300_000;

/** One member of a group, changed in place by its {@link Group}. */
export class Member {
  readonly id: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  sessionTimeoutMs: number;
  rebalanceTimeoutMs: number;
  protocols: readonly JoinGroupProtocol[];
  assignment: Uint8Array = noBytes;
  /** Its JoinGroup that waits for the others. */
  joinTicket: Ticket | undefined;
  /** Its SyncGroup that waits for the leader. */
  syncTicket: Ticket | undefined;
  /** Whether it has not been part of a generation yet. */
  isNew = true;
  #aliveUntilMs: number;

  constructor(id: string, request: JoinRequest, nowMs: number) {
    this.id = id;
    this.groupInstanceId = request.groupInstanceId;
    this.clientId = request.clientId;
    this.clientHost = request.clientHost;
    this.sessionTimeoutMs = request.sessionTimeoutMs;
    this.rebalanceTimeoutMs = request.rebalanceTimeoutMs;
    this.protocols = request.protocols;
    this.joinTicket = request.ticket;
    this.#aliveUntilMs = nowMs + NEW_MEMBER_JOIN_TIMEOUT_MS;
  }

  /** When it counts as gone unless it is heard of before. One that waits for the group cannot be late. */
  get deadlineMs(): number {
    const waits = (this.joinTicket !== undefined && !this.isNew) || this.syncTicket !== undefined;
    return waits ? Number.POSITIVE_INFINITY : this.#aliveUntilMs;
  }

  keepAlive(nowMs: number): void {
    this.#aliveUntilMs = nowMs + this.sessionTimeoutMs;
  }

  metadataOf(protocol: string): Uint8Array {
    return this.protocols.find(({ name }) => name === protocol)?.metadata ?? noBytes;
  }

  /** Whether it asks for the same protocols, with the same metadata and in the same order. */
  matches(protocols: readonly JoinGroupProtocol[]): boolean {
    return (
      protocols.length === this.protocols.length &&
      protocols.every(({ name, metadata }, i) => {
        const own = this.protocols[i];
        return own !== undefined && own.name === name && Buffer.compare(own.metadata, metadata) === 0;
      })
    );
  }
}
