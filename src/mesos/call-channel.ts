import type { Clock } from "../base/clock.ts";
import type { ContentType } from "./codec.ts";
import type { ConnectionLostError, HttpProtocolError } from "./errors.ts";
import type { HostPort } from "./host-port.ts";
import { collectAnswer, type HttpAnswer } from "./http-answer.ts";
import { HttpConnection } from "./http-connection.ts";

export interface CallChannelOptions {
  readonly endpoint: HostPort;
  readonly path: string;
  readonly contentType: ContentType;
  /** Besides Content-Type. */
  readonly headers: Readonly<Record<string, string>>;
  readonly clock: Clock;
}

/** For each call exactly one of these, in the order of the calls, never from within {@link CallChannel.send}. */
export interface CallHandlers<Call> {
  answered(call: Call, answer: HttpAnswer): void;
  /** No answer will come; the call may have been carried out. */
  lost(call: Call, error: ConnectionLostError | HttpProtocolError): void;
}

/**
 * The calls of one subscription, in order on one connection.
 *
 * An idle connection that somebody on the way has cut is replaced by a new one; with calls under way a cut loses them
 * all, and what follows is the handlers' decision.
 */
export class CallChannel<Call> {
  readonly #options: CallChannelOptions;
  readonly #handlers: CallHandlers<Call>;
  #connection: HttpConnection | undefined;
  #closed = false;
  readonly #drained: (() => void)[] = [];

  constructor(options: CallChannelOptions, handlers: CallHandlers<Call>) {
    this.#options = options;
    this.#handlers = handlers;
  }

  /** Resolves as soon as every call that was sent is answered or lost. */
  drain(): Promise<void> {
    if (this.#unanswered === 0) return Promise.resolve();
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  send(call: Call, body: Uint8Array): void {
    const { path, contentType, headers } = this.#options;
    this.#connect().send(
      { method: "POST", path, headers: { "Content-Type": contentType, ...headers }, body },
      collectAnswer(
        (answer) => {
          this.#handlers.answered(call, answer);
          if (this.#unanswered === 0) this.#endDrain();
        },
        (error) => {
          this.#handlers.lost(call, error);
          if (this.#unanswered === 0) this.#endDrain();
        },
      ),
    );
  }

  /** What is unanswered is lost. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#connection?.close();
    this.#endDrain();
  }

  get #unanswered(): number {
    return this.#connection?.unanswered ?? 0;
  }

  #endDrain(): void {
    for (const resolve of this.#drained.splice(0)) resolve();
  }

  #connect(): HttpConnection {
    const present = this.#connection;
    if (present !== undefined && (!present.isClosed || this.#closed)) return present;
    const { endpoint, clock } = this.#options;
    const connection = new HttpConnection({ endpoint, clock });
    this.#connection = connection;
    if (this.#closed) connection.close();
    else connection.open();
    return connection;
  }
}
