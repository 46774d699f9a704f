import { HttpProtocolError } from "./errors.ts";

export interface HttpResponseHead {
  readonly status: number;
  /** By name in lower case; of a repeated header the last one. */
  readonly headers: ReadonlyMap<string, string>;
}

export type HttpResponseEvent =
  | { readonly type: "head"; readonly head: HttpResponseHead }
  /** A part of the body, a view of the chunk that was pushed. */
  | { readonly type: "data"; readonly data: Uint8Array }
  | { readonly type: "end" };

export interface HttpParserLimits {
  /** Status line and headers together, and the same again for trailers. Default 64 KiB. */
  readonly maxHeadBytes?: number;
}

const LINE_FEED = 10;

/** What the next line is. */
type LineState =
  | { readonly type: "status" }
  | { readonly type: "headers"; readonly status: number; readonly headers: Map<string, string> }
  | { readonly type: "chunk-size" }
  | { readonly type: "chunk-end" }
  | { readonly type: "trailers" };

type State =
  | LineState
  | { readonly type: "body"; remaining: number }
  | { readonly type: "chunk"; remaining: number }
  | { readonly type: "body-until-close" };

/**
 * Reads the answers of one HTTP/1.1 connection, one after the other, from bytes that may be cut anywhere.
 *
 * Knows what Mesos sends: `Content-Length`, chunked, bodies that end with the connection; interim answers (1xx) are
 * passed over. Answers to HEAD are not supported.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9112
 */
export class HttpResponseParser {
  readonly #maxHeadBytes: number;
  #state: State = { type: "status" };
  /** Bytes of a line that has not ended yet. */
  #line = "";
  #headBytes = 0;

  constructor({ maxHeadBytes = 64 * 1024 }: HttpParserLimits = {}) {
    this.#maxHeadBytes = maxHeadBytes;
  }

  /** @throws {HttpProtocolError} the bytes are no HTTP/1.1, or a head is over its limit; the parser is done then */
  push(chunk: Uint8Array): HttpResponseEvent[] {
    const events: HttpResponseEvent[] = [];
    let at = 0;
    while (at < chunk.byteLength) {
      const state = this.#state;
      if (state.type === "body" || state.type === "chunk") {
        const data = chunk.subarray(at, at + state.remaining);
        at += data.byteLength;
        state.remaining -= data.byteLength;
        events.push({ type: "data", data });
        if (state.remaining === 0) this.#bodyPartDone(state.type, events);
      } else if (state.type === "body-until-close") {
        events.push({ type: "data", data: chunk.subarray(at) });
        at = chunk.byteLength;
      } else {
        const lineFeed = chunk.indexOf(LINE_FEED, at);
        const end = lineFeed < 0 ? chunk.byteLength : lineFeed;
        this.#appendToLine(chunk, at, end);
        at = end + 1;
        if (lineFeed >= 0) this.#lineDone(state, events);
      }
    }
    return events;
  }

  /**
   * The connection's end: an `end` event where that completes a body without length.
   *
   * @throws {HttpProtocolError} an answer is cut off
   */
  finish(): HttpResponseEvent[] {
    if (this.#state.type === "body-until-close") {
      this.#state = { type: "status" };
      return [{ type: "end" }];
    }
    if (this.#state.type === "status" && this.#line === "") return [];
    throw new HttpProtocolError(`Cannot read HTTP answer: it is cut off in its ${this.#state.type}`);
  }

  #appendToLine(chunk: Uint8Array, from: number, to: number): void {
    this.#headBytes += to - from + 1;
    if (this.#headBytes > this.#maxHeadBytes) {
      throw new HttpProtocolError(`Cannot read HTTP answer: its head has over ${this.#maxHeadBytes} bytes, the limit`);
    }
    this.#line += Buffer.from(chunk.buffer, chunk.byteOffset + from, to - from).toString("latin1");
    // A port that speaks something else should not have to fill the limit before it is found out.
    if (this.#state.type === "status" && !"HTTP/1.".startsWith(this.#line.slice(0, 7))) {
      throw new HttpProtocolError("Cannot read HTTP answer: it does not begin with HTTP/1.");
    }
  }

  #lineDone(state: LineState, events: HttpResponseEvent[]): void {
    const line = this.#line.endsWith("\r") ? this.#line.slice(0, -1) : this.#line;
    this.#line = "";
    switch (state.type) {
      case "status":
        this.#state = { type: "headers", status: readStatus(line), headers: new Map() };
        return;
      case "headers":
        if (line === "") this.#headDone({ status: state.status, headers: state.headers }, events);
        else readHeader(line, state.headers);
        return;
      case "chunk-size":
        this.#chunkBegins(line);
        return;
      case "chunk-end":
        if (line !== "") throw new HttpProtocolError("Cannot read HTTP answer: a chunk is longer than its size says");
        this.#expect({ type: "chunk-size" });
        return;
      case "trailers":
        if (line === "") this.#answerDone(events);
        return;
    }
  }

  #headDone(head: HttpResponseHead, events: HttpResponseEvent[]): void {
    if (head.status < 200) {
      this.#expect({ type: "status" });
      return;
    }
    events.push({ type: "head", head });
    const encoding = head.headers.get("transfer-encoding");
    const length = head.headers.get("content-length");
    if (head.status === 204 || head.status === 304) this.#answerDone(events);
    else if (encoding !== undefined) {
      if (encoding.toLowerCase() !== "chunked")
        throw new HttpProtocolError(`Cannot read HTTP answer: Transfer-Encoding is ${encoding}, must be chunked`);
      this.#expect({ type: "chunk-size" });
    } else if (length !== undefined) {
      const remaining = readLength(length, /^\d+$/, 10);
      if (remaining === 0) this.#answerDone(events);
      else this.#expect({ type: "body", remaining });
    } else this.#expect({ type: "body-until-close" });
  }

  #chunkBegins(line: string): void {
    const [size = ""] = line.split(";");
    const remaining = readLength(size.trim(), /^[0-9A-Fa-f]+$/, 16);
    this.#expect(remaining === 0 ? { type: "trailers" } : { type: "chunk", remaining });
  }

  #bodyPartDone(part: "body" | "chunk", events: HttpResponseEvent[]): void {
    if (part === "body") this.#answerDone(events);
    else this.#expect({ type: "chunk-end" });
  }

  #answerDone(events: HttpResponseEvent[]): void {
    events.push({ type: "end" });
    this.#expect({ type: "status" });
  }

  /** Each part of a head has the limit for itself. */
  #expect(state: State): void {
    this.#state = state;
    this.#headBytes = 0;
  }
}

function readStatus(line: string): number {
  const match = /^HTTP\/1\.[01] ([1-9]\d\d)(?: |$)/.exec(line);
  if (match === null)
    throw new HttpProtocolError(`Cannot read HTTP answer: its first line is ${JSON.stringify(line.slice(0, 80))}`);
  return Number(match[1]);
}

function readHeader(line: string, headers: Map<string, string>): void {
  const colon = line.indexOf(":");
  if (colon < 1)
    throw new HttpProtocolError(`Cannot read HTTP answer: header ${JSON.stringify(line.slice(0, 80))} has no name`);
  headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
}

function readLength(text: string, form: RegExp, radix: number): number {
  const length = form.test(text) ? Number.parseInt(text, radix) : Number.NaN;
  if (!Number.isSafeInteger(length))
    throw new HttpProtocolError(`Cannot read HTTP answer: its length is ${JSON.stringify(text.slice(0, 80))}`);
  return length;
}
