import { concatBytes, giveBack } from "../../base/bytes.ts";
import { BrigadeError, describeError } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import { ProtocolError } from "../../kafka/protocol/errors.ts";
import type { Broker } from "./broker.ts";
import { answerRequest, answerToken, mayOverlap, REQUEST_KIND_BYTES, requestKindProblem } from "./dispatcher.ts";
import { FrameSplitter } from "./protocol/frame-splitter.ts";
import { SaslSession } from "./sasl/sasl-session.ts";

/** What a connection needs of its socket. */
export interface Outlet {
  /** Takes as many bytes as it has room for, and tells how many. The rest comes after {@link Connection.drained}. */
  write(bytes: Uint8Array): number;
  /** Stops and goes on with reading. */
  pause(): void;
  resume(): void;
  /** Sends what was written, and closes. */
  end(): void;
  /** Cuts the connection. */
  terminate(): void;
}

export interface ConnectionOptions {
  readonly broker: Broker;
  readonly outlet: Outlet;
  /** `127.0.0.1:54321`, for people. */
  readonly peer: string;
  readonly clientHost: string;
  readonly log: Logger;
}

/** Whole requests that may wait in one connection before it is read no further. */
const MOST_WAITING = 64;
/** Largest request of who has not shown who it is (Kafka's `sasl.server.max.receive.size`). */
const STRANGERS_MAX_BYTES = 524_288;
/** Produce requests under way at once in one connection. */
const MOST_OVERLAPPING = 32;

/** A request under way, in the order of arrival. */
interface Slot {
  ended: boolean;
  answer: Uint8Array | undefined;
}

/**
 * One client's connection: requests in, answers out, in the same order.
 *
 * As in a real broker a request begins when the one before it is answered. Only Produce requests overlap, since those
 * that are sent one after another shall share a transaction. What is not answered in time makes the client wait: while
 * enough requests are here, or answers that the client does not take, nothing more is read.
 */
export class Connection {
  readonly #broker: Broker;
  readonly #outlet: Outlet;
  readonly #log: Logger;
  readonly #peer: string;
  readonly #clientHost: string;
  readonly #frames: FrameSplitter;
  readonly #sasl: SaslSession;
  readonly #gone = new AbortController();
  #waiting: Uint8Array[] = [];
  #slots: Slot[] = [];
  #overlapping = false;
  /** Answers, or the rest of one, that the socket has no room for yet. */
  #unsent: Uint8Array | undefined;
  #paused = false;

  constructor({ broker, outlet, peer, clientHost, log }: ConnectionOptions) {
    this.#broker = broker;
    this.#outlet = outlet;
    this.#peer = peer;
    this.#clientHost = clientHost;
    this.#log = log;
    this.#sasl = new SaslSession(broker.config.users);
    this.#frames = new FrameSplitter({
      maxBytes: () => (this.#sasl.isTrusted ? broker.config.socketRequestMaxBytes : STRANGERS_MAX_BYTES),
      headBytes: REQUEST_KIND_BYTES,
      headProblem: (head) => (this.#sasl.expectsToken ? undefined : requestKindProblem(head)),
    });
  }

  /** Whether a request is under way, so that silence is no sign of a client that is gone. */
  get isBusy(): boolean {
    return this.#slots.length > 0;
  }

  /** Keeps nothing of the chunk. */
  received(chunk: Uint8Array): void {
    if (this.#gone.signal.aborted) return;
    try {
      this.#waiting.push(...this.#frames.push(chunk));
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#startNext();
  }

  /** The socket has room again. */
  drained(): void {
    const unsent = this.#unsent;
    this.#unsent = undefined;
    if (unsent !== undefined) this.#send(unsent);
    this.#startNext();
  }

  /** The socket is closed, by whomever. */
  closed(): void {
    this.#gone.abort();
    this.#waiting = [];
    this.#slots = [];
    this.#unsent = undefined;
  }

  #startNext(): void {
    while (this.#unsent === undefined && !this.#gone.signal.aborted) {
      const frame = this.#waiting[0];
      if (frame === undefined || !this.#mayStart(frame)) break;
      this.#waiting.shift();
      this.#start(frame);
    }
    this.#adjustReading();
  }

  #mayStart(frame: Uint8Array): boolean {
    if (this.#slots.length === 0) return true;
    return this.#overlapping && this.#slots.length < MOST_OVERLAPPING && mayOverlap(frame);
  }

  #start(frame: Uint8Array): void {
    const slot: Slot = { ended: false, answer: undefined };
    this.#overlapping = !this.#sasl.expectsToken && mayOverlap(frame);
    this.#slots.push(slot);
    this.#answer(frame).then(
      (answer) => {
        // Of other requests a group may keep parts.
        if (mayOverlap(frame)) giveBack(frame);
        slot.ended = true;
        slot.answer = answer;
        this.#sendEnded();
        if (this.#sasl.hasFailed) this.#end();
        else this.#startNext();
      },
      (error: unknown) => this.#fail(error),
    );
  }

  async #answer(frame: Uint8Array): Promise<Uint8Array | undefined> {
    const client = { clientHost: this.#clientHost, signal: this.#gone.signal, sasl: this.#sasl };
    if (!this.#sasl.expectsToken) return await answerRequest(this.#broker, frame, client);
    const answer = answerToken(frame, client);
    return this.#sasl.hasFailed ? undefined : answer;
  }

  #sendEnded(): void {
    const answers: Uint8Array[] = [];
    for (let slot = this.#slots[0]; slot?.ended === true; slot = this.#slots[0]) {
      if (slot.answer !== undefined) answers.push(slot.answer);
      this.#slots.shift();
    }
    const [only] = answers;
    if (only !== undefined) this.#send(answers.length === 1 ? only : concatBytes(answers));
  }

  #send(bytes: Uint8Array): void {
    if (this.#gone.signal.aborted) return;
    if (this.#unsent !== undefined) {
      this.#unsent = concatBytes([this.#unsent, bytes]);
      return;
    }
    const sent = Math.max(0, this.#outlet.write(bytes));
    if (sent < bytes.byteLength) this.#unsent = bytes.subarray(sent);
    else giveBack(bytes);
  }

  #adjustReading(): void {
    const full = this.#waiting.length >= MOST_WAITING || this.#unsent !== undefined;
    if (full === this.#paused) return;
    this.#paused = full;
    if (full) this.#outlet.pause();
    else this.#outlet.resume();
  }

  /** Who could not show who it is gets its answer, and nothing more. */
  #end(): void {
    if (this.#gone.signal.aborted) return;
    this.#log.warn("kafka connection closed: the client could not authenticate", { client: this.#peer });
    this.closed();
    this.#outlet.end();
  }

  #fail(error: unknown): void {
    if (this.#gone.signal.aborted) return;
    const fields = { client: this.#peer, reason: describeError(error) };
    if (error instanceof ProtocolError)
      this.#log.warn("kafka connection closed: it does not speak the protocol", fields);
    else if (error instanceof BrigadeError) this.#log.error("kafka connection closed: the request failed", fields);
    else this.#log.error("kafka connection closed: the request met a mistake in the broker", { ...fields, error });
    this.closed();
    this.#outlet.terminate();
  }
}
