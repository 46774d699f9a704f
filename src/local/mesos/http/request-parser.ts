import { BrigadeError } from "../../../base/errors.ts";
import { GrowingBytes } from "../../../base/growing-bytes.ts";

export interface HttpRequest {
  readonly method: string;
  /** Percent-decoded, without query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** By lower-case name; of repeated headers the last counts. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
  readonly keepAlive: boolean;
}

/** Bytes that are no acceptable HTTP request. The connection is answered with `status` and closed. */
export class HttpRequestError extends BrigadeError {
  override readonly name = "HttpRequestError";
  readonly code = "http-request";
  readonly fault = "input";
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const LARGEST_HEAD_BYTES = 80 * 1024;
/** Mesos has no limit; what makes sense, as a status update with four megabytes of data, is far below it. */
export const LARGEST_BODY_BYTES = 32 * 1024 * 1024;

interface Head {
  readonly request: Omit<HttpRequest, "body">;
  readonly bodyBytes: number | "chunked";
}

/** A body that comes in chunks, so far. */
interface ChunkedBody {
  readonly head: Head;
  readonly bytes: GrowingBytes;
}

type State =
  | { readonly type: "head" }
  | { readonly type: "body"; readonly head: Head; readonly size: number; readonly bytes: GrowingBytes }
  | { readonly type: "chunk-size"; readonly body: ChunkedBody }
  | { readonly type: "chunk"; readonly body: ChunkedBody; missing: number }
  | { readonly type: "chunk-end"; readonly body: ChunkedBody }
  | { readonly type: "trailer"; readonly body: ChunkedBody };

/** What a step leaves of its bytes, and the request that it completed. */
interface Step {
  readonly rest: Uint8Array;
  readonly request?: HttpRequest;
}

/**
 * HTTP/1.1 requests from the bytes of one connection, pipelined or not, with `Content-Length` or chunked bodies.
 *
 * A parser of its own, because answers have to leave in the order of requests that arrive pipelined, and because a
 * stream's records have to be chunks of their own: neither is promised by the runtime's servers.
 */
export class HttpRequestParser {
  readonly #onExpectContinue: () => void;
  #state: State = { type: "head" };
  /** Start of a head or line whose end has not come yet. */
  readonly #pending = new GrowingBytes();

  /** @param onExpectContinue a client waits for `100 Continue` before it sends its body */
  constructor(onExpectContinue: () => void) {
    this.#onExpectContinue = onExpectContinue;
  }

  /** Whether no request has been begun. */
  get atBoundary(): boolean {
    return this.#state.type === "head" && this.#pending.byteLength === 0;
  }

  /**
   * The requests that `bytes` completes, each before what follows it is looked at; their bodies may be views of `bytes`.
   *
   * @throws {HttpRequestError} the connection is of no further use then
   */
  *push(bytes: Uint8Array): Generator<HttpRequest, void> {
    for (let step = this.#step(bytes); step !== undefined; step = this.#step(step.rest)) {
      if (step.request !== undefined) yield step.request;
    }
  }

  /** One step of the machine; undefined where more bytes are needed. */
  #step(bytes: Uint8Array): Step | undefined {
    const state = this.#state;
    if (state.type === "head") return this.#head(bytes);
    if (state.type === "body") return this.#body(state, bytes);
    if (state.type === "chunk") return this.#chunk(state, bytes);
    const line = this.#until("\r\n", bytes);
    if (line === undefined) return undefined;
    const { body } = state;
    if (state.type === "chunk-size") {
      const size = chunkSize(line.text);
      refuseLargeBody(body.bytes.byteLength + size);
      this.#state = size === 0 ? { type: "trailer", body } : { type: "chunk", body, missing: size };
    } else if (state.type === "chunk-end") {
      if (line.text !== "") throw new HttpRequestError(400, "Cannot read request: a chunk is longer than its size");
      this.#state = { type: "chunk-size", body };
    } else if (line.text === "") {
      return this.#complete(body.head, body.bytes.take(), line.rest);
    }
    return { rest: line.rest };
  }

  #head(bytes: Uint8Array): Step | undefined {
    const found = this.#until("\r\n\r\n", bytes);
    if (found === undefined) return undefined;
    const head = parseHead(found.text);
    if (head.request.headers.get("expect")?.toLowerCase() === "100-continue") this.#onExpectContinue();
    if (head.bodyBytes === "chunked") {
      this.#state = { type: "chunk-size", body: { head, bytes: new GrowingBytes() } };
      return { rest: found.rest };
    }
    const size = head.bodyBytes;
    refuseLargeBody(size);
    if (size <= found.rest.byteLength) {
      return this.#complete(head, found.rest.subarray(0, size), found.rest.subarray(size));
    }
    this.#state = { type: "body", head, size, bytes: new GrowingBytes() };
    return { rest: found.rest };
  }

