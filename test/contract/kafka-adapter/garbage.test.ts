import { describe, expect, test } from "bun:test";
import { systemClock } from "../../../src/base/clock.ts";
import { createLogger, type LogEntry } from "../../../src/base/log.ts";
import { seededRandom } from "../../../src/base/random.ts";
import { KafkaAdmin } from "../../../src/kafka/admin.ts";
import { KafkaUnavailableError } from "../../../src/kafka/errors.ts";
import { rejection } from "../../support/rejection.ts";
import { type ServedSocket, startTcpServer } from "../../support/tcp-server.ts";
import { startEmbedded } from "../kafka/embedded.ts";

const MEGABYTE = 1024 * 1024;
/** Its length by chance is none. */
const noise = Buffer.from([0xe3, ...Array.from({ length: 400 }, randomByte(seededRandom(7)))]);

function randomByte(random: { next(): number }): () => number {
  return () => Math.floor(random.next() * 256);
}

/** What a broker answers to anything. */
type Answer = (served: ServedSocket, request: Buffer) => void;

function correlated(body: Buffer): Answer {
  return ({ socket }, request) => {
    const head = Buffer.alloc(8);
    head.writeInt32BE(4 + body.byteLength);
    request.copy(head, 4, 8, 12);
    socket.write(Buffer.concat([head, body]));
  };
}

/** Writes without end, as far as the client takes it. */
function withoutEnd(head: Buffer): Answer {
  return ({ socket }) => {
    socket.write(head);
    const filler = Buffer.alloc(MEGABYTE);
    const more = (): void => {
      if (!socket.destroyed) socket.write(filler, more);
    };
    more();
  };
}

async function meet(answer: Answer, requestTimeoutMs = 20_000) {
  await using server = await startTcpServer(answer);
  const entries: LogEntry[] = [];
  const log = createLogger({ sink: (entry) => entries.push(entry), level: "info" });
  const { host, port } = server.endpoint;
  const kafka = { brokers: [{ host, port }], clientId: "test" };
  const admin = new KafkaAdmin({ kafka, clock: systemClock, log, timeoutMs: requestTimeoutMs });
  const before = process.memoryUsage().rss;
  const error = await rejection(admin.ensureTopics(["t"], null));
  return { error, entries, growthMb: (process.memoryUsage().rss - before) / MEGABYTE };
}

describe("a broker that sends garbage", () => {
  test.each([
    ["noise", noise],
    ["a negative length", Buffer.of(0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0)],
    ["a length that is too small for an answer", Buffer.of(0, 0, 0, 2, 1, 1)],
    ["a page", Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")],
  ])("%s: its connection is closed with a line in the log, and what waits for an answer fails", async (_, bytes) => {
    const { error, entries } = await meet(({ socket }) => socket.write(bytes));
    expect(error).toBeInstanceOf(KafkaUnavailableError);
    const warnings = entries.filter(({ level }) => level === "warn");
    expect(warnings[0]?.message).toBe("connection to kafka closed: the broker does not speak the protocol");
    expect(warnings[0]?.fields["reason"]).toMatch(/an answer claims -?\d+ bytes, must have 4 to 134217728/);
  });

  test("an answer without end is not waited for", async () => {
    const { error, growthMb } = await meet(withoutEnd(Buffer.of(0x7f, 0xff, 0xff, 0xff)));
    expect(error).toBeInstanceOf(KafkaUnavailableError);
    expect(growthMb).toBeLessThan(100);
  });

  test.each([
    ["nothing", correlated(Buffer.alloc(0))],
    ["noise", correlated(noise)],
    ["an endless list", correlated(Buffer.of(0, 0, 0x7f, 0xff, 0xff, 0xff))],
    ["the answer to another request", (({ socket }) => socket.write(Buffer.alloc(24))) satisfies Answer],
  ])("%s as an answer: the request fails", async (_, answer) => {
    const { error } = await meet(answer, 2000);
    expect(error).toBeInstanceOf(KafkaUnavailableError);
  });

  test("half an answer, and never the rest: the request fails when its time is over", async () => {
    const { error } = await meet(({ socket }) => socket.write(Buffer.of(0, 0, 0, 100, 0, 0, 0, 0)), 500);
    expect(error).toBeInstanceOf(KafkaUnavailableError);
  });

  test("does not touch who uses another broker at the time", async () => {
    await using good = await startEmbedded();
    const kafka = { brokers: [good.address], clientId: "test" };
    const admin = new KafkaAdmin({
      kafka,
      clock: systemClock,
      log: createLogger({ sink: () => undefined, level: "error" }),
    });
    const met = meet(({ socket }) => socket.write(noise));
    expect(await admin.ensureTopics(["t"], { partitions: 1, replication: 1 })).toEqual({ created: ["t"], missing: [] });
    expect((await met).error).toBeInstanceOf(KafkaUnavailableError);
  });
});
