import { describe, expect, test } from "bun:test";
import { KafkaRefusedError } from "../../../src/kafka/errors.ts";
import type { ClientMessage } from "../../../src/kafka/protocol/client-message.ts";
import { ProtocolError } from "../../../src/kafka/protocol/errors.ts";
import { send } from "../../../src/kafka/send.ts";
import type { WireBroker, WireExchange } from "../../../src/kafka/wire.ts";
import { rejection } from "../../support/rejection.ts";

const createRequest = require("kafkajs/src/protocol/request") as (request: object) => Promise<{ buffer: Buffer }>;

const echo: ClientMessage<number, { readonly twice: number }> = {
  apiKey: 77,
  name: "Echo",
  minVersion: 2,
  maxVersion: 5,
  throttledFrom: 4,
  encodeRequest: (writer, value, version) => {
    writer.int32(value);
    writer.int8(version);
  },
  decodeResponse: (reader) => ({ twice: reader.int32(), throttleMs: reader.int32() }),
};

interface Sent {
  readonly frame: string;
  readonly requestTimeout: number | null;
  readonly throttleMs: number;
}

/** Encodes and decodes as a connection of kafkajs does, and answers in the broker's place. */
class FakeBroker {
  readonly sent: Sent[] = [];
  disconnects = 0;
  readonly broker: WireBroker;

  constructor(versions: WireBroker["versions"], answer: () => Buffer) {
    const connectionPool = {
      getConnection: () => Promise.reject(new Error("not asked for")),
      send: async <R>({ request, response, requestTimeout }: WireExchange<R>): Promise<R> => {
        const { buffer } = await createRequest({ request, correlationId: 9, clientId: "x" });
        const decoded = await response.decode(answer());
        const throttleMs = decoded.clientSideThrottleTime;
        this.sent.push({ frame: buffer.toString("hex"), requestTimeout, throttleMs });
        return response.parse(decoded);
      },
    };
    const disconnect = async (): Promise<void> => void this.disconnects++;
    this.broker = { connectionPool, versions, disconnect } as unknown as WireBroker;
  }
}

const answer = (twice: number, throttleMs: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeInt32BE(twice, 0);
  bytes.writeInt32BE(throttleMs, 4);
  return bytes;
};

describe("a request of ours over a connection of kafkajs", () => {
  test("is framed and answered", async () => {
    const fake = new FakeBroker({ 77: { minVersion: 0, maxVersion: 9 } }, () => answer(42, 0));
    expect(await send(fake.broker, echo, 21, 1234)).toMatchObject({ twice: 42 });
    // Length, API key, version, correlation id, client id, then the body.
    const frame = "00000010 004d 0005 00000009 0001 78 00000015 05".replaceAll(" ", "");
    expect(fake.sent).toEqual([{ frame, requestTimeout: 1234, throttleMs: 0 }]);
  });

  test("has the newest version that both sides know", async () => {
    for (const [maxVersion, expected] of [
      [9, 5],
      [5, 5],
      [2, 2],
    ]) {
      const fake = new FakeBroker({ 77: { minVersion: 0, maxVersion: maxVersion! } }, () => answer(0, 0));
      await send(fake.broker, echo, 0);
      expect(fake.sent[0]?.frame.slice(12, 16)).toBe(`000${expected}`);
    }
  });

  test("is refused where both know none", async () => {
    const ranges = [{ 77: { minVersion: 0, maxVersion: 1 } }, { 77: { minVersion: 6, maxVersion: 9 } }, {}];
    for (const versions of ranges) {
      const fake = new FakeBroker(versions, () => answer(0, 0));
      expect(await rejection(send(fake.broker, echo, 0))).toBeInstanceOf(KafkaRefusedError);
      expect(fake.sent).toEqual([]);
    }
  });

  test("is the last for a while where the broker leaves the waiting to the client", async () => {
    for (const [maxVersion, expected] of [
      [3, 0],
      [4, 70],
    ]) {
      const fake = new FakeBroker({ 77: { minVersion: 0, maxVersion: maxVersion! } }, () => answer(0, 70));
      await send(fake.broker, echo, 0);
      expect(fake.sent[0]?.throttleMs).toBe(expected);
    }
  });

  test("fails with an answer that is none", async () => {
    const fake = new FakeBroker({ 77: { minVersion: 0, maxVersion: 9 } }, () => Buffer.alloc(6));
    expect(await rejection(send(fake.broker, echo, 0))).toBeInstanceOf(ProtocolError);
    expect(fake.disconnects).toBe(0);
  });

  test("that finds its connection closed closes the other one too, as kafkajs does", async () => {
    const fake = new FakeBroker({ 77: { minVersion: 0, maxVersion: 9 } }, () => {
      throw Object.assign(new Error("Closed connection"), { name: "KafkaJSConnectionClosedError" });
    });
    expect(await rejection(send(fake.broker, echo, 0))).toMatchObject({ message: "Closed connection" });
    expect(fake.disconnects).toBe(1);
  });
});