  #body({ head, size, bytes: body }: Extract<State, { type: "body" }>, bytes: Uint8Array): Step | undefined {
    const part = bytes.subarray(0, size - body.byteLength);
    body.append(part, size);
    if (body.byteLength < size) return undefined;
    return this.#complete(head, body.take(), bytes.subarray(part.byteLength));
  }

  #chunk(state: Extract<State, { type: "chunk" }>, bytes: Uint8Array): Step | undefined {
    const part = bytes.subarray(0, state.missing);
    state.body.bytes.append(part);
    state.missing -= part.byteLength;
    if (state.missing > 0) return undefined;
    this.#state = { type: "chunk-end", body: state.body };
    return { rest: bytes.subarray(part.byteLength) };
  }

  #complete({ request }: Head, body: Uint8Array, rest: Uint8Array): Step {
    this.#state = { type: "head" };
    return { rest, request: { ...request, body } };
  }

  /** The text before `mark`, and the bytes after it; without `mark` the bytes are kept for the next call. */
  #until(mark: string, bytes: Uint8Array): { readonly text: string; readonly rest: Uint8Array } | undefined {
    const pending = this.#pending;
    const before = pending.byteLength;
    if (before > 0) pending.append(bytes);
    const all = before > 0 ? pending.view : bytes;
    const buffer = Buffer.from(all.buffer, all.byteOffset, all.byteLength);
    // What came earlier holds no whole mark.
    const end = buffer.indexOf(mark, Math.max(0, before - mark.length));
    if ((end < 0 ? all.byteLength : end) > LARGEST_HEAD_BYTES) {
      throw new HttpRequestError(400, `Cannot read request: its head has over ${LARGEST_HEAD_BYTES} bytes`);
    }
    if (end < 0) {
      if (before === 0) pending.append(bytes);
      return undefined;
    }
    const text = buffer.toString("latin1", 0, end);
    pending.take();
    return { text, rest: bytes.subarray(end + mark.length - before) };
  }
}

function parseHead(text: string): Head {
  const [requestLine = "", ...lines] = text.split("\r\n");
  const [method = "", target = "", version = "", ...extra] = requestLine.split(" ");
  if (!/^HTTP\/1\.[01]$/.test(version) || extra.length > 0 || !/^[A-Z]+$/.test(method) || target === "") {
    throw new HttpRequestError(400, "Cannot read request: its first line is not METHOD TARGET HTTP/1.1");
  }
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon <= 0) throw new HttpRequestError(400, "Cannot read request: a header line has no name");
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  const connection = headers.get("connection")?.toLowerCase();
  const keepAlive = version === "HTTP/1.1" ? connection !== "close" : connection === "keep-alive";
  return { request: { method, ...parseTarget(target), headers, keepAlive }, bodyBytes: bodyBytes(headers) };
}

function parseTarget(target: string): { readonly path: string; readonly query: URLSearchParams } {
  const [raw = "", query = ""] = target.split("?", 2);
  try {
    return { path: decodeURIComponent(raw), query: new URLSearchParams(query) };
  } catch (cause) {
    if (!(cause instanceof URIError)) throw cause;
    throw new HttpRequestError(400, "Cannot read request: its path is not percent-encoded UTF-8");
  }
}

function bodyBytes(headers: ReadonlyMap<string, string>): number | "chunked" {
  const encoding = headers.get("transfer-encoding");
  if (encoding?.toLowerCase() === "chunked") return "chunked";
  if (encoding !== undefined) throw new HttpRequestError(400, `Cannot read request: transfer encoding "${encoding}"`);
  const length = headers.get("content-length") ?? "0";
  if (!/^\d{1,15}$/.test(length)) throw new HttpRequestError(400, "Cannot read request: Content-Length is no number");
  return Number(length);
}

/** Extensions behind a semicolon are ignored. */
function chunkSize(line: string): number {
  const digits = (line.split(";", 1)[0] ?? "").trim();
  if (!/^[0-9a-f]{1,12}$/i.test(digits)) throw new HttpRequestError(400, "Cannot read request: a chunk has no size");
  return Number.parseInt(digits, 16);
}

function refuseLargeBody(bytes: number): void {
  if (bytes <= LARGEST_BODY_BYTES) return;
  throw new HttpRequestError(413, `Cannot read request: its body has over ${LARGEST_BODY_BYTES} bytes`);
}
