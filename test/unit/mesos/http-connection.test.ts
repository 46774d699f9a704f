import { describe, expect, test } from "bun:test";
import { createServer } from "node:http";
import { systemClock } from "../../../src/base/clock.ts";
import { collectAnswer, type HttpAnswer } from "../../../src/mesos/http-answer.ts";
import { HttpConnection, type HttpRequest } from "../../../src/mesos/http-connection.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { startTcpServer } from "../../support/tcp-server.ts";
import { until } from "../../support/until.ts";

const ACCEPTED = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";

function post(path: string, body = ""): HttpRequest {
  return { method: "POST", path, headers: { "Content-Type": "text/plain" }, body: new TextEncoder().encode(body) };
}

function ask(connection: HttpConnection, request: HttpRequest): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => connection.send(request, collectAnswer(resolve, reject)));
}

async function failure(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return String(error);
  }
  return "no failure";
}

/** The answers, or `failed: …`, of several requests, in the order in which they came. */
function askAll(connection: HttpConnection, requests: readonly HttpRequest[]): { readonly outcomes: string[] } {
  const outcomes: string[] = [];
  for (const request of requests) {
    const sink = collectAnswer(
      ({ status, text }) => outcomes.push(`${request.path} ${status} ${text}`.trim()),
      (error) => outcomes.push(`${request.path} failed: ${error.name}`),
    );
    connection.send(request, sink);
  }
  return { outcomes };
}

