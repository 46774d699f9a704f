import { createConnection, type Socket } from "node:net";
import { concatBytes, utf8 } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { ConnectionLostError, HttpProtocolError } from "./errors.ts";
import { formatHostPort, type HostPort } from "./host-port.ts";
import { type HttpResponseEvent, type HttpResponseHead, HttpResponseParser } from "./http-response-parser.ts";

export interface HttpRequest {
  readonly method: "GET" | "POST";
  readonly path: string;
  /** Without Host and Content-Length, which the connection adds. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Takes one answer as it comes. After `end` or `failed` nothing more is called. */
export interface HttpSink {
  /** A body that may be silent for ever: who reads a stream watches its heartbeats. */
  readonly endless?: boolean;
  head(head: HttpResponseHead): void;
  /** A view of the socket's buffer that nothing overwrites. */
  data(data: Uint8Array): void;
  end(): void;
  /** The answer will not come, or not whole. The request may have been carried out. */
  failed(error: ConnectionLostError | HttpProtocolError): void;
}

export interface HttpConnectionOptions {
  readonly endpoint: HostPort;
  readonly clock: Clock;
  /** Until the socket is open. Default 10 s. */
  readonly connectTimeoutMs?: number;
  /**
   * From the moment a request is the oldest unanswered one until its answer is complete, of an endless one its head.
   * Default 75 s, Mesos' own measure for a master that is gone.
   */
  readonly answerTimeoutMs?: number;
  /** Requests without answer; one more ends the connection, for then the server has stopped. Default 100 000. */
  readonly maxUnanswered?: number;
  /** Bytes written but not taken by the socket; more ends the connection. Default 256 MiB. */
  readonly maxUnsentBytes?: number;
}

interface Exchange {
  readonly sink: HttpSink;
  headSeen: boolean;
}

/** Long enough to cost nothing, short enough to notice a vanished peer before a person does. */
const KEEP_ALIVE_MS = 30_000;

/**
 * One pipelined HTTP/1.1 connection: requests leave in the order in which they were sent, answers come in the same.
 *
 * Its own because `fetch` reorders concurrent requests and limits them per process. All requests of one turn of the
 * event loop leave in one write. Queue, parser and output are in this object, never shared with the next connection, so
 * that a late `data` or `close` of this socket touches nobody else. Nothing is ever sent twice.
 */
export class HttpConnection {
  readonly #endpoint: HostPort;
  readonly #clock: Clock;
  readonly #connectTimeoutMs: number;
  readonly #answerTimeoutMs: number;
  readonly #maxUnanswered: number;
  readonly #maxUnsentBytes: number;

  readonly #parser = new HttpResponseParser();
  readonly #unanswered: Exchange[] = [];
  #unsent: Uint8Array[] = [];
  #socket: Socket | undefined;
  #closed: Error | undefined;
  #cancelTimer: (() => void) | undefined;
  /** When the oldest unanswered request became the oldest. */
  #waitingSinceMs = 0;
  #connected = false;

  constructor(options: HttpConnectionOptions) {
    this.#endpoint = options.endpoint;
    this.#clock = options.clock;
    this.#connectTimeoutMs = options.connectTimeoutMs ?? 10_000;
    this.#answerTimeoutMs = options.answerTimeoutMs ?? 75_000;
    this.#maxUnanswered = options.maxUnanswered ?? 100_000;
    this.#maxUnsentBytes = options.maxUnsentBytes ?? 256 * 1024 * 1024;
  }

  get isClosed(): boolean {
    return this.#closed !== undefined;
  }

  /** Requests whose answers are not complete. */
  get unanswered(): number {
    return this.#unanswered.length;
  }

