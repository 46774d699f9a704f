import { describe, expect, test } from "bun:test";
import { HttpProtocolError } from "../../../src/mesos/errors.ts";
import { type HttpResponseEvent, HttpResponseParser } from "../../../src/mesos/http-response-parser.ts";

const latin1 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "latin1"));

/** Answers in short: `200 {a: b} body` each, with `…` where the body did not end. */
function summary(events: readonly HttpResponseEvent[]): string[] {
  const answers: string[] = [];
  let current = "";
  for (const event of events) {
    if (event.type === "head")
      current = `${event.head.status} ${JSON.stringify(Object.fromEntries(event.head.headers))} `;
    else if (event.type === "data") current += Buffer.from(event.data).toString("latin1");
    else {
      answers.push(current);
      current = "";
    }
  }
  return current === "" ? answers : [...answers, `${current}…`];
}

const chunkings: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array[]>> = {
  whole: (bytes) => [bytes],
  halved: (bytes) => [bytes.subarray(0, bytes.length >> 1), bytes.subarray(bytes.length >> 1)],
  "in single bytes": (bytes) => Array.from(bytes, (byte) => Uint8Array.of(byte)),
};

const answers: readonly { readonly what: string; readonly bytes: string; readonly parsed: readonly string[] }[] = [
  {
    what: "an empty 202",
    bytes: "HTTP/1.1 202 Accepted\r\nDate: now\r\nContent-Length: 0\r\n\r\n",
    parsed: ['202 {"date":"now","content-length":"0"} '],
  },
  {
    what: "two answers in a row",
    bytes:
      "HTTP/1.1 400 Bad Request\r\nContent-Length: 4\r\n\r\nnope" +
      "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n",
    parsed: ['400 {"content-length":"4"} nope', '202 {"content-length":"0"} '],
  },
  {
    what: "chunks, an extension and a trailer",
    bytes:
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\nA\r\n\r\n world!!\r\n0\r\nX: y\r\n\r\n",
    parsed: ['200 {"transfer-encoding":"chunked"} hello\r\n world!!'],
  },
  {
    what: "a stream that is open still",
    bytes: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    parsed: ['200 {"transfer-encoding":"chunked"} abc…'],
  },
  {
    what: "a body that ends with the connection",
    bytes: "HTTP/1.0 200 OK\r\nMesos-Stream-Id:  x \r\n\r\nrest",
    parsed: ['200 {"mesos-stream-id":"x"} rest…'],
  },
  {
    what: "an interim answer",
    bytes:
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n",
    parsed: ["204 {} ", '202 {"content-length":"0"} '],
  },
  { what: "bare line feeds", bytes: "HTTP/1.1 202 \nContent-Length: 1\n\nx", parsed: ['202 {"content-length":"1"} x'] },
  {
    what: "a repeated header",
    bytes: "HTTP/1.1 200 OK\r\nA: 1\r\na: 2\r\nContent-Length: 0\r\n\r\n",
    parsed: ['200 {"a":"2","content-length":"0"} '],
  },
];

const garbage: readonly string[] = [
  "SSH-2.0-OpenSSH_9.2\r\n",
  "HTTP/1.1 abc\r\n\r\n",
  "HTTP/1.1 2000 OK\r\n\r\n",
  "HTTP/1.1 200 OK\r\n: x\r\n\r\n",
  "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
  "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n",
  `HTTP/1.1 200 OK\r\nA: ${"x".repeat(2000)}\r\n\r\n`,
  `HTTP/1.1 200 OK\r\n${"A: x\r\n".repeat(300)}\r\n`,
];

describe.each(Object.keys(chunkings))("bytes that arrive %s", (name) => {
  const cut = chunkings[name]!;

  test.each(answers)("give $what", ({ bytes, parsed }) => {
    const parser = new HttpResponseParser();
    expect(summary(cut(latin1(bytes)).flatMap((chunk) => parser.push(chunk)))).toEqual([...parsed]);
  });

  test.each(garbage)("are refused: %j", (bytes) => {
    const parser = new HttpResponseParser({ maxHeadBytes: 1000 });
    expect(() => cut(latin1(bytes)).map((chunk) => parser.push(chunk))).toThrow(HttpProtocolError);
  });
});

describe("the end of the connection", () => {
  test("ends a body without length", () => {
    const parser = new HttpResponseParser();
    parser.push(latin1("HTTP/1.1 200 OK\r\n\r\nabc"));
    expect(parser.finish()).toEqual([{ type: "end" }]);
  });

  test("between answers is no error", () => {
    const parser = new HttpResponseParser();
    expect(parser.finish()).toEqual([]);
    parser.push(latin1("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"));
    expect(parser.finish()).toEqual([]);
  });

  test.each([
    "HT",
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nx",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
  ])("after %j is an error", (bytes) => {
    const parser = new HttpResponseParser();
    parser.push(latin1(bytes));
    expect(() => parser.finish()).toThrow("it is cut off");
  });
});
