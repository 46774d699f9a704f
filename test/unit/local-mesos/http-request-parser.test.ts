import { describe, expect, test } from "bun:test";
import { HttpRequestError, HttpRequestParser } from "../../../src/local/mesos/http/request-parser.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function parse(parts: readonly Uint8Array[]): string[] {
  const parser = new HttpRequestParser(() => undefined);
  return parts
    .flatMap((part) => [...parser.push(part)])
    .map(({ method, path, body }) => `${method} ${path} ${new TextDecoder().decode(body)}`);
}

const two =
  "POST /a HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello" +
  "POST /slave%281%29/b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\n" +
  "GET /c?d=e HTTP/1.1\r\nHost: h\r\n\r\n";
const expected = ["POST /a hello", "POST /slave(1)/b abcde", "GET /c "];

describe("pipelined requests are read in any cutting", () => {
  test("whole", () => expect(parse([bytes(two)])).toEqual(expected));

  test("in halves, cut at every place", () => {
    for (let at = 1; at < two.length; at++) {
      expect(parse([bytes(two.slice(0, at)), bytes(two.slice(at))])).toEqual(expected);
    }
  });

  test("byte by byte", () => expect(parse(two.split("").map(bytes))).toEqual(expected));
});

describe("what is no request is refused", () => {
  test.each([
    ["\u0000\u0001\u0002\r\n\r\n", 400],
    ["GET\r\n\r\n", 400],
    ["GET / HTTP/2\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\n: nameless\r\n\r\n", 400],
    ["GET /%zz HTTP/1.1\r\n\r\n", 400],
    ["POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400],
    ["POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", 413],
    ["POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400],
    ["POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\n", 413],
    ["POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", 400],
    ["x".repeat(90_000), 400],
  ])("%#", (text, status) => {
    let refused: unknown;
    try {
      parse([bytes(text)]);
    } catch (error) {
      refused = error;
    }
    expect(refused).toBeInstanceOf(HttpRequestError);
    expect((refused as HttpRequestError).status).toBe(status);
  });
});

test("a client that waits for 100 Continue is told to go on", () => {
  let told = 0;
  const parser = new HttpRequestParser(() => told++);
  expect([...parser.push(bytes("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n"))]).toEqual([]);
  expect(told).toBe(1);
  expect([...parser.push(bytes("x"))]).toHaveLength(1);
});
