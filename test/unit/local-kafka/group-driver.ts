import { Group } from "../../../src/local/kafka/groups/group.ts";
import type { GroupCommand, JoinRequest, SyncRequest, Ticket } from "../../../src/local/kafka/groups/group-types.ts";
import type { JoinGroupResponse } from "../../../src/local/kafka/messages/join-group.ts";
import type { SyncGroupResponse } from "../../../src/local/kafka/messages/sync-group.ts";
import { ErrorCode } from "../../../src/local/kafka/protocol/error-codes.ts";

export const SESSION_MS = 10_000;
export const REBALANCE_MS = 60_000;

export function errorName(code: number): string {
  return Object.entries(ErrorCode).find(([, known]) => known === code)?.[0] ?? String(code);
}

/** A group with the time and the tickets that its coordinator would give it. Every answer is kept. */
export class GroupDriver {
  readonly group: Group;
  readonly joins = new Map<Ticket, JoinGroupResponse>();
  readonly syncs = new Map<Ticket, SyncGroupResponse>();
  readonly generations: number[] = [];
  nowMs = 1000;
  lastTicket = 0;

  constructor(options: Partial<ConstructorParameters<typeof Group>[0]> = {}) {
    this.group = new Group({ generation: 0, maxSize: 100, initialRebalanceDelayMs: 0, ...options });
  }

  join(memberId: string, request: Partial<JoinRequest> = {}): Ticket {
    const ticket = ++this.lastTicket;
    const commands = this.group.join(
      {
        ticket,
        memberId,
        newMemberId: `new-${ticket}`,
        requireKnownMemberId: false,
        groupInstanceId: null,
        clientId: "client",
        clientHost: "/127.0.0.1",
        sessionTimeoutMs: SESSION_MS,
        rebalanceTimeoutMs: REBALANCE_MS,
        protocolType: "consumer",
        protocols: [{ name: "range", metadata: Uint8Array.of(1) }],
        ...request,
      },
      this.nowMs,
    );
    this.#keep(commands);
    return ticket;
  }

  sync(
    memberId: string,
    generationId: number,
    assignments: Readonly<Record<string, string>> = {},
    request: Partial<SyncRequest> = {},
  ): Ticket {
    const ticket = ++this.lastTicket;
    const commands = this.group.sync(
      {
        ticket,
        memberId,
        generationId,
        protocolType: null,
        protocolName: null,
        assignments: Object.entries(assignments).map(([id, text]) => ({ memberId: id, assignment: Buffer.from(text) })),
        ...request,
      },
      this.nowMs,
    );
    this.#keep(commands);
    return ticket;
  }

  heartbeat(memberId: string, generationId: number): string {
    return errorName(this.group.heartbeat(memberId, generationId, this.nowMs));
  }

  checkCommit(memberId: string, generationId: number, isTransactional = false): string {
    return errorName(this.group.checkCommit({ memberId, generationId, isTransactional }, this.nowMs));
  }

  leave(memberId: string): string {
    const { errorCode, commands } = this.group.leave(memberId, this.nowMs);
    this.#keep(commands);
    return errorName(errorCode);
  }

  /** Moves time on, past each deadline that falls due on the way. */
  advance(ms: number): void {
    const endMs = this.nowMs + ms;
    let idle = 0;
    for (let due = this.group.nextDeadlineMs(); due <= endMs; due = this.group.nextDeadlineMs()) {
      // A deadline that stays when it is past would keep the coordinator's timer firing for ever.
      idle = due <= this.nowMs ? idle + 1 : 0;
      if (idle > 3) throw new Error(`the deadline ${due} stays at ${this.nowMs}`);
      this.nowMs = Math.max(this.nowMs, due);
      this.#keep(this.group.tick(this.nowMs));
    }
    this.nowMs = endMs;
  }

  joinError(ticket: Ticket): string | undefined {
    const answer = this.joins.get(ticket);
    return answer && errorName(answer.errorCode);
  }

  syncError(ticket: Ticket): string | undefined {
    const answer = this.syncs.get(ticket);
    return answer && errorName(answer.errorCode);
  }

  assignment(ticket: Ticket): string | undefined {
    const answer = this.syncs.get(ticket);
    return answer && Buffer.from(answer.assignment).toString();
  }

  #keep(commands: readonly GroupCommand[]): void {
    for (const command of commands) {
      if (command.type === "store-generation") {
        this.generations.push(command.generation);
        continue;
      }
      const answers: Map<Ticket, unknown> = command.type === "answer-join" ? this.joins : this.syncs;
      if (answers.has(command.ticket)) throw new Error(`ticket ${command.ticket} was answered twice`);
      answers.set(command.ticket, command.answer);
    }
  }
}
