import { expect, test } from "bun:test";
import { systemClock } from "../../../src/base/clock.ts";
import { formatHostPort, type HostPort } from "../../../src/mesos/host-port.ts";
import { HostListLocator } from "../../../src/mesos/master-locator.ts";
import { OperatorClient, type OperatorClientOptions } from "../../../src/mesos/operator-client.ts";
import { type ReceivedRequest, RequestReader } from "../../support/http-requests.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { rejection } from "../../support/rejection.ts";
import { startTcpServer } from "../../support/tcp-server.ts";
import { until } from "../../support/until.ts";

const signal = new AbortController().signal;
const noFrameworks = JSON.stringify({ type: "GET_FRAMEWORKS", get_frameworks: { frameworks: [] } });

/** A master that gives each request the answer of `answer`; undefined: none. */
async function startMaster(answer: (request: ReceivedRequest) => string | undefined) {
  const requests: ReceivedRequest[] = [];
  const server = await startTcpServer(({ socket }, chunk) => {
    for (const request of new RequestReader().push(chunk)) {
      requests.push(request);
      const text = answer(request);
      if (text !== undefined) socket.write(text);
    }
  });
  return {
    requests,
    endpoint: server.endpoint,
    sockets: server.sockets,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function http(status: number, body = "", headers = ""): string {
  return `HTTP/1.1 ${status} X\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

function clientOf(masters: readonly HostPort[], more: Partial<OperatorClientOptions> = {}) {
  const credentials = { principal: "brigade", secret: "s3cret" };
  return new OperatorClient({ masters: new HostListLocator(masters), credentials, clock: systemClock, ...more });
}

test("a question is a POST in JSON with the credentials", async () => {
  await using master = await startMaster(() => http(200, noFrameworks));
  expect(await clientOf([master.endpoint]).frameworks({ signal })).toEqual([]);
  const [request] = master.requests;
  expect(request).toMatchObject({ method: "POST", path: "/api/v1" });
  expect(request?.headers).toMatchObject({
    "content-type": "application/json",
    authorization: `Basic ${btoa("brigade:s3cret")}`,
  });
  expect(Buffer.from(request?.body ?? []).toString()).toBe('{"type":"GET_FRAMEWORKS"}');
});

test("a master that does not lead names the one that does, which gets the credentials too", async () => {
  await using leader = await startMaster(() => http(200, noFrameworks));
  const location = `Location: //${formatHostPort(leader.endpoint)}/master/api/v1\r\n`;
  await using other = await startMaster(() => http(307, "", location));
  expect(await clientOf([other.endpoint]).frameworks({ signal })).toEqual([]);
  expect(leader.requests[0]?.headers).toHaveProperty("authorization");
});

test("masters that point at each other are given up, for now", async () => {
  let target: HostPort | undefined;
  const turn = (): string => http(307, "", `Location: //${formatHostPort(target!)}\r\n`);
  await using one = await startMaster(turn);
  target = one.endpoint;
  const error = await rejection(clientOf([one.endpoint]).frameworks({ signal }));
  expect(error).toMatchObject({ code: "mesos-operator-unavailable" });
  expect(one.requests.length).toBe(4);
});

test("what is not authorised or not known is refused for good", async () => {
  for (const status of [401, 403, 501]) {
    await using master = await startMaster(() => http(status, "no"));
    const error = await rejection(clientOf([master.endpoint]).tasks({ signal }));
    expect(error).toMatchObject({ code: "mesos-operator-refused", status });
    expect(String(error)).toContain(`Cannot ask the master GET_TASKS: the answer is ${status}, no`);
  }
});

test("a master that cannot answer now is passed over at the next try", async () => {
  await using booting = await startMaster(() => http(503, "Master has not finished recovery"));
  await using serving = await startMaster(() => http(200, noFrameworks));
  const client = clientOf([booting.endpoint, serving.endpoint]);
  expect(await rejection(client.frameworks({ signal }))).toMatchObject({ code: "mesos-operator-unavailable" });
  expect(await client.frameworks({ signal })).toEqual([]);
});

test("so is one whose connection breaks, and one that answers no JSON", async () => {
  await using breaking = await startMaster(() => http(200, noFrameworks).slice(0, -10));
  await using wrong = await startMaster(() => http(200, "<html>"));
  const broken = rejection(clientOf([breaking.endpoint]).frameworks({ signal }));
  await until(() => breaking.requests.length === 1, "it was asked");
  for (const { socket } of breaking.sockets) socket.end();
  expect(await broken).toMatchObject({ fault: "infrastructure" });
  const error = await rejection(clientOf([wrong.endpoint]).frameworks({ signal }));
  expect(String(error)).toContain("to GET_FRAMEWORKS: no JSON");
});

test("an answer that does not come ends with the deadline, or with the signal", async () => {
  await using silent = await startMaster(() => undefined);
  const clock = new ManualClock();
  const late = rejection(clientOf([silent.endpoint], { clock }).frameworks({ signal }));
  await until(() => silent.requests.length === 1, "it was asked");
  clock.advance(15_000);
  expect(String(await late)).toContain("no answer after 15000 ms");

  const stop = new AbortController();
  const stopped = rejection(clientOf([silent.endpoint]).frameworks({ signal: stop.signal }));
  await until(() => silent.requests.length === 2, "it was asked again");
  const reason = new Error("stopping");
  stop.abort(reason);
  expect(await stopped).toBe(reason);
  await until(() => silent.sockets.every(({ socket }) => socket.destroyed), "no connection is left");
});

test("an answer without an end is not kept", async () => {
  await using endless = await startMaster(() => http(200, "x".repeat(2000)));
  const error = await rejection(clientOf([endless.endpoint], { maxBytes: 1000 }).frameworks({ signal }));
  expect(String(error)).toContain("more than 1000 bytes");
});
