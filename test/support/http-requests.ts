/** One request as a server of the tests saw it. */
export interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Reads pipelined requests with Content-Length out of whatever chunks they come in. Knows no more than tests need. */
export class RequestReader {
  #rest = Buffer.alloc(0);

  push(chunk: Uint8Array): ReceivedRequest[] {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const requests: ReceivedRequest[] = [];
    for (;;) {
      const headEnd = this.#rest.indexOf("\r\n\r\n");
      if (headEnd < 0) return requests;
      const [first = "", ...lines] = this.#rest.toString("latin1", 0, headEnd).split("\r\n");
      const headers = Object.fromEntries(
        lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]),
      );
      const end = headEnd + 4 + Number(headers["content-length"] ?? 0);
      if (this.#rest.length < end) return requests;
      const [method = "", path = ""] = first.split(" ");
      requests.push({ method, path, headers, body: new Uint8Array(this.#rest.subarray(headEnd + 4, end)) });
      this.#rest = this.#rest.subarray(end);
    }
  }
}
