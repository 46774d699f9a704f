import { afterAll, beforeAll, expect, test } from "bun:test";
import { utf8 } from "../../../src/base/bytes.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { silentLogger } from "../../../src/base/log.ts";
import { systemRandom } from "../../../src/base/random.ts";
import { StateLostError, StateUnavailableError } from "../../../src/state/errors.ts";
import type { StateStore } from "../../../src/state/store.ts";
import { openZooKeeperStore, type ZooKeeperStoreOptions } from "../../../src/state/zookeeper-store.ts";
import type { ZooKeeperAddress } from "../../../src/zookeeper/address.ts";
import { rejection } from "../../support/rejection.ts";
import { startTcpProxy } from "../../support/tcp-proxy.ts";
import {
  type RealZooKeeper,
  shortSessionMs,
  startRealZooKeeper,
  withZooKeeper,
} from "../../support/zookeeper/real-zookeeper.ts";
import { stateContract } from "./contract.ts";

const TIMEOUT_MS = 240_000;

function open(address: ZooKeeperAddress, options: Partial<ZooKeeperStoreOptions> = {}): Promise<StateStore> {
  return openZooKeeperStore(address, {
    clock: systemClock,
    random: systemRandom,
    log: silentLogger,
    onLost: () => undefined,
    lockPatienceMs: 200,
    ...options,
  });
}

withZooKeeper("a state in a real ZooKeeper", () => {
  let zooKeeper: RealZooKeeper;
  beforeAll(async () => {
    zooKeeper = await startRealZooKeeper();
  }, TIMEOUT_MS);
  afterAll(() => zooKeeper?.[Symbol.asyncDispose]());

  let places = 0;
  const newAddress = (credentials: string | null = null): ZooKeeperAddress => ({
    servers: [zooKeeper.address],
    path: `/brigade/test-${++places}`,
    credentials,
  });

  stateContract({
    timeoutMs: TIMEOUT_MS,
    runs: 5,
    newPlace: () => {
      const address = newAddress();
      return {
        open: () => open(address),
        async overwrite(key, stored) {
          await zooKeeper.connect().write(`${address.path}/values/${key}`, stored);
        },
      };
    },
  });

  test(
    "is nobody else's with credentials, and says so where they are wrong",
    async () => {
      const address = { ...newAddress("owner:right"), path: "/secret/state" };
      const store = await open(address);
      await store.write("k", utf8("mine"));
      const stranger = zooKeeper.connect();
      expect(await rejection(stranger.read("/secret/state/values/k"))).toMatchObject({ reason: "no-auth" });
      await store.close();
      for (const credentials of ["owner:wrong", null]) {
        const refused = await rejection(open({ ...address, credentials }));
        expect(refused).toBeInstanceOf(StateUnavailableError);
        expect((refused as Error).cause).toMatchObject({ reason: "no-auth" });
      }
      const again = await open(address);
      expect(await again.read("k")).toEqual(utf8("mine"));
      await again.close();
    },
    TIMEOUT_MS,
  );

  test(
    "lives through a restart of ZooKeeper, and what was asked meanwhile is done",
    async () => {
      await using other = await startRealZooKeeper();
      const lost: StateLostError[] = [];
      const address = { servers: [other.address], path: "/state", credentials: null };
      const store = await open(address, { sessionTimeoutMs: 60_000, onLost: (error) => lost.push(error) });
      await store.write("k", utf8("before"));
      await other.kill();
      const written = store.write("k", utf8("after"));
      await other.start();
      await written;
      expect(await store.read("k")).toEqual(utf8("after"));
      expect(lost).toEqual([]);
      await store.close();
    },
    TIMEOUT_MS,
  );

  test(
    "goes to the next who waits for it when its owner is out of reach for too long; that one hears of it",
    async () => {
      await using proxy = await startTcpProxy(zooKeeper.address);
      const address = newAddress();
      const lost = Promise.withResolvers<StateLostError>();
      const sessionTimeoutMs = shortSessionMs;
      const former = await open({ ...address, servers: [proxy.address] }, { sessionTimeoutMs, onLost: lost.resolve });
      await former.write("k", utf8("before"));
      proxy.block();
      const late = rejection(former.write("k", utf8("late")));
      const owner = await open(address, { lockPatienceMs: TIMEOUT_MS });
      await owner.write("k", utf8("mine"));
      proxy.unblock();
      await lost.promise;
      expect(await late).toBeInstanceOf(StateLostError);
      expect(await owner.read("k")).toEqual(utf8("mine"));
      await owner.close();
    },
    TIMEOUT_MS,
  );
});
