import { expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seededRandom, systemRandom } from "../../../src/base/random.ts";
import { choosePorts, keepPorts, LOOPBACK } from "../../../src/local/ports.ts";
import { rejection } from "../../support/rejection.ts";

const any = { kafka: 0, mesos: 0, api: 0 };

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "brigade-test-"));
  try {
    await body(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Something that listens, and its port. */
function listener(port = 0): { readonly port: number; [Symbol.dispose](): void } {
  const server = Bun.listen({ hostname: LOOPBACK, port, socket: { data: () => undefined } });
  return { port: server.port, [Symbol.dispose]: () => server.stop(true) };
}

test("0 finds three different free ports", () =>
  inFolder(async (folder) => {
    const ports = await choosePorts(any, folder, systemRandom);
    expect(new Set(Object.values(ports)).size).toBe(3);
    expect(Object.values(ports)).not.toContain(0);
  }));

test("free ports are none that an outgoing connection could take meanwhile, and a busy one is passed over", () =>
  inFolder(async (folder) => {
    const first = await choosePorts(any, folder, seededRandom(1));
    for (const port of Object.values(first)) expect(port).toBeWithin(20_000, 32_768);
    using _ = listener(first.kafka);
    expect(Object.values(await choosePorts(any, folder, seededRandom(1)))).not.toContain(first.kafka);
  }));

test("the ports of the last time are taken again", () =>
  inFolder(async (folder) => {
    const ports = await choosePorts(any, folder, systemRandom);
    await keepPorts(ports, folder);
    expect(await choosePorts(any, folder, systemRandom)).toEqual(ports);
  }));

test("a port of the last time that is taken now is replaced, and the others stay", () =>
  inFolder(async (folder) => {
    const ports = await choosePorts(any, folder, systemRandom);
    await keepPorts(ports, folder);
    using _ = listener(ports.kafka);
    const again = await choosePorts(any, folder, systemRandom);
    expect(again).toEqual({ ...ports, kafka: expect.any(Number) });
    expect(again.kafka).not.toBe(ports.kafka);
  }));

test("a busy port that was asked for is refused, naming it and its option", () =>
  inFolder(async (folder) => {
    using busy = listener();
    const error = await rejection(choosePorts({ ...any, mesos: busy.port }, folder, systemRandom));
    expect(String(error)).toContain(`Cannot use port ${busy.port} for mesos`);
    expect(String(error)).toContain("--mesos-port");
  }));

test("a cut ports.json is worth no more than none", () =>
  inFolder(async (folder) => {
    await writeFile(join(folder, "ports.json"), '{"kafka":');
    expect((await choosePorts(any, folder, systemRandom)).kafka).toBeGreaterThan(0);
  }));
