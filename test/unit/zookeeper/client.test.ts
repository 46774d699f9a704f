import { describe, expect, test } from "bun:test";
import { utf8 } from "../../../src/base/bytes.ts";
import { createLogger, type LogEntry } from "../../../src/base/log.ts";
import { seededRandom } from "../../../src/base/random.ts";
import { ZooKeeperClient, type ZooKeeperClientOptions } from "../../../src/zookeeper/client.ts";
import { frame } from "../../../src/zookeeper/frames.ts";
import { JuteWriter } from "../../../src/zookeeper/jute-writer.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { rejection } from "../../support/rejection.ts";
import { type ServedSocket, startTcpServer, type TcpServer } from "../../support/tcp-server.ts";
import { until } from "../../support/until.ts";
import { encodedStat, granted, readRequest, reply, watchEvent } from "../../support/zookeeper/server-messages.ts";

interface Harness extends AsyncDisposable {
  readonly server: TcpServer;
  readonly client: ZooKeeperClient;
  readonly clock: ManualClock;
  readonly log: readonly LogEntry[];
}

type Answer = (request: ReturnType<typeof readRequest>, socket: ServedSocket["socket"]) => void;

/** A client, and a server that grants it a session and then does what the test says. */
async function start(answer: Answer, options: Partial<ZooKeeperClientOptions> = {}): Promise<Harness> {
  const log: LogEntry[] = [];
  const clock = new ManualClock();
  const greeted = new WeakSet<object>();
  const server = await startTcpServer(({ socket }, chunk) => {
    if (!greeted.has(socket)) {
      greeted.add(socket);
      socket.write(frame(granted(1n, 10_000)));
      return;
    }
    for (let at = 0; at < chunk.byteLength; ) {
      const length = chunk.readInt32BE(at);
      answer(readRequest(chunk.subarray(at + 4, at + 4 + length)), socket);
      at += 4 + length;
    }
  });
  const client = new ZooKeeperClient({
    servers: [server.endpoint],
    abandon: false,
    clock,
    random: seededRandom(1),
    log: createLogger({ sink: (entry) => log.push(entry), level: "debug", clock }),
    onEnd: () => undefined,
    ...options,
  });
  client.start();
  return {
    server,
    client,
    clock,
    log,
    async [Symbol.asyncDispose]() {
      const closed = client.close();
      clock.advance(10_000); // should the server not answer
      await closed;
      await server[Symbol.asyncDispose]();
    },
  };
}

const data = (text: string): Uint8Array => new JuteWriter().text(text).raw(encodedStat()).finish();

describe("a ZooKeeper client", () => {
  test("whose answer has a body that cannot be read fails that request and takes another connection", async () => {
    let answers = 0;
    await using harness = await start(({ xid }, socket) => {
      socket.write(frame(reply(xid, answers++ === 0 ? Uint8Array.of(0, 0, 0, 9) : data("x"))));
    });
    const { client, clock, server } = harness;
    expect(await rejection(client.read("/a"))).toMatchObject({ name: "ZooKeeperProtocolError" });
    const again = client.read("/a");
    clock.advance(1000);
    expect(await again).toMatchObject({ data: utf8("x") });
    expect(server.sockets).toHaveLength(2);
  });

  test("hears of a change that comes in one piece with the answer", async () => {
    await using harness = await start(({ xid }, socket) => {
      socket.write(Buffer.concat([frame(reply(xid, data("x"))), frame(watchEvent("data-changed", "/a"))]));
    });
    const changed = Promise.withResolvers<void>();
    await harness.client.read("/a", { onChange: changed.resolve });
    await changed.promise;
  });

  test("tells those who watch that the connection is lost, and sets no watch for them again", async () => {
    let isFirst = true;
    await using harness = await start(({ xid }, socket) => {
      if (isFirst) socket.write(frame(reply(xid, data("x"))));
      else socket.destroy();
      isFirst = false;
    });
    let told = 0;
    await harness.client.read("/a", { onChange: () => told++ });
    expect(await rejection(harness.client.read("/b"))).toMatchObject({ mayBeDone: true });
    expect(told).toBe(1);
  });

  test("hangs up where a message is longer than it may be, and has taken no memory for it", async () => {
    await using harness = await start((_, socket) => socket.write(Uint8Array.of(127, 255, 255, 255)));
    expect(await rejection(harness.client.read("/a"))).toMatchObject({ name: "ZooKeeperUnavailableError" });
    expect(harness.log.filter(({ level }) => level === "warn").map(({ fields }) => String(fields["error"]))).toEqual([
      "ZooKeeperProtocolError: Cannot read frame: its length is 2147483647, must be 0 to 4194304",
    ]);
  });

  test("says once that ZooKeeper is away, with longer and longer pauses between its tries", async () => {
    await using server = await startTcpServer(({ socket }) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    const log: LogEntry[] = [];
    const clock = new ManualClock();
    const client = new ZooKeeperClient({
      servers: [server.endpoint],
      credentials: "user:hunter2",
      abandon: false,
      clock,
      random: seededRandom(1),
      log: createLogger({ sink: (entry) => log.push(entry), level: "debug", clock }),
      onEnd: () => undefined,
    });
    client.start();
    for (let tries = 1; tries <= 8; tries++) {
      await until(() => log.length === tries, `${tries} tries have failed`);
      clock.advance(5000);
    }
    await client.close();
    const [first, ...others] = log.map(({ level, message }) => `${level}: ${message}`);
    expect(first).toBe("warn: ZooKeeper does not answer");
    expect(new Set(others)).toEqual(new Set(["debug: ZooKeeper still does not answer"]));
    expect(JSON.stringify(log)).not.toContain("hunter2");
  });

  test("that is closed fails whatever is asked of it", async () => {
    await using harness = await start(({ xid, opcode }, socket) => {
      if (opcode === -11) socket.write(frame(reply(xid)));
    });
    const asked = harness.client.exists("/a");
    const closed = harness.client.close();
    harness.clock.advance(3000);
    await closed;
    expect(await rejection(asked)).toMatchObject({ name: "SessionEndedError", end: "closed" });
    expect(await rejection(harness.client.exists("/a"))).toMatchObject({ name: "SessionEndedError", end: "closed" });
    expect(harness.clock.pending).toBe(0);
  });
});
