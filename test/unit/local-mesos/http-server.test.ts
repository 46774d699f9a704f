import { describe, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { createLogger, formatTextLine } from "../../../src/base/log.ts";
import { emptyAnswer, type HttpAnswer, type HttpStream, textAnswer } from "../../../src/local/mesos/http/answer.ts";
import type { HttpRequest } from "../../../src/local/mesos/http/request-parser.ts";
import { HttpServer } from "../../../src/local/mesos/http/server.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { until } from "../../support/until.ts";

interface Served extends AsyncDisposable {
  readonly port: number;
  readonly clock: ManualClock;
  readonly log: readonly string[];
  readonly handled: readonly HttpRequest[];
  /** Of the one GET /stream. */
  readonly stream: () => HttpStream | undefined;
  open(): Client;
}

interface Client {
  readonly socket: Socket;
  readonly text: () => string;
  readonly closed: () => boolean;
}

async function serve(largestBacklogBytes?: number): Promise<Served> {
  const clock = new ManualClock();
  const log: string[] = [];
  const handled: HttpRequest[] = [];
  let stream: HttpStream | undefined;
  const handle = (request: HttpRequest): HttpAnswer => {
    handled.push(request);
    if (request.path === "/long") return textAnswer(200, "long ".repeat(300));
    if (request.path !== "/stream") return emptyAnswer(200);
    return { type: "stream", headers: {}, open: (opened) => (stream = opened), closed: () => (stream = undefined) };
  };
  const server = new HttpServer({
    host: "127.0.0.1",
    port: 0,
    clock,
    log: createLogger({ sink: (entry) => log.push(formatTextLine(entry)), level: "debug" }),
    handle,
    ...(largestBacklogBytes === undefined ? {} : { largestBacklogBytes }),
  });
  const port = await server.start();
  const sockets: Socket[] = [];
  return {
    port,
    clock,
    log,
    handled,
    stream: () => stream,
    open() {
      let text = "";
      let closed = false;
      const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
      sockets.push(socket);
      socket.on("data", (bytes: Buffer) => (text += bytes.toString("latin1")));
      socket.on("close", () => (closed = true));
      // To be cut off is what some of them are here for.
      socket.on("error", () => socket.destroy());
      return { socket, text: () => text, closed: () => closed };
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await server.close();
    },
  };
}

const get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
const ok = /HTTP\/1\.1 200 OK/g;

describe("a client that sends garbage", () => {
  test.each([
    ["noise", "\u0016\u0003\u0001\u0002\u0000\u0001\r\n\r\n", 400],
    ["a length that is none", "POST / HTTP/1.1\r\nContent-Length: abc\r\n\r\n", 400],
    ["a huge length", "POST / HTTP/1.1\r\nContent-Length: 9999999999\r\n\r\n", 413],
    ["a huge chunk", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\n", 413],
    ["an endless head", `GET / HTTP/1.1\r\n${"X-Y: z\r\n".repeat(20_000)}`, 400],
  ])("%s: told so, logged, closed; what came before it is answered, and everybody else", async (_, garbage, status) => {
    await using server = await serve();
    const other = server.open();
    other.socket.write("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{");
    const client = server.open();
    client.socket.write(get + garbage, "latin1");
    await until(() => client.text().includes(`HTTP/1.1 ${status} `), "it is refused");
    expect(client.text().match(ok)).toHaveLength(1);
    const port = client.socket.localPort;
    expect(server.log.join("\n")).toMatch(
      new RegExp(`connection refused.*127\\.0\\.0\\.1:${port}.*Cannot read request`),
    );
    client.socket.end();
    await until(client.closed, "it is closed");
    other.socket.write("}");
    await until(() => other.text().match(ok)?.length === 1, "the other is answered");
  });

  test("half a request, and then nothing: closed after a minute of silence", async () => {
    await using server = await serve();
    const client = server.open();
    client.socket.write(get);
    await until(() => client.text().match(ok)?.length === 1, "the first is answered");
    server.clock.advance(3_600_000);
    client.socket.write("POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc");
    await until(() => server.clock.pending > 0, "the second has begun");
    server.clock.advance(59_000);
    client.socket.write(`defghij${get.slice(0, 3)}`);
    await until(() => client.text().match(ok)?.length === 2, "the rest has come, and the beginning of a third");
    server.clock.advance(59_000);
    expect(server.log).toEqual([]);
    server.clock.advance(1000);
    expect(server.log.join("\n")).toContain("nothing came for 60 s");
    await until(() => client.text().includes("408 Request Timeout"), "it is told");
  });

  test("who does not hang up is hung up on", async () => {
    await using server = await serve();
    const client = server.open();
    client.socket.write("garbage\r\n\r\n");
    await until(() => client.text().includes("400 Bad Request"), "it is refused");
    await until(() => server.clock.pending > 0, "the end is near");
    expect(client.closed()).toBe(false);
    server.clock.advance(5000);
    client.socket.write("more garbage");
    await until(client.closed, "it is closed");
  });
});

test("whoever does not read what it asked for is cut off, and nobody else", async () => {
  await using server = await serve(1_000_000);
  const client = server.open();
  client.socket.write("GET /stream HTTP/1.1\r\n\r\n");
  const stream = await until(server.stream, "the stream is open");
  client.socket.pause();
  await until(() => {
    stream.write(new Uint8Array(100_000));
    return server.stream() === undefined;
  }, "it is cut");
  expect(server.log.join("\n")).toContain("connection cut: its reader is too slow");
  const other = server.open();
  other.socket.write(get);
  await until(() => other.text().match(ok)?.length === 1, "another one is answered");
});

test("requests behind the last one of a connection are not carried out", async () => {
  await using server = await serve();
  const client = server.open();
  client.socket.write(`GET /last HTTP/1.1\r\nConnection: close\r\n\r\n${get}`);
  await until(() => client.text().includes("200 OK"), "the first is answered");
  expect(server.handled.map(({ path }) => path)).toEqual(["/last"]);
});

test.each([
  ["gzip", "gzip"],
  ["deflate, gzip;q=0.5", "gzip"],
  ["*", "gzip"],
  ["gzip;q=0", null],
  ["identity", null],
])("a long answer to who accepts %p is packed as %p", async (accepted, encoding) => {
  await using server = await serve();
  const answer = await fetch(`http://127.0.0.1:${server.port}/long`, {
    headers: { "Accept-Encoding": accepted },
    decompress: false,
  });
  expect(answer.headers.get("content-encoding")).toBe(encoding);
  const bytes = new Uint8Array(await answer.arrayBuffer());
  expect(new TextDecoder().decode(encoding === null ? bytes : Bun.gunzipSync(bytes))).toBe("long ".repeat(300));
});
