import { expect, test } from "bun:test";
import { utf8 } from "../../../src/base/bytes.ts";
import { SessionEndedError } from "../../../src/zookeeper/errors.ts";
import { rejection } from "../../support/rejection.ts";
import { startTcpProxy } from "../../support/tcp-proxy.ts";
import { shortSessionMs, startRealZooKeeper, withZooKeeper } from "../../support/zookeeper/real-zookeeper.ts";

/** Generous: a JVM on a busy machine. Whatever is waited for comes in milliseconds otherwise. */
const TIMEOUT_MS = 240_000;
const open = { acl: "open" } as const;
const ephemeral = { acl: "open", ephemeral: true } as const;

/** Resolves when it is called for the first time. */
function once(): { readonly call: () => void; readonly called: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { call: resolve, called: promise };
}

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
        sessionTimeoutMs: shortSessionMs,
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
        sessionTimeoutMs: shortSessionMs,
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
