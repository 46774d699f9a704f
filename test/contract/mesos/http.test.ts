import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { startTestMesos, type TestMesos } from "../../support/mesos/embedded.ts";
import { JsonScheduler } from "../../support/mesos/json-scheduler.ts";
import { until } from "../../support/until.ts";

let mesos: TestMesos;
beforeAll(async () => {
  mesos = await startTestMesos();
});
afterAll(() => mesos[Symbol.asyncDispose]());

interface RawConnection {
  readonly socket: Socket;
  readonly text: () => string;
  readonly closed: () => boolean;
}

function open(): RawConnection {
  let text = "";
  let closed = false;
  const socket = connect(mesos.address.port, mesos.address.host);
  socket.on("data", (bytes: Buffer) => {
    text += bytes.toString("latin1");
  });
  socket.on("close", () => {
    closed = true;
  });
  return { socket, text: () => text, closed: () => closed };
}

function request(path: string, body: string, method = "POST"): string {
  const head = `${method} ${path} HTTP/1.1\r\nHost: mesos\r\nContent-Type: application/json\r\n`;
  return `${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

const frameworkInfo = `{"user":"root","name":"raw","roles":["raw"],"capabilities":[{"type":"MULTI_ROLE"}]}`;
const subscribe = request("/api/v1/scheduler", `{"type":"SUBSCRIBE","subscribe":{"framework_info":${frameworkInfo}}}`);

describe("one connection", () => {
  test("answers pipelined requests in their order", async () => {
    const { socket, text } = open();
    socket.write(request("/health", "", "GET") + request("/api/v1/scheduler", "{") + request("/nowhere", "", "GET"));
    await until(() => text().includes("404 Not Found."), "all three are answered");
    expect(text().match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 400", "HTTP/1.1 404"]);
    socket.destroy();
  });

  test("carries a stream with one record a chunk, and answers nothing behind it", async () => {
    const { socket, text } = open();
    socket.write(subscribe + request("/health", "", "GET"));
    await until(() => text().includes('"HEARTBEAT"'), "the stream has begun");
    const chunks = text().slice(text().indexOf("\r\n\r\n") + 4);
    const [, size = "", length = "", record = ""] = /^([0-9a-f]+)\r\n(\d+)\n(\{.*?\})\r\n/.exec(chunks) ?? [];
    expect(Number.parseInt(size, 16)).toBe(length.length + 1 + record.length);
    expect(record).toContain('"SUBSCRIBED"');
    expect(text().match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200"]);
    socket.destroy();
  });

  test("still gets its answers when the client has said all that it wanted", async () => {
    const { socket, text, closed } = open();
    socket.end(request("/health", "", "GET") + request("/nowhere", "", "GET"));
    await until(closed, "the connection is closed");
    expect(text().match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 404"]);
  });

  test("is refused and closed when it sends garbage, and the others go on", async () => {
    await using scheduler = await JsonScheduler.subscribe(mesos.address);
    await scheduler.event("SUBSCRIBED");
    const { socket, text, closed } = open();
    socket.write(Buffer.from([0, 255, 13, 10, 13, 10, 1, 2, 3]));
    await until(closed, "the connection is closed");
    expect(text()).toStartWith("HTTP/1.1 400 Bad Request\r\n");
    expect(await scheduler.call("REVIVE")).toBe("202");
  });
});

describe("a framework", () => {
  test("is not subscribed as soon as its connection is cut, and takes its tasks up with a new one", async () => {
    await using first = await JsonScheduler.subscribe(mesos.address, { failover_timeout: 60 });
    await first.event("SUBSCRIBED");
    first.disconnect();
    await until(() => first.ended === "broken", "the stream is cut");
    for (let answer = "202"; answer !== "403 Framework is not subscribed"; answer = await first.call("SUPPRESS")) {
      expect(answer).toBe("202");
    }
    await using second = await JsonScheduler.subscribe(mesos.address, {
      failover_timeout: 60,
      id: { value: first.frameworkId },
    });
    await second.event("SUBSCRIBED");
    expect(second.frameworkId).toBe(first.frameworkId);
    await second.call("TEARDOWN");
  });

  test("that subscribes twice keeps the newer stream, and the older one's calls are refused", async () => {
    await using first = await JsonScheduler.subscribe(mesos.address, { failover_timeout: 60 });
    await first.event("SUBSCRIBED");
    await using second = await JsonScheduler.subscribe(mesos.address, {
      failover_timeout: 60,
      id: { value: first.frameworkId },
    });
    expect((await first.event("ERROR"))["error"]).toEqual({ message: "Framework failed over" });
    await until(() => first.ended === "orderly", "the older stream ends");
    expect(await first.call("REVIVE")).toStartWith(`400 The stream ID '${first.streamId}' included in this request`);
    await second.event("SUBSCRIBED");
    expect(await second.call("TEARDOWN")).toBe("202");
    await using third = await JsonScheduler.subscribe(mesos.address, { id: { value: second.frameworkId } });
    expect((await third.event("ERROR"))["error"]).toEqual({ message: "Framework has been removed" });
  });
});

describe("other paths", () => {
  const url = (path: string): string => `http://${mesos.address.host}:${mesos.address.port}${path}`;

  test("tell health, version and state", async () => {
    await using scheduler = await JsonScheduler.subscribe(mesos.address, {
      labels: { labels: [{ key: "a", value: "b" }] },
    });
    await scheduler.event("SUBSCRIBED");
    expect((await fetch(url("/health"))).status).toBe(200);
    expect(await (await fetch(url("/version"))).json()).toMatchObject({ version: "1.12.0" });
    const state: unknown = await (await fetch(url("/master/state"))).json();
    expect(state).toMatchObject({
      slaves: [{ attributes: { rack: "r0" }, resources: { cpus: 4, mem: 2048 } }],
      frameworks: [{ id: scheduler.frameworkId, active: true, labels: [{ key: "a", value: "b" }] }],
    });
    await scheduler.call("TEARDOWN");
  });

  test("answer the operator's calls", async () => {
    const headers = { "Content-Type": "application/json", Accept: "application/json" };
    const post = (body: string): Promise<Response> => fetch(url("/api/v1"), { method: "POST", headers, body });
    const health: unknown = await (await post('{"type":"GET_HEALTH"}')).json();
    expect(health).toEqual({ type: "GET_HEALTH", get_health: { healthy: true } });
    const refused = await post("{}");
    expect(refused.status).toBe(400);
    expect(await refused.text()).toBe("Failed to validate master::Call: Expecting 'type' to be present");
  });
});
