import { createReadStream } from "node:fs";
import type { Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import { concatBytes, utf8 } from "../../../base/bytes.ts";
import type { Clock } from "../../../base/clock.ts";
import { describeError } from "../../../base/errors.ts";
import type { Logger } from "../../../base/log.ts";
import {
  type FileAnswer,
  type HttpAnswer,
  type PlainAnswer,
  reasonPhrase,
  type StreamAnswer,
  textAnswer,
} from "./answer.ts";
import { compressed } from "./compression.ts";
import { type HttpRequest, HttpRequestError, HttpRequestParser } from "./request-parser.ts";

/** How long the rest of a request is waited for once nothing more comes. Mesos itself waits for ever. */
const SILENCE_MS = 60_000;
/** How long a client may take to hang up once all is said: what it still sends is not read. */
const LINGER_MS = 5000;

const lastChunk = utf8("0\r\n\r\n");
const lineEnd = utf8("\r\n");

export interface ConnectionOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly handle: (request: HttpRequest) => HttpAnswer;
  /** A reader that falls behind by so much is cut off: Mesos itself would let its memory grow. */
  readonly largestBacklogBytes: number;
  readonly wantsFlush: () => void;
  readonly closed: () => void;
}

/**
 * - requests: each is answered before the next is looked at
 * - file: a file is on its way; requests that come behind it are carried out, and never answered
 * - stream: an answer goes on; requests that come behind it are carried out, and never answered
 * - ended: what is still to be written is written, then the socket closes
 */
type Phase =
  | { readonly type: "requests" }
  | { readonly type: "file" }
  | { readonly type: "stream"; readonly closed: () => void }
  | { readonly type: "ended" };

/** One connection of the server: reads requests, writes answers in their order. */
export class HttpConnection {
  readonly #socket: Socket;
  readonly #options: ConnectionOptions;
  readonly #parser: HttpRequestParser;
  #phase: Phase = { type: "requests" };
  #output: Uint8Array[] = [];
  #outputBytes = 0;
  /** When the last bytes came, and what looks whether more do. */
  #heardMs = 0;
  #cancelWatch: (() => void) | undefined;
  #cancelLinger: (() => void) | undefined;
  #dateSecond = 0;
  #dateText = "";

  constructor(socket: Socket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#parser = new HttpRequestParser(() => this.#write([utf8("HTTP/1.1 100 Continue\r\n\r\n")]));
    socket.on("data", (bytes: Buffer) => this.#received(bytes));
    socket.on("end", () => this.#halfClosed());
    socket.on("error", (error) => {
      options.log.debug("connection failed", { error });
      this.#gone();
    });
    socket.on("close", () => {
      this.#cancelLinger?.();
      this.#gone();
    });
  }

  get isEnded(): boolean {
    return this.#phase.type === "ended";
  }

  flush(): void {
    if (this.#output.length > 0 && this.#socket.writable) this.#socket.write(concatBytes(this.#output));
    this.#output = [];
    this.#outputBytes = 0;
    if (!this.isEnded) return;
    this.#socket.end();
    if (this.#cancelLinger === undefined) this.#linger(Number.POSITIVE_INFINITY);
  }

  /** Waits for a client that takes what is left for it, and hangs up. */
  #linger(leftBefore: number): void {
    this.#cancelLinger = this.#options.clock.schedule(LINGER_MS, () => {
      const left = this.#socket.writableLength;
      if (left > 0 && left < leftBefore) this.#linger(left);
      else this.destroy();
    });
  }

  destroy(): void {
    this.#socket.destroy();
    this.#gone();
  }

  #received(bytes: Uint8Array): void {
    if (this.#phase.type === "ended") return;
    this.#heardMs = this.#options.clock.monotonicMs();
    try {
      for (const request of this.#parser.push(bytes)) {
        this.#handle(request);
        if (this.isEnded) return;
      }
      this.#watch(SILENCE_MS);
    } catch (error) {
      if (!(error instanceof HttpRequestError)) throw error;
      this.#refuse(error);
    }
  }

  #refuse(error: HttpRequestError): void {
    const { remoteAddress, remotePort } = this.#socket;
    this.#options.log.warn("connection refused", { client: `${remoteAddress}:${remotePort}`, error });
    if (this.#phase.type === "requests") this.#answer(textAnswer(error.status, error.message), false);
    else this.destroy();
  }

  /** Whoever stops in the midst of a request does not hold its connection for ever. */
  #watch(ms: number): void {
    if (this.#parser.atBoundary || this.#cancelWatch !== undefined) return;
    this.#cancelWatch = this.#options.clock.schedule(ms, () => {
      this.#cancelWatch = undefined;
      if (this.isEnded || this.#parser.atBoundary) return;
      const left = this.#heardMs + SILENCE_MS - this.#options.clock.monotonicMs();
      if (left > 0) this.#watch(left);
      else this.#refuse(new HttpRequestError(408, `Cannot read request: nothing came for ${SILENCE_MS / 1000} s`));
    });
  }

