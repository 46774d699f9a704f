import { afterAll, beforeAll, expect, test } from "bun:test";
import { utf8 } from "../../../src/base/bytes.ts";
import { SessionEndedError, ZooKeeperRefusedError, ZooKeeperUnavailableError } from "../../../src/zookeeper/errors.ts";
import { anyVersion, checkNode, createNode, deleteNode, writeNode } from "../../../src/zookeeper/operations.ts";
import { rejection } from "../../support/rejection.ts";
import { startTcpProxy } from "../../support/tcp-proxy.ts";
import {
  type RealZooKeeper,
  shortestSessionMs,
  startRealZooKeeper,
  withZooKeeper,
} from "../../support/zookeeper/real-zookeeper.ts";

/** Generous: a JVM on a busy machine. Whatever is waited for comes in milliseconds otherwise. */
const TIMEOUT_MS = 120_000;
const open = { acl: "open" } as const;
const ephemeral = { acl: "open", ephemeral: true } as const;

/** Resolves when it is called for the first time. */
function once(): { readonly call: () => void; readonly called: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { call: resolve, called: promise };
}

withZooKeeper("a ZooKeeper session", () => {
  let zooKeeper: RealZooKeeper;
  beforeAll(async () => {
    zooKeeper = await startRealZooKeeper();
  }, TIMEOUT_MS);
  afterAll(() => zooKeeper?.[Symbol.asyncDispose]());

  /** Each test has a part of the tree for itself. */
  let count = 0;
  async function folder(client = zooKeeper.connect()): Promise<string> {
    return client.create(`/test-${++count}`, utf8(""), open);
  }

  test(
    "makes, reads, writes, lists and deletes nodes",
    async () => {
      const client = zooKeeper.connect();
      const base = await folder(client);
      const path = `${base}/a`;
      expect(await client.exists(path)).toBeUndefined();
      expect(await client.read(path)).toBeUndefined();
      expect(await client.children(path)).toBeUndefined();
      expect(await client.create(path, utf8("one"), open)).toBe(path);
      expect(await client.read(path)).toMatchObject({
        data: utf8("one"),
        stat: { version: 0, ephemeralOwner: 0n, dataLength: 3, childCount: 0 },
      });
      expect(await client.write(path, utf8("two"), 0)).toMatchObject({ version: 1 });
      expect(await client.children(base)).toMatchObject({ names: ["a"], stat: { childCount: 1 } });
      await client.sync(path);
      expect(await client.exists(path)).toMatchObject({ version: 1 });
      await client.delete(path, 1);
      expect(await client.exists(path)).toBeUndefined();
    },
    TIMEOUT_MS,
  );

  test(
    "says why something is refused",
    async () => {
      const client = zooKeeper.connect();
      const base = await folder(client);
      await client.create(`${base}/a`, utf8(""), open);
      await client.create(`${base}/e`, utf8(""), ephemeral);
      const reasons = await Promise.all(
        [
          client.create(`${base}/a`, utf8(""), open),
          client.create(`${base}/no/a`, utf8(""), open),
          client.create(`${base}/e/a`, utf8(""), open),
          client.write(`${base}/a`, utf8(""), 5),
          client.delete(base),
          client.delete(`${base}/no`),
          client.create(`${base}/b`, utf8(""), { acl: "creator-all" }),
        ].map(async (asked) => {
          const error = await rejection(asked);
          return error instanceof ZooKeeperRefusedError ? error.reason : error;
        }),
      );
      expect(reasons).toEqual([
        "node-exists",
        "no-node",
        "no-children-for-ephemerals",
        "bad-version",
        "not-empty",
        "no-node",
        "other",
      ]);
    },
    TIMEOUT_MS,
  );

  test(
    "numbers sequential nodes, and names itself as the owner of ephemeral ones, which go with it",
    async () => {
      const client = zooKeeper.connect();
      const base = await folder();
      const paths = [1, 2].map(() => client.create(`${base}/n_`, utf8(""), { ...ephemeral, sequential: true }));
      expect(await Promise.all(paths)).toEqual([`${base}/n_0000000000`, `${base}/n_0000000001`]);
      expect(await client.exists(`${base}/n_0000000000`)).toMatchObject({ ephemeralOwner: client.sessionId });
      await client.close();
      expect(await zooKeeper.connect().children(base)).toMatchObject({ names: [] });
    },
    TIMEOUT_MS,
  );

  test(
    "does all of a transaction, or nothing and says which part was refused",
    async () => {
      const client = zooKeeper.connect();
      const base = await folder(client);
      const [a, b] = [`${base}/a`, `${base}/b`];
      await client.transaction([
        createNode(a, utf8("1"), "open"),
        createNode(b, utf8("1"), "open"),
        checkNode(a, 0),
        writeNode(a, utf8("2"), 0),
      ]);
      const refused = await rejection(
        client.transaction([writeNode(b, utf8("2"), anyVersion), checkNode(a, 0), deleteNode(b, anyVersion)]),
      );
      expect(refused).toMatchObject({ reason: "bad-version", message: expect.stringContaining(`Cannot check ${a}`) });
      expect(await client.read(a)).toMatchObject({ data: utf8("2") });
      expect(await client.read(b)).toMatchObject({ data: utf8("1") });
    },
    TIMEOUT_MS,
  );

  test(
    "tells once of a change of what was read",
    async () => {
      const [client, other] = [zooKeeper.connect(), zooKeeper.connect()];
      const base = await folder(client);
      const [made, written, listed, deleted] = [once(), once(), once(), once()];
      await client.exists(`${base}/a`, { onChange: made.call });
      await client.children(base, { onChange: listed.call });
      await other.create(`${base}/a`, utf8("1"), open);
      await Promise.all([made.called, listed.called]);
      await client.read(`${base}/a`, { onChange: written.call });
      await other.write(`${base}/a`, utf8("2"));
      await written.called;
      expect(await client.read(`${base}/a`, { onChange: deleted.call })).toMatchObject({ data: utf8("2") });
      await other.delete(`${base}/a`);
      await deleted.called;
    },
    TIMEOUT_MS,
  );

  test(
    "keeps nodes from others by credentials",
    async () => {
      const owner = zooKeeper.connect({ credentials: "owner:with:colon" });
      const [same, wrong, nobody] = ["owner:with:colon", "owner:wrong", undefined].map((credentials) =>
        zooKeeper.connect({ credentials }),
      );
      const base = await folder(owner);
      const [own, shown] = [`${base}/own`, `${base}/shown`];
      await owner.create(own, utf8("mine"), { acl: "creator-all" });
      await owner.create(shown, utf8("ours"), { acl: "creator-all-everyone-read" });
      for (const stranger of [wrong, nobody]) {
        expect(await rejection(stranger!.read(own))).toMatchObject({ reason: "no-auth" });
        expect(await stranger!.read(shown)).toMatchObject({ data: utf8("ours") });
        expect(await rejection(stranger!.write(shown, utf8("")))).toMatchObject({ reason: "no-auth" });
      }
      expect(await same!.write(own, utf8("ours"))).toMatchObject({ version: 1 });
    },
    TIMEOUT_MS,
  );

  test(
    "takes as much as a node can hold, and many requests at once",
    async () => {
      const client = zooKeeper.connect();
      const base = await folder(client);
      const large = new Uint8Array(1_000_000).fill(7);
      await client.create(`${base}/large`, large, open);
      expect((await client.read(`${base}/large`))?.data).toEqual(large);
      const names = Array.from({ length: 500 }, (_, index) => `n${index}`);
      await Promise.all(names.map((name) => client.create(`${base}/${name}`, utf8(name), open)));
      expect((await client.children(base))?.names.toSorted()).toEqual(["large", ...names].toSorted());
    },
    TIMEOUT_MS,
  );

  test(
    "is not spoilt by a value that is too large: only that is unavailable",
    async () => {
      const client = zooKeeper.connect();
      const base = await folder(client);
      const tooLarge = client.create(`${base}/a`, new Uint8Array(2_000_000), open);
      expect(await rejection(tooLarge)).toBeInstanceOf(ZooKeeperUnavailableError);
      expect(await client.children(base)).toMatchObject({ names: [] });
    },
    TIMEOUT_MS,
  );
});

