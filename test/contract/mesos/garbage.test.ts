import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import { createLogger, formatTextLine } from "../../../src/base/log.ts";
import { jsonTask, launch, startTestMesos, type TestMesos } from "../../support/mesos/embedded.ts";
import { JsonScheduler } from "../../support/mesos/json-scheduler.ts";
import { until } from "../../support/until.ts";

/*
 * Clients of master and agent that send garbage: they are told so and left, with a line in the log; a scheduler with its
 * task goes on beside them.
 */

const log: string[] = [];
let mesos: TestMesos;
let scheduler: JsonScheduler;
let agentPort = 0;

beforeAll(async () => {
  const sink = createLogger({ level: "debug", sink: (entry) => void log.push(formatTextLine(entry)) });
  mesos = await startTestMesos({ log: sink });
  scheduler = await JsonScheduler.subscribe(mesos.address);
  const [offer] = await scheduler.offers();
  agentPort = (offer as unknown as { url: { address: { port: number } } }).url.address.port;
  const task = jsonTask("steady", offer!.agent_id, { order: { forever: true } });
  await scheduler.call("ACCEPT", { accept: { offer_ids: [offer!.id], operations: [launch(task)] } });
  await scheduler.follow("steady", ({ state }) => state === "TASK_RUNNING");
});
afterAll(async () => {
  await scheduler.call("TEARDOWN");
  await scheduler[Symbol.asyncDispose]();
  await mesos[Symbol.asyncDispose]();
});

function open(port: number) {
  let text = "";
  let closed = false;
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  socket.on("data", (bytes: Buffer) => (text += bytes.toString("latin1")));
  socket.on("close", () => (closed = true));
  socket.on("error", () => socket.destroy());
  return { socket, text: () => text, closed: () => closed };
}

/** The scheduler can call, and its task's executor hears and answers. */
async function othersGoOn(): Promise<void> {
  expect(await scheduler.call("REVIVE")).toBe("202");
  const from = scheduler.events.length;
  const { agent_id } = await scheduler.update("steady", "TASK_RUNNING");
  await scheduler.call("MESSAGE", { message: { agent_id, executor_id: { value: "worker" }, data: "AAEC" } });
  await scheduler.event("MESSAGE", undefined, from);
}

const post = (path: string, headers: string, body = ""): string =>
  `POST ${path} HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n${headers}\r\n\r\n${body}`;

for (const who of ["master", "agent"] as const) {
  const path = who === "master" ? "/api/v1/scheduler" : "/slave(1)/api/v1/executor";
  const port = (): number => (who === "master" ? mesos.address.port : agentPort);

  describe(`a client of the ${who}`, () => {
    test.each<[string, () => string | Uint8Array, RegExp]>([
      ["random bytes", () => Buffer.concat([randomBytes(4096), Buffer.from("\r\n\r\n")]), /^HTTP\/1\.1 400 /],
      ["the beginning of TLS", () => Uint8Array.of(22, 3, 1, 0, 165, 1, 13, 10, 13, 10), /^HTTP\/1\.1 400 /],
      ["a length that is none", () => post(path, "Content-Length: -1"), /^HTTP\/1\.1 400 /],
      ["a huge length", () => post(path, "Content-Length: 99999999999999"), /^HTTP\/1\.1 413 /],
      ["a huge chunk", () => post(path, "Transfer-Encoding: chunked", "FFFFFFFFF\r\n"), /^HTTP\/1\.1 413 /],
      ["a head without end", () => `GET / HTTP/1.1\r\n${"A: b\r\n".repeat(50_000)}`, /^HTTP\/1\.1 400 /],
    ])("that sends %s is told so and closed, with a line in the log, and nobody else is", async (_, bytes, answer) => {
      const logged = log.length;
      const client = open(port());
      await until(() => client.socket.localPort !== undefined && !client.socket.connecting, "it is there");
      const own = `127.0.0.1:${client.socket.localPort}`;
      client.socket.write(bytes());
      await until(() => answer.test(client.text()) || client.closed(), "it is told");
      expect(client.text()).toMatch(answer);
      client.socket.end();
      await until(client.closed, "it is closed");
      const told = log.slice(logged).filter((line) => line.includes("connection refused") && line.includes(own));
      expect(told).toHaveLength(1);
      await othersGoOn();
    });

    test.each<[string, string, number]>([
      ["no JSON", "{", 400],
      ["JSON that is no call", '{"type":5}', 400],
      ["nesting without end", "[".repeat(100_000), 400],
    ])("that sends %s for a call is told so, and may go on", async (_, body, status) => {
      const client = open(port());
      client.socket.write(post(path, `Content-Length: ${body.length}`, body).repeat(2));
      const answers = (): RegExpMatchArray | null => client.text().match(/HTTP\/1\.1 \d+/g);
      await until(() => (answers() ?? []).length === 2, "both are answered");
      expect(answers()).toEqual([`HTTP/1.1 ${status}`, `HTTP/1.1 ${status}`]);
      client.socket.destroy();
      await othersGoOn();
    });

    test("that sends half a call and leaves, a hundred times, leaves nothing behind", async () => {
      const half = post(path, "Content-Length: 1000000", "{".repeat(1000));
      const clients = Array.from({ length: 100 }, () => open(port()));
      for (const { socket } of clients) socket.end(half);
      await until(() => clients.every(({ closed }) => closed()), "all are closed");
      await othersGoOn();
    });

    test("that sends byte by byte gets its answer, and others theirs meanwhile", async () => {
      const client = open(port());
      const bytes = Buffer.from(post(path, "Content-Length: 2", "{}"));
      for (const byte of bytes.subarray(0, -1)) {
        await new Promise((resolve) => client.socket.write(Uint8Array.of(byte), resolve));
        await new Promise((resolve) => setImmediate(resolve));
      }
      await othersGoOn();
      expect(client.text()).toBe("");
      client.socket.write(bytes.subarray(-1));
      await until(() => client.text().startsWith("HTTP/1.1 400 "), "it is answered");
      client.socket.destroy();
    });
  });
}
