import { ZooKeeperProtocolError } from "./errors.ts";

export interface SessionRequest {
  /** The asker's. */
  readonly id: number;
  readonly opcode: number;
  readonly body: Uint8Array;
}

interface Waiting {
  readonly request: SessionRequest;
  readonly askedMs: number;
}

interface Sent {
  /** undefined: its asker has given up. */
  id: number | undefined;
  readonly xid: number;
  readonly askedMs: number;
  readonly sentMs: number;
  readonly bytes: number;
}

export interface LateRequest {
  readonly id: number;
  /** Whether it was sent. */
  readonly mayBeDone: boolean;
}

/** What a request costs beside its body. */
const OVERHEAD_BYTES = 200;

/**
 * Requests of a session: those that wait to be sent, and behind them in age those that wait to be answered, both in the
 * order of asking. ZooKeeper answers in the order of sending.
 */
export class RequestQueue {
  readonly #maxBytes: number;
  readonly #waiting: Waiting[] = [];
  readonly #sent: Sent[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** When the oldest was asked whose asker still waits. */
  get oldestMs(): number | undefined {
    return this.#sent.find(({ id }) => id !== undefined)?.askedMs ?? this.#waiting[0]?.askedMs;
  }

  /** @returns false: there is no room for it */
  add(request: SessionRequest, nowMs: number): boolean {
    const bytes = bytesOf(request);
    if (this.#bytes + bytes > this.#maxBytes) return false;
    this.#bytes += bytes;
    this.#waiting.push({ request, askedMs: nowMs });
    return true;
  }

  /** The next one to be sent, which counts as sent from now on, by that number. */
  send(xid: number, nowMs: number): SessionRequest | undefined {
    const next = this.#waiting.shift();
    if (next === undefined) return undefined;
    const { request, askedMs } = next;
    this.#sent.push({ id: request.id, xid, askedMs, sentMs: nowMs, bytes: bytesOf(request) });
    return request;
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** @throws {ZooKeeperProtocolError} an answer to something else than the oldest request */
  answered(xid: number): Pick<Sent, "id" | "sentMs"> {
    const oldest = this.#sent[0];
    if (oldest?.xid !== xid) {
      const expected = oldest === undefined ? "nothing was asked" : `it must be to ${oldest.xid}`;
      throw new ZooKeeperProtocolError(`Cannot use answer to request ${xid}: ${expected}`);
    }
    this.#sent.shift();
    this.#bytes -= oldest.bytes;
    return oldest;
  }

  /** Those asked at or before that time. What was sent of them keeps its place, for the answer that may still come. */
  takeLate(askedMs: number): readonly LateRequest[] {
    const late: LateRequest[] = [];
    for (const sent of this.#sent) {
      if (sent.id === undefined || sent.askedMs > askedMs) continue;
      late.push({ id: sent.id, mayBeDone: true });
      sent.id = undefined;
    }
    for (let first = this.#waiting[0]; first !== undefined && first.askedMs <= askedMs; first = this.#waiting[0]) {
      this.#waiting.shift();
      this.#bytes -= bytesOf(first.request);
      late.push({ id: first.request.id, mayBeDone: false });
    }
    return late;
  }

  /** Ids of all that were sent: nobody will answer them. */
  takeSent(): readonly number[] {
    const sent = this.#sent.splice(0);
    for (const { bytes } of sent) this.#bytes -= bytes;
    return sent.flatMap(({ id }) => (id === undefined ? [] : [id]));
  }

  takeAll(): readonly number[] {
    const ids = [...this.takeSent(), ...this.#waiting.splice(0).map(({ request }) => request.id)];
    this.#bytes = 0;
    return ids;
  }
}

function bytesOf({ body }: SessionRequest): number {
  return OVERHEAD_BYTES + body.byteLength;
}