  /** Starts to connect. Requests may be sent at once. Failures go to the sinks. */
  open(): void {
    if (this.#socket !== undefined || this.isClosed) return;
    const { host, port } = this.#endpoint;
    const socket = createConnection({
      host,
      port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_MS,
    });
    this.#socket = socket;
    socket.on("connect", () => this.#onConnect());
    socket.on("data", (chunk: Buffer) => this.#onData(chunk));
    socket.on("end", () => this.#onEnd());
    socket.on("error", (cause) => this.#fail(this.#lost("broke", cause)));
    socket.on("close", () => this.#fail(this.#lost("was closed")));
    if (this.#unsent.length > 0) setImmediate(() => this.#flush());
    this.#cancelTimer = this.#clock.schedule(this.#connectTimeoutMs, () => {
      this.#fail(this.#lost(`was not open after ${this.#connectTimeoutMs} ms`));
    });
  }

  /** On a connection that is closed already the sink fails in a later turn, never from within this method. */
  send(request: HttpRequest, sink: HttpSink): void {
    if (this.#closed !== undefined) {
      const error = this.#lost("is closed", this.#closed);
      queueMicrotask(() => sink.failed(error));
      return;
    }
    this.#unanswered.push({ sink, headSeen: false });
    if (this.#unanswered.length === 1) this.#oldestChanged();
    if (this.#unsent.length === 0) setImmediate(() => this.#flush());
    this.#unsent.push(this.#headOf(request), request.body);
  }

  /** Closes at once; what is unanswered fails. Idempotent. */
  close(): void {
    this.#fail(this.#lost("was closed by this side"));
  }

  #headOf({ method, path, headers, body }: HttpRequest): Uint8Array {
    let head = `${method} ${path} HTTP/1.1\r\nHost: ${formatHostPort(this.#endpoint)}\r\n`;
    for (const name in headers) head += `${name}: ${headers[name]}\r\n`;
    return utf8(`${head}Content-Length: ${body.byteLength}\r\n\r\n`);
  }

  #flush(): void {
    const socket = this.#socket;
    if (this.isClosed || socket === undefined) return;
    const parts = this.#unsent;
    this.#unsent = [];
    socket.write(concatBytes(parts));
    if (this.#unanswered.length > this.#maxUnanswered) {
      this.#fail(this.#lost(`has ${this.#unanswered.length} requests unanswered`));
    } else if (socket.writableLength > this.#maxUnsentBytes) {
      this.#fail(this.#lost(`has ${socket.writableLength} bytes that the peer does not take`));
    }
  }

  #onConnect(): void {
    if (this.isClosed) return;
    this.#connected = true;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#oldestChanged();
  }

  #onData(chunk: Uint8Array): void {
    if (this.isClosed) return;
    this.#deliver(() => this.#parser.push(chunk));
  }

  /** The peer will send no more: for Mesos' APIs that is the end of the connection, half-open or not. */
  #onEnd(): void {
    if (this.isClosed) return;
    this.#deliver(() => this.#parser.finish());
    this.#fail(this.#lost("was closed by the peer"));
  }

  #deliver(parse: () => HttpResponseEvent[]): void {
    let events: HttpResponseEvent[];
    try {
      events = parse();
    } catch (error) {
      if (!(error instanceof HttpProtocolError)) throw error;
      this.#fail(error);
      return;
    }
    for (const event of events) {
      if (this.isClosed) return;
      const exchange = this.#unanswered[0];
      if (exchange === undefined) {
        this.#fail(new HttpProtocolError(`Cannot use answer of ${formatHostPort(this.#endpoint)}: nothing was asked`));
        return;
      }
      switch (event.type) {
        case "head":
          exchange.headSeen = true;
          exchange.sink.head(event.head);
          break;
        case "data":
          exchange.sink.data(event.data);
          break;
        case "end":
          this.#unanswered.shift();
          this.#oldestChanged();
          exchange.sink.end();
          break;
      }
    }
  }

  /** One timer for all requests: only the oldest can be late, and its time is checked when the timer fires. */
  #oldestChanged(): void {
    this.#waitingSinceMs = this.#clock.monotonicMs();
    if (this.#connected && this.#unanswered.length > 0 && this.#cancelTimer === undefined) {
      this.#watchOldest(this.#answerTimeoutMs);
    }
  }

  #watchOldest(ms: number): void {
    this.#cancelTimer = this.#clock.schedule(ms, () => {
      this.#cancelTimer = undefined;
      const oldest = this.#unanswered[0];
      if (this.isClosed || oldest === undefined || (oldest.headSeen && oldest.sink.endless === true)) return;
      const left = this.#waitingSinceMs + this.#answerTimeoutMs - this.#clock.monotonicMs();
      if (left > 0) this.#watchOldest(left);
      else this.#fail(this.#lost(`gave no answer for ${this.#answerTimeoutMs} ms`));
    });
  }

  #fail(error: ConnectionLostError | HttpProtocolError): void {
    if (this.isClosed) return;
    this.#closed = error;
    this.#cancelTimer?.();
    this.#unsent = [];
    this.#socket?.destroy();
    for (const { sink } of this.#unanswered.splice(0)) sink.failed(error);
  }

  #lost(what: string, cause?: unknown): ConnectionLostError {
    return new ConnectionLostError(
      `Cannot talk to ${formatHostPort(this.#endpoint)}: the connection ${what}`,
      cause === undefined ? undefined : { cause },
    );
  }
}
