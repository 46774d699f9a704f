import { describe, expect, test } from "bun:test";
import { createLogger, type LogEntry } from "../../../src/base/log.ts";
import { seededRandom } from "../../../src/base/random.ts";
import { encodeMasterInfo } from "../../../src/mesos/codec.ts";
import type { HostPort } from "../../../src/mesos/host-port.ts";
import { ZooKeeperLocator } from "../../../src/mesos/zookeeper-locator.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { rejection } from "../../support/rejection.ts";
import { until } from "../../support/until.ts";
import { type FakeSession, FakeZooKeeper } from "../../support/zookeeper/fake-zookeeper.ts";

const open = { acl: "open" } as const;
const at = (port: number): HostPort => ({ host: "10.0.0.1", port });

/** A locator, the ZooKeeper behind it, and masters that come and go there. */
class Harness implements AsyncDisposable {
  readonly zooKeeper = new FakeZooKeeper();
  readonly clock = new ManualClock();
  readonly log: LogEntry[] = [];
  readonly sessions: FakeSession[] = [];
  readonly heard: number[] = [];
  readonly locator: ZooKeeperLocator;
  readonly #abort = new AbortController();

  constructor(path = "/mesos") {
    const { clock, log } = this;
    this.locator = new ZooKeeperLocator({
      address: { servers: [{ host: "z1", port: 2181 }], path, credentials: "user:hunter2" },
      patienceMs: 1000,
      clock,
      random: seededRandom(1),
      log: createLogger({ sink: (entry) => log.push(entry), clock }),
      connect: () => {
        const session = this.zooKeeper.connect();
        this.sessions.push(session);
        return session;
      },
    });
    this.locator.onLeader(({ port }) => this.heard.push(port));
  }

  get session(): FakeSession {
    return this.sessions.at(-1)!;
  }

