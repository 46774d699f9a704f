import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { randomInt, seededRandom } from "../../../src/base/random.ts";
import { sampleOf } from "../../fuzz/kafka-requests.ts";
import { mutated } from "../../fuzz/mutate.ts";
import { until } from "../../support/until.ts";
import { type RunningEmbeddedKafka, startEmbedded } from "./embedded.ts";
import { grammars } from "./grammars.ts";
import { connectRaw, requestBytes } from "./raw-client.ts";
import { strangersHeartbeat } from "./requests.ts";

const request = requestBytes(grammars.heartbeat, strangersHeartbeat, 4, 1);

function edited(edit: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.from(request);
  edit(bytes);
  return bytes;
}

describe("a client that sends garbage to the embedded broker", () => {
  let broker: RunningEmbeddedKafka;
  beforeAll(async () => {
    broker = await startEmbedded();
  });
  afterAll(() => broker.stop());

  const warnings = (): readonly unknown[] =>
    broker.entries.filter(({ level }) => level === "warn").map(({ fields }) => fields["reason"]);

  async function serves(): Promise<void> {
    await using client = await connectRaw(broker.address);
    expect(await client.call(grammars.heartbeat, strangersHeartbeat)).toMatchObject({ errorCode: 25 });
  }

  test.each([
    ["a page request", Buffer.from("GET / HTTP/1.1\r\n\r\n"), "its length is 1195725856"],
    ["a negative length", Buffer.of(0xff, 0xff, 0xff, 0xff), "its length is -1"],
    ["a huge length", Buffer.of(0x7f, 0xff, 0xff, 0xff), "its length is 2147483647"],
    ["a request that nobody knows", edited((bytes) => bytes.writeInt16BE(999, 4)), "request 999 is not served"],
    [
      "the head of such a request, and never the rest",
      edited((bytes) => bytes.writeInt16BE(999, 4)).subarray(0, 8),
      "request 999",
    ],
    ["a version that is not served", edited((bytes) => bytes.writeInt16BE(77, 6)), "its version is 77, must be 0 to 4"],
    ["an empty request", Buffer.of(0, 0, 0, 0), "2 bytes are wanted, 0 are left"],
    ["a request that is cut", Buffer.concat([Buffer.of(0, 0, 0, 20), request.subarray(4, 24)]), "are left"],
  ])("%s: its connection is closed with a clear line in the log", async (_, bytes, reason) => {
    const before = warnings().length;
    await using client = await connectRaw(broker.address);
    client.sendBytes(bytes);
    await client.closed;
    expect(warnings().slice(before)).toEqual([expect.stringContaining(reason)]);
    await serves();
  });

  test("what came before the garbage on its connection is answered or cut, and others do not notice", async () => {
    await using other = await connectRaw(broker.address);
    await using client = await connectRaw(broker.address);
    client.sendBytes(Buffer.concat([request, request, Buffer.from("garbage!")]));
    await client.closed;
    expect(await other.call(grammars.heartbeat, strangersHeartbeat)).toMatchObject({ errorCode: 25 });
  });

  test("half a request holds up nobody, and is finished whenever the rest comes", async () => {
    await using slow = await connectRaw(broker.address);
    for (const byte of request.subarray(0, -1)) slow.sendBytes(Uint8Array.of(byte));
    await serves();
    slow.sendBytes(request.subarray(-1));
    expect((await slow.nextFrame()).readInt32BE(0)).toBe(1);
  });

  test("half a request and a closed connection leave no trace", async () => {
    const before = broker.entries.length;
    const client = await connectRaw(broker.address);
    client.sendBytes(request.subarray(0, 10));
    await client[Symbol.asyncDispose]();
    await serves();
    expect(broker.entries.slice(before).filter(({ level }) => level !== "debug")).toEqual([]);
  });

  test("a client that takes no answers is not read any further, and others are served", async () => {
    let received = 0;
    const socket = await Bun.connect({
      hostname: broker.address.host,
      port: broker.address.port,
      socket: { data: (_, chunk) => void (received += chunk.byteLength) },
    });
    socket.pause();
    const ask = requestBytes(grammars.apiVersions, { clientSoftwareName: "x", clientSoftwareVersion: "1" }, 3, 1);
    const many = Buffer.concat(Array.from({ length: 1000 }, () => ask));
    // Neither side has room for ever: at some time the broker stops reading, and then the socket takes no more.
    let sent = 0;
    const full = await until(() => {
      const taken = Math.max(0, socket.write(many.subarray(sent % many.byteLength)));
      sent += taken;
      return taken === 0;
    }, "the broker reads no further");
    expect(full).toBeTrue();
    await serves();
    socket.resume();
    await until(() => received > sent, "the answers come once they are taken");
    socket.terminate();
  }, 240_000);

  test("spoilt requests of every kind are refused, by an answer or by the end of their connection", async () => {
    const random = seededRandom(11);
    for (const api of Object.values(grammars)) {
      const [first, last] = api.versions;
      for (let i = 0; i < 30; i++) {
        const sample = requestBytes(api, sampleOf(api.request), first + randomInt(random, last - first + 1), 1);
        const spoilt = mutated([sample.subarray(12)], random);
        const head = Buffer.from(sample.subarray(0, 12));
        head.writeInt32BE(8 + spoilt.byteLength);
        await using client = await connectRaw(broker.address);
        client.sendBytes(Buffer.concat([head, spoilt]));
      }
    }
    await serves();
    expect(broker.entries.filter(({ level }) => level === "error")).toEqual([]);
  }, 240_000);

  test("random bytes never end the broker", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), fc.nat(20), async (bytes, apiKey) => {
        await using client = await connectRaw(broker.address);
        const framed = Buffer.concat([Buffer.of(0, 0, 0, bytes.length + 8, 0, apiKey, 0, 1, 0, 0, 0, 1), bytes]);
        client.sendBytes(framed);
        client.sendBytes(bytes);
        client.sendBytes(Buffer.of(0xff, 0xff, 0xff, 0xff));
      }),
      { numRuns: 150 },
    );
    await serves();
    expect(broker.entries.filter(({ level }) => level === "error")).toEqual([]);
  }, 240_000);
});
