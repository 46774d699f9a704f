import { describe, expect, test } from "bun:test";
import type { Socket } from "node:net";
import { concatBytes, utf8 } from "../../../src/base/bytes.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { createLogger, silentLogger } from "../../../src/base/log.ts";
import { seededRandom } from "../../../src/base/random.ts";
import { encodeExecutorEvent, encodeSchedulerEvent } from "../../../src/mesos/codec.ts";
import { ExecutorConnection } from "../../../src/mesos/executor-connection.ts";
import { HostListLocator } from "../../../src/mesos/master-locator.ts";
import { encodeRecord } from "../../../src/mesos/recordio.ts";
import { SchedulerConnection } from "../../../src/mesos/scheduler-connection.ts";
import type { ExecutorId, FrameworkId } from "../../../src/mesos/types.ts";
import { startTcpServer } from "../../support/tcp-server.ts";
import { until } from "../../support/until.ts";

/* Something answers at the master's address that is none: the connection is dropped with its reason, and tried again. */

const type = "application/x-protobuf";
const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nMesos-Stream-Id: s\r\n\r\n";
const frameworkId = "f" as FrameworkId;
const subscribed = encodeRecord(
  encodeSchedulerEvent({ type: "SUBSCRIBED", frameworkId, heartbeatIntervalMs: 15_000, masterInfo: undefined }, type),
);
const noise = Uint8Array.from({ length: 3000 }, (_, i) => (i * 167 + 13) % 256);

function chunk(bytes: Uint8Array): Uint8Array {
  return concatBytes([utf8(`${bytes.byteLength.toString(16)}\r\n`), bytes, utf8("\r\n")]);
}

const answers: readonly (readonly [what: string, answer: (socket: Socket) => void, why: RegExp])[] = [
  ["noise", (socket) => socket.write(noise), /does not begin with HTTP/],
  ["another protocol", (socket) => socket.write("SSH-2.0-OpenSSH_9.2\r\n"), /does not begin with HTTP/],
  ["an endless head", (socket) => socket.write(`HTTP/1.1 200 OK\r\n${"A: b\r\n".repeat(20_000)}`), /its head has over/],
  ["a chunk without a size", (socket) => socket.write(`${head}xyz\r\n`), /its length is "xyz"/],
  ["a chunk of a huge size", (socket) => socket.write(`${head}${"F".repeat(40)}\r\n`), /its length is/],
  ["noise for records", (socket) => socket.write(concatBytes([utf8(head), chunk(noise)])), /must be decimal digits/],
  [
    "a record of a huge length",
    (socket) => socket.write(concatBytes([utf8(head), chunk(utf8("99999999999\n"))])),
    /a record has over/,
  ],
  [
    "records that are nothing, behind a sound one",
    (socket) => {
      const nothing = Array.from({ length: 20 }, () => chunk(encodeRecord(noise)));
      socket.write(concatBytes([utf8(head), chunk(subscribed), ...nothing]));
    },
    /Cannot read Mesos message/,
  ],
  [
    "half a record, and the end",
    (socket) => socket.end(concatBytes([utf8(head), chunk(subscribed.subarray(0, 5))])),
    /cut off/,
  ],
];

/** One that sends every byte by itself. */
async function writeSlowly(socket: Socket, bytes: Uint8Array): Promise<void> {
  socket.setNoDelay(true);
  for (const byte of bytes) {
    await new Promise((resolve) => socket.write(Uint8Array.of(byte), resolve));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("a master that sends byte by byte is understood", async () => {
  const answer = concatBytes([utf8(head), chunk(subscribed.subarray(0, 7)), chunk(subscribed.subarray(7))]);
  await using server = await startTcpServer(({ socket, received }) => {
    if (received.includes("\r\n\r\n")) void writeSlowly(socket, answer);
  });
  const events: string[] = [];
  const connection = new SchedulerConnection({
    masters: new HostListLocator([server.endpoint]),
    subscribe: () => ({ type: "SUBSCRIBE", frameworkInfo: { user: "u", name: "n" } }),
    contentType: type,
    clock: systemClock,
    random: seededRandom(1),
    log: silentLogger,
    onEvent: (event) => events.push(event.type),
  });
  connection.start();
  await until(() => events.at(-1) === "subscribed", "it has subscribed");
  expect(events).toEqual(["subscribed"]);
  connection.close();
});

describe("an agent that sends", () => {
  const welcome = encodeRecord(
    encodeExecutorEvent(
      {
        type: "SUBSCRIBED",
        executorInfo: { executorId: "e" as ExecutorId },
        frameworkInfo: { user: "u", name: "n" },
        agentInfo: { hostname: "h" },
        containerId: undefined,
      },
      type,
    ),
  );

  test.each(answers)("%s is left, and tried again", async (_, answer) => {
    let tries = 0;
    await using server = await startTcpServer(({ socket, received }) => {
      if (!received.includes("\r\n\r\n")) return;
      if (tries++ === 0) answer(socket);
      else socket.write(concatBytes([utf8(head), chunk(welcome)]));
    });
    const events: string[] = [];
    const connection = new ExecutorConnection({
      environment: {
        agent: server.endpoint,
        apiPath: "/slave(1)/api/v1/executor",
        executorId: "e" as ExecutorId,
        frameworkId,
        recoveryTimeoutMs: 60_000,
        subscriptionBackoffMaxMs: 1,
        authenticationToken: undefined,
      },
      subscribe: () => ({ type: "SUBSCRIBE", unacknowledgedTasks: [], unacknowledgedUpdates: [] }),
      contentType: type,
      clock: systemClock,
      random: seededRandom(1),
      log: silentLogger,
      onEvent: (event) => events.push(event.type === "event" ? event.event.type : event.type),
    });
    connection.start();
    await until(() => tries === 2 && events.at(-1) === "SUBSCRIBED", "it has subscribed");
    expect(events).not.toContain("gave-up");
    connection.close();
  });
});

describe("a master that sends", () => {
  test.each(answers)("%s is left with a clear word, and tried again", async (_, answer, why) => {
    let tries = 0;
    await using server = await startTcpServer(({ socket, received }) => {
      // The whole SUBSCRIBE comes at once.
      if (!received.includes("\r\n\r\n")) return;
      if (tries++ === 0) answer(socket);
      else socket.write(concatBytes([utf8(head), chunk(subscribed)]));
    });
    const events: string[] = [];
    const log: string[] = [];
    const connection = new SchedulerConnection({
      masters: new HostListLocator([server.endpoint]),
      subscribe: () => ({ type: "SUBSCRIBE", frameworkInfo: { user: "u", name: "n" } }),
      contentType: type,
      clock: systemClock,
      random: seededRandom(1),
      log: createLogger({ sink: ({ message, fields }) => log.push(`${message} ${String(fields["error"])}`) }),
      onEvent: (event) => events.push(event.type),
      backoff: { initialMs: 1, maxMs: 1 },
    });
    connection.start();
    await until(() => tries === 2 && events.at(-1) === "subscribed", "it has subscribed");
    expect(log.join("\n")).toMatch(why);
    connection.close();
  });
});