withZooKeeper("a ZooKeeper that comes and goes", () => {
  test(
    "killed and started again: the session goes on, what waited is done, watches tell",
    async () => {
      await using zooKeeper = await startRealZooKeeper();
      const client = zooKeeper.connect({ sessionTimeoutMs: 30_000 });
      await client.create("/a", utf8("1"), ephemeral);
      const id = client.sessionId;
      const changed = once();
      await client.read("/a", { onChange: changed.call });
      await zooKeeper.kill();
      await changed.called;
      const written = client.write("/a", utf8("2"));
      await zooKeeper.start();
      expect(await written).toMatchObject({ version: 1, ephemeralOwner: id });
      expect(client.sessionId).toBe(id);
    },
    TIMEOUT_MS,
  );

  test(
    "out of reach for longer than a session lasts: who comes back is told that it is over",
    async () => {
      await using zooKeeper = await startRealZooKeeper();
      await using proxy = await startTcpProxy(zooKeeper.address);
      const ended = Promise.withResolvers<SessionEndedError>();
      const client = zooKeeper.connect({
        servers: [proxy.address],
        sessionTimeoutMs: shortestSessionMs,
        onEnd: ended.resolve,
      });
      await client.create("/a", utf8(""), ephemeral);
      const watcher = zooKeeper.connect();
      const gone = once();
      await watcher.exists("/a", { onChange: gone.call });
      proxy.block();
      await gone.called;
      expect(await watcher.exists("/a")).toBeUndefined();
      proxy.unblock();
      expect(await ended.promise).toMatchObject({ end: "expired" });
      expect(await rejection(client.read("/a"))).toBeInstanceOf(SessionEndedError);
    },
    TIMEOUT_MS,
  );

  test(
    "stopped: who would rather give up is told after the session's time",
    async () => {
      await using zooKeeper = await startRealZooKeeper();
      const ended = Promise.withResolvers<SessionEndedError>();
      const client = zooKeeper.connect({
        abandon: true,
        sessionTimeoutMs: shortestSessionMs,
        onEnd: ended.resolve,
      });
      await client.exists("/");
      zooKeeper.pause();
      expect(await ended.promise).toMatchObject({ end: "abandoned" });
    },
    TIMEOUT_MS,
  );

  test(
    "with nothing of what it knew: it is waited for in vain, or abandoned for a new session",
    async () => {
      await using zooKeeper = await startRealZooKeeper();
      const ended = Promise.withResolvers<SessionEndedError>();
      const client = zooKeeper.connect({ abandon: true, sessionTimeoutMs: 4000, onEnd: ended.resolve });
      for (let i = 0; i < 20; i++) await client.create(`/a${i}`, utf8(""), open);
      await zooKeeper.kill();
      zooKeeper.wipe();
      await zooKeeper.start();
      expect(["abandoned", "expired"]).toContain((await ended.promise).end);
      expect(await zooKeeper.connect().exists("/a1")).toBeUndefined();
    },
    TIMEOUT_MS,
  );

  test(
    "not there at all: each request has its deadline",
    async () => {
      await using zooKeeper = await startRealZooKeeper();
      await zooKeeper.kill();
      const client = zooKeeper.connect({ requestTimeoutMs: 100 });
      expect(await rejection(client.exists("/"))).toMatchObject({
        name: "ZooKeeperUnavailableError",
        mayBeDone: false,
      });
    },
    TIMEOUT_MS,
  );
});