describe("a connection to a server", () => {
  test("sends the requests of one turn at once and in order, before any answer", async () => {
    await using server = await startTcpServer(() => undefined);
    const connection = new HttpConnection({ endpoint: server.endpoint, clock: systemClock });
    connection.open();
    const { outcomes } = askAll(connection, [post("/a", "1"), post("/b", "22"), post("/c")]);
    const host = `127.0.0.1:${server.endpoint.port}`;
    const head = (path: string, length: number): string =>
      `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: text/plain\r\nContent-Length: ${length}\r\n\r\n`;
    const expected = `${head("/a", 1)}1${head("/b", 2)}22${head("/c", 0)}`;
    const served = await until(
      () => server.sockets.find(({ received }) => received.length >= expected.length),
      "all came",
    );
    expect(served.received).toBe(expected);
    served.socket.write(`${ACCEPTED}HTTP/1.1 400 Bad Request\r\nContent-Length: 4\r\n\r\nnope${ACCEPTED}`);
    await until(() => outcomes.length === 3, "all are answered");
    expect(outcomes).toEqual(["/a 202", "/b 400 nope", "/c 202"]);
    connection.close();
  });

  test("works with a real HTTP server, many requests, and keeps their order", async () => {
    const bodies: string[] = [];
    const server = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => {
        bodies.push(body);
        response.end(body);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const connection = new HttpConnection({ endpoint: { host: "127.0.0.1", port }, clock: systemClock });
    connection.open();
    const sent = Array.from({ length: 500 }, (_, i) => `${i}-${"x".repeat(i)}`);
    const answers = await Promise.all(sent.map((body) => ask(connection, post("/", body))));
    expect(answers.map(({ text }) => text)).toEqual(sent);
    expect(bodies).toEqual(sent);
    connection.close();
    server.close();
  });

  test("hands a stream over as it comes", async () => {
    await using server = await startTcpServer(({ socket }) => {
      socket.write("HTTP/1.1 200 OK\r\nMesos-Stream-Id: s\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    });
    const connection = new HttpConnection({ endpoint: server.endpoint, clock: systemClock });
    const seen: string[] = [];
    connection.open();
    connection.send(post("/"), {
      head: ({ status, headers }) => seen.push(`head ${status} ${headers.get("mesos-stream-id")}`),
      data: (data) => seen.push(new TextDecoder().decode(data)),
      end: () => seen.push("end"),
      failed: () => seen.push("failed"),
    });
    await until(() => seen.includes("abc"), "the first chunk is here");
    server.sockets[0]?.socket.write("2\r\nde\r\n0\r\n\r\n");
    await until(() => seen.includes("end"), "the stream ended");
    expect(seen).toEqual(["head 200 s", "abc", "de", "end"]);
    connection.close();
  });

  test("fails every unanswered request when the server cuts it, once each", async () => {
    await using server = await startTcpServer(({ socket, received }) => {
      if (received.includes("/c")) socket.end(`${ACCEPTED}HTTP/1.1 202 Acc`);
    });
    const connection = new HttpConnection({ endpoint: server.endpoint, clock: systemClock });
    connection.open();
    const { outcomes } = askAll(connection, [post("/a"), post("/b"), post("/c")]);
    await until(() => outcomes.length === 3, "all have an outcome");
    expect(outcomes).toEqual(["/a 202", "/b failed: HttpProtocolError", "/c failed: HttpProtocolError"]);
    expect(connection.isClosed).toBe(true);
    expect(await failure(ask(connection, post("/late")))).toContain("the connection is closed");
    expect(server.sockets.length).toBe(1);
  });

  test("fails on a reset", async () => {
    await using server = await startTcpServer(({ socket }) => socket.resetAndDestroy());
    const connection = new HttpConnection({ endpoint: server.endpoint, clock: systemClock });
    connection.open();
    expect(await failure(ask(connection, post("/")))).toContain(`Cannot talk to 127.0.0.1:${server.endpoint.port}`);
  });

  test.each(["SSH-2.0-x\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", `${ACCEPTED}${ACCEPTED}`])(
    "is closed by an answer like %j",
    async (answer) => {
      await using server = await startTcpServer(({ socket }) => socket.write(answer));
      const connection = new HttpConnection({ endpoint: server.endpoint, clock: systemClock });
      connection.open();
      const { outcomes } = askAll(connection, [post("/a")]);
      await until(() => connection.isClosed && outcomes.length === 1, "the connection is closed");
      expect(outcomes[0]).toMatch(/failed: HttpProtocolError|202/);
    },
  );

  test("keeps the beginning of a long answer and stays usable", async () => {
    await using server = await startTcpServer(({ socket, received }) => {
      if (received.includes("/long"))
        socket.write(`HTTP/1.1 500 X\r\nContent-Length: 200000\r\n\r\n${"x".repeat(200_000)}`);
      if (received.includes("/next")) socket.write(ACCEPTED);
    });
    const connection = new HttpConnection({ endpoint: server.endpoint, clock: systemClock });
    connection.open();
    expect((await ask(connection, post("/long"))).text.length).toBe(65_536);
    connection.close();
  });

  test("is refused where nobody listens", async () => {
    const server = await startTcpServer(() => undefined);
    const { endpoint } = server;
    await server[Symbol.asyncDispose]();
    const connection = new HttpConnection({ endpoint, clock: systemClock });
    connection.open();
    expect(await failure(ask(connection, post("/")))).toContain("the connection broke");
  });

  test("fails what is unanswered when this side closes it", async () => {
    await using server = await startTcpServer(() => undefined);
    const connection = new HttpConnection({ endpoint: server.endpoint, clock: systemClock });
    connection.open();
    const { outcomes } = askAll(connection, [post("/a")]);
    connection.close();
    connection.close();
    expect(outcomes).toEqual(["/a failed: ConnectionLostError"]);
  });
});

describe("deadlines", () => {
  test("an answer that does not come ends the connection; one in time puts it off", async () => {
    const clock = new ManualClock();
    await using server = await startTcpServer(() => undefined);
    const connection = new HttpConnection({ endpoint: server.endpoint, clock, answerTimeoutMs: 1000 });
    connection.open();
    const { outcomes } = askAll(connection, [post("/a"), post("/b")]);
    const { socket } = await until(() => server.sockets.find(({ received }) => received.includes("/b")), "both came");
    clock.advance(900);
    socket.write(ACCEPTED);
    await until(() => outcomes.length === 1, "the first is answered");
    clock.advance(900);
    expect(connection.isClosed).toBe(false);
    clock.advance(100);
    expect(outcomes).toEqual(["/a 202", "/b failed: ConnectionLostError"]);
    expect(clock.pending).toBe(0);
  });

  test.each([
    ["a stream that has begun may be silent for ever", true],
    ["an answer that stops in its midst ends the connection", false],
  ])("%s", async (_, endless) => {
    const clock = new ManualClock();
    await using server = await startTcpServer(({ socket }) => {
      socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    });
    const connection = new HttpConnection({ endpoint: server.endpoint, clock, answerTimeoutMs: 1000 });
    connection.open();
    let headSeen = false;
    connection.send(post("/"), {
      endless,
      head: () => (headSeen = true),
      data: () => undefined,
      end: () => undefined,
      failed: () => undefined,
    });
    await until(() => headSeen, "the answer began");
    clock.advance(1_000_000);
    expect(connection.isClosed).toBe(!endless);
    connection.close();
  });

  test("a server that does not accept in time is given up", async () => {
    const clock = new ManualClock();
    const connection = new HttpConnection({ endpoint: { host: "192.0.2.1", port: 9 }, clock, connectTimeoutMs: 500 });
    connection.open();
    const { outcomes } = askAll(connection, [post("/a")]);
    clock.advance(500);
    expect(outcomes).toEqual(["/a failed: ConnectionLostError"]);
  });

  test("more unanswered requests than the bound end the connection", async () => {
    await using server = await startTcpServer(() => undefined);
    const connection = new HttpConnection({ endpoint: server.endpoint, clock: systemClock, maxUnanswered: 2 });
    connection.open();
    const { outcomes } = askAll(connection, [post("/a"), post("/b"), post("/c")]);
    await until(() => outcomes.length === 3, "all have failed");
    expect(connection.isClosed).toBe(true);
  });
});