  current(): Promise<HostPort> {
    return this.locator.current({ signal: this.#abort.signal });
  }

  abort(reason: Error): void {
    this.#abort.abort(reason);
  }

  /** A master announces itself; its session is the result. */
  async master(port: number, path = "/mesos"): Promise<FakeSession> {
    const session = this.zooKeeper.connect();
    if ((await session.exists(path)) === undefined) await session.create(path, new Uint8Array(0), open);
    const info = { id: `m${port}`, ip: 0, port, address: { ip: "10.0.0.1", port } };
    const data = encodeMasterInfo(info, "application/json");
    await session.create(`${path}/json.info_`, data, { ...open, ephemeral: true, sequential: true });
    return session;
  }

  heardOf(...ports: readonly number[]): Promise<unknown> {
    return until(() => String(this.heard) === String(ports), `heard of ${String(ports)}, not of ${String(this.heard)}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.locator.close();
  }
}

describe("a master that is found by ZooKeeper", () => {
  test("is the one that announced itself first, whatever else lies there", async () => {
    await using harness = new Harness();
    const first = await harness.master(1);
    await first.create("/mesos/log_replicas", new Uint8Array(0), open);
    await harness.master(2);
    expect(await harness.current()).toEqual(at(1));
  });

  test("is followed when the next one leads", async () => {
    await using harness = new Harness();
    const first = await harness.master(1);
    const second = await harness.master(2);
    await harness.current();
    first.end("expired");
    await harness.heardOf(1, 2);
    expect(await harness.current()).toEqual(at(2));
    await harness.master(3); // stands by
    second.end("expired");
    await harness.heardOf(1, 2, 3);
  });

  test("is waited for, also where nobody has ever announced himself", async () => {
    await using harness = new Harness();
    const waiting = harness.current();
    await until(() => harness.log.length > 0, "ZooKeeper has said that there is none");
    await harness.master(1);
    expect(await waiting).toEqual(at(1));
  });

  test("is waited for while the only one is gone, and nobody is told of none", async () => {
    await using harness = new Harness();
    const only = await harness.master(1);
    await harness.current();
    only.end("expired");
    await until(() => harness.log.some(({ level }) => level === "warn"), "its end is noticed");
    const waiting = harness.current();
    await harness.master(2);
    expect(await waiting).toEqual(at(2));
    expect(harness.heard).toEqual([1, 2]);
  });

  test("is another one after a restart at the same address", async () => {
    await using harness = new Harness();
    const only = await harness.master(1);
    await harness.current();
    await harness.master(1);
    only.end("expired");
    await harness.heardOf(1, 1);
  });

  test("stays while ZooKeeper is away, and what changed meanwhile is found when it is back", async () => {
    await using harness = new Harness();
    const first = await harness.master(1);
    await harness.current();
    harness.session.disconnect();
    await harness.master(2);
    first.end("expired");
    expect(await harness.current()).toEqual(at(1));
    harness.session.reconnect();
    await harness.heardOf(1, 2);
  });

  test("is followed over the ends of our own sessions", async () => {
    await using harness = new Harness();
    const first = await harness.master(1);
    await harness.current();
    for (const how of ["expired", "abandoned", "expired"] as const) {
      const count = harness.sessions.length;
      harness.session.end(how);
      await until(() => {
        harness.clock.advance(1000);
        return harness.sessions.length > count;
      }, "there is a new session");
    }
    await harness.master(2);
    first.end("expired");
    await harness.heardOf(1, 2);
  });

  test("is not asked for without end: there is a reason that can be shown", async () => {
    await using harness = new Harness();
    const unknown = rejection(harness.current());
    await until(() => harness.log.length > 0, "ZooKeeper has said that there is none");
    harness.clock.advance(1000);
    expect(await unknown).toMatchObject({
      name: "MasterUnknownError",
      message: "Cannot find the master by zk://z1:2181/mesos: none has announced itself there",
    });
  });

  test("is looked for again and again where its node cannot be read, with pauses", async () => {
    await using harness = new Harness();
    const bad = harness.zooKeeper.connect();
    await bad.create("/mesos", new Uint8Array(0), open);
    const node = await bad.create("/mesos/json.info_", new Uint8Array(0), {
      ...open,
      ephemeral: true,
      sequential: true,
    });
    const unknown = rejection(harness.current());
    await until(() => harness.log.length > 0, "the node could not be read");
    harness.clock.advance(1000);
    expect(await unknown).toMatchObject({ cause: { name: "CodecError" } });
    const waiting = harness.current();
    await harness.master(2);
    await bad.delete(node);
    await until(() => {
      harness.clock.advance(100);
      return harness.heard.length > 0;
    }, "the next one is found");
    expect(await waiting).toEqual(at(2));
  });

  test("gives way to a redirect only while ZooKeeper is away", async () => {
    await using harness = new Harness();
    const first = await harness.master(1);
    await harness.master(2);
    await harness.current();
    harness.locator.redirected(at(7));
    expect(await harness.current()).toEqual(at(1));

    harness.session.disconnect();
    await Promise.resolve(); // that the watch is lost is told in a later turn
    harness.locator.redirected(at(7));
    expect(await harness.current()).toEqual(at(7));
    harness.locator.failed(at(1));
    expect(await harness.current()).toEqual(at(7));
    harness.locator.failed(at(7));
    expect(await harness.current()).toEqual(at(1));

    harness.locator.redirected(at(7));
    first.end("expired");
    harness.session.reconnect();
    await harness.heardOf(1, 2);
    expect(await harness.current()).toEqual(at(2));
  });

  test("is not waited for any longer by who gives up", async () => {
    await using harness = new Harness();
    const given = rejection(harness.current());
    const reason = new Error("enough");
    harness.abort(reason);
    expect(await given).toBe(reason);
    expect(await rejection(harness.current())).toBe(reason);
  });

  test("is nobody's business once it is closed", async () => {
    const harness = new Harness();
    const first = await harness.master(1);
    await harness.current();
    await harness.locator.close();
    first.end("expired");
    await harness.master(2);
    expect(harness.heard).toEqual([1]);
    expect(harness.clock.pending).toBe(0);
  });

  test("is told to the log without credentials", async () => {
    await using harness = new Harness();
    await harness.master(1);
    await harness.current();
    harness.session.end("expired");
    await until(() => harness.log.length > 1, "the end of the session is logged");
    expect(JSON.stringify(harness.log)).not.toContain("hunter2");
  });
});
