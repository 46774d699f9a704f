import type { Socket } from "node:net";
import { utf8 } from "../../base/bytes.ts";
import { HttpProtocolError } from "../../mesos/errors.ts";
import { type HttpResponseEvent, type HttpResponseHead, HttpResponseParser } from "../../mesos/http-response-parser.ts";
import { connectEngine, describeAddress, type EngineAddress } from "./engine-address.ts";
import { EngineLostError } from "./errors.ts";

export interface EngineRequest {
  /** For messages: "start a container". */
  readonly action: string;
  readonly method: "GET" | "POST" | "DELETE";
  /** With its query, without version: the Engine then speaks its newest, in which all that is used here is stable. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
}

/** Takes one answer as it comes. After `end` or `failed` nothing more is called. */
export interface AnswerSink {
  head(head: HttpResponseHead): void;
  /** A view of the socket's buffer that nothing overwrites. */
  data(data: Uint8Array): void;
  end(): void;
  failed(error: EngineLostError): void;
}

/**
 * One connection to the Engine, with one request at a time.
 *
 * Its own because `fetch` allows 256 requests at once in a whole process, and ends streams that are silent for minutes:
 * a run holds streams open for as long as its program takes.
 */
export class EngineConnection {
  readonly #address: EngineAddress;
  readonly #socket: Socket;
  readonly #parser = new HttpResponseParser();
  #sink: AnswerSink | undefined;
  #action = "";
  readonly #onClosed: () => void;
  #closed: EngineLostError | undefined;

  /** @param onClosed called once, by whomever it is closed */
  constructor(address: EngineAddress, onClosed: () => void) {
    this.#address = address;
    this.#onClosed = onClosed;
    this.#socket = connectEngine(address);
    this.#socket.on("data", (chunk: Buffer) => this.#deliver(() => this.#parser.push(chunk)));
    this.#socket.on("end", () => {
      this.#deliver(() => this.#parser.finish());
      this.#fail("the connection was closed by the other side");
    });
    this.#socket.on("error", (cause) => this.#fail(undefined, cause));
    this.#socket.on("close", () => this.#fail("the connection was closed"));
  }

  /** Can be used for another request. */
  get isIdle(): boolean {
    return this.#closed === undefined && this.#sink === undefined;
  }

  send(request: EngineRequest, sink: AnswerSink): void {
    this.#action = request.action;
    if (this.#closed !== undefined) {
      const error = this.#closed;
      queueMicrotask(() => sink.failed(error));
      return;
    }
    this.#sink = sink;
    this.#socket.write(formatRequest(request));
  }

  /** Bytes behind the request, on a connection that the Engine has taken over for a stream. */
  write(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** No more will be written; the rest is still sent, and read. */
  endWriting(): void {
    this.#socket.end();
  }

  /** Closes at once; what waits for an answer fails. Idempotent. */
  close(why = "the connection was closed by this side"): void {
    this.#fail(why);
  }

  /** Closes an Engine's connection that is there and silent. @param why "no answer for 30 s" */
  giveUp(why: string): void {
    this.#fail(why, undefined, "the Docker Engine does not answer");
  }

  #deliver(parse: () => HttpResponseEvent[]): void {
    if (this.#closed !== undefined) return;
    let events: HttpResponseEvent[];
    try {
      events = parse();
    } catch (error) {
      if (!(error instanceof HttpProtocolError)) throw error;
      this.#fail(undefined, error);
      return;
    }
    for (const event of events) {
      const sink = this.#sink;
      // Closed from within the sink, or an answer to nothing.
      if (this.#closed !== undefined || sink === undefined) return this.#fail("it answered without being asked");
      if (event.type === "head") sink.head(event.head);
      else if (event.type === "data") sink.data(event.data);
      else {
        this.#sink = undefined;
        sink.end();
      }
    }
  }

  /** @param what happened, where no `cause` tells it */
  #fail(what: string | undefined, cause?: unknown, state = "no Docker Engine"): void {
    if (this.#closed !== undefined) return;
    this.#closed = new EngineLostError(
      `Cannot ${this.#action}: ${state} at ${describeAddress(this.#address)}${what === undefined ? "" : ` (${what})`}`,
      cause === undefined ? undefined : { cause },
    );
    this.#onClosed();
    const sink = this.#sink;
    this.#sink = undefined;
    this.#socket.destroy();
    sink?.failed(this.#closed);
  }
}

function formatRequest({ method, path, headers = {}, json }: EngineRequest): string | Uint8Array {
  const body = json === undefined ? undefined : JSON.stringify(json);
  const all: Record<string, string> = { Host: "docker", ...headers };
  if (body !== undefined) {
    all["Content-Type"] = "application/json";
    all["Content-Length"] = String(Buffer.byteLength(body));
  } else if (method === "POST" && all["Connection"] === undefined) {
    all["Content-Length"] = "0";
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return utf8(`${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n${body ?? ""}`);
}