  #handle(request: HttpRequest): void {
    const answer = this.#carryOut(request);
    if (this.#phase.type !== "requests") {
      // Behind a stream: a second one has no place to go.
      if (answer.type === "stream") answer.closed();
    } else if (answer.type === "stream") {
      this.#stream(answer);
    } else if (answer.type === "file") {
      void this.#file(answer, request.method !== "HEAD");
    } else {
      this.#answer(compressed(answer, request), request.keepAlive, request.method !== "HEAD");
    }
  }

  /** A failure here is a bug of ours: it costs the client this call and is logged, and everyone else goes on. */
  #carryOut(request: HttpRequest): HttpAnswer {
    try {
      return this.#options.handle(request);
    } catch (error) {
      const stack = error instanceof Error ? error.stack : undefined;
      this.#options.log.error("request failed", { path: request.path, error, stack });
      return textAnswer(500, describeError(error));
    }
  }

  #answer({ status, headers, body }: PlainAnswer, keepAlive: boolean, withBody = true): void {
    const fields = {
      ...headers,
      "Content-Length": String(body.byteLength),
      ...(keepAlive ? {} : { Connection: "close" }),
    };
    this.#write(withBody ? [this.#head(status, fields), body] : [this.#head(status, fields)]);
    if (!keepAlive) this.#phase = { type: "ended" };
  }

  /** Nothing is answered behind it, so that nobody has to wait for it with his own answer. */
  async #file({ path, size, headers }: FileAnswer, withBody: boolean): Promise<void> {
    this.#phase = { type: "file" };
    this.#write([this.#head(200, { ...headers, "Content-Length": String(size), Connection: "close" })]);
    this.flush();
    try {
      // No more than was announced, though the file may have grown since.
      if (withBody && size > 0) await pipeline(createReadStream(path, { end: size - 1 }), this.#socket, { end: false });
    } catch (error) {
      this.#options.log.warn("file not sent to its end", { path, error });
      this.destroy();
      return;
    }
    this.#phase = { type: "ended" };
    this.#options.wantsFlush();
  }

  #stream({ headers, open, closed }: StreamAnswer): void {
    this.#write([this.#head(200, { ...headers, "Transfer-Encoding": "chunked" })]);
    this.#phase = { type: "stream", closed };
    open({
      write: (chunk) => {
        // An empty chunk would be the last one.
        if (this.#phase.type !== "stream" || chunk.byteLength === 0) return;
        this.#write([utf8(`${chunk.byteLength.toString(16)}\r\n`), chunk, lineEnd]);
      },
      end: () => {
        if (this.#phase.type !== "stream") return;
        this.#phase = { type: "ended" };
        this.#write([lastChunk]);
      },
    });
  }

  #head(status: number, headers: Readonly<Record<string, string>>): Uint8Array {
    let head = `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\nDate: ${this.#date()}\r\n`;
    for (const [name, value] of Object.entries(headers)) head += `${name}: ${value}\r\n`;
    return utf8(`${head}\r\n`);
  }

  /** Made once a second: it costs as much as the rest of a head. */
  #date(): string {
    const second = Math.floor(this.#options.clock.wallMs() / 1000);
    if (second !== this.#dateSecond) {
      this.#dateSecond = second;
      this.#dateText = new Date(second * 1000).toUTCString();
    }
    return this.#dateText;
  }

  #write(parts: readonly Uint8Array[]): void {
    for (const part of parts) this.#outputBytes += part.byteLength;
    const bytes = this.#outputBytes + this.#socket.writableLength;
    if (bytes > this.#options.largestBacklogBytes) {
      this.#options.log.warn("connection cut: its reader is too slow", { bytes });
      this.destroy();
      return;
    }
    this.#output.push(...parts);
    this.#options.wantsFlush();
  }

  /** The client will not say more. A stream ends with that, as with Mesos; answers on their way are still sent. */
  #halfClosed(): void {
    if (this.#phase.type === "stream") {
      this.#gone();
    } else if (this.#phase.type !== "file") {
      this.#phase = { type: "ended" };
      this.#options.wantsFlush();
    }
  }

  #gone(): void {
    const phase = this.#phase;
    this.#phase = { type: "ended" };
    this.#output = [];
    this.#cancelWatch?.();
    this.#options.closed();
    if (phase.type === "stream") phase.closed();
    if (!this.#socket.destroyed) this.#socket.end();
  }
}
