import { describe, expect, test } from "bun:test";
import { utf8 } from "../../../src/base/bytes.ts";
import { type Clock, systemClock } from "../../../src/base/clock.ts";
import { createLogger, type LogEntry, silentLogger } from "../../../src/base/log.ts";
import { seededRandom } from "../../../src/base/random.ts";
import { StateLostError, StateTooLargeError, StateUnavailableError } from "../../../src/state/errors.ts";
import type { StateStore } from "../../../src/state/store.ts";
import { openZooKeeperStore, type ZooKeeperStoreOptions } from "../../../src/state/zookeeper-store.ts";
import { stateContract } from "../../contract/state/contract.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { rejection } from "../../support/rejection.ts";
import { until } from "../../support/until.ts";
import { type FakeSession, FakeZooKeeper } from "../../support/zookeeper/fake-zookeeper.ts";

const address = { servers: [{ host: "z1", port: 2181 }], path: "/brigade/blue", credentials: "user:hunter2" };
const values = "/brigade/blue/values";

/** A state in a fake ZooKeeper, with all sessions that its stores have begun. */
class Harness {
  readonly zooKeeper = new FakeZooKeeper();
  readonly sessions: FakeSession[] = [];
  readonly lost: StateLostError[] = [];
  readonly log: LogEntry[] = [];

  open(clock: Clock = systemClock, options: Partial<ZooKeeperStoreOptions> = {}): Promise<StateStore> {
    return openZooKeeperStore(address, {
      clock,
      random: seededRandom(1),
      log: createLogger({ sink: (entry) => this.log.push(entry) }),
      onLost: (error) => this.lost.push(error),
      lockPatienceMs: 50,
      connect: (onEnd) => {
        const session = this.zooKeeper.connect(onEnd);
        this.sessions.push(session);
        return session;
      },
      ...options,
    });
  }
}

describe("a state in ZooKeeper", () => {
  stateContract({
    newPlace: () => {
      const harness = new Harness();
      return {
        open: () => harness.open(),
        async overwrite(key, stored) {
          await harness.zooKeeper.connect().write(`${values}/${key}`, stored);
        },
      };
    },
  });

  test("makes the nodes that it needs, and no others", async () => {
    const harness = new Harness();
    const store = await harness.open();
    await store.write("processors/a/id", utf8("1"));
    expect(harness.zooKeeper.paths).toEqual([
      "/brigade",
      "/brigade/blue",
      "/brigade/blue/fence",
      "/brigade/blue/owner",
      values,
      `${values}/processors+a+id`,
    ]);
    await store.close();
    expect(harness.zooKeeper.paths).not.toContain("/brigade/blue/owner");
  });

  test("waits for an owner that has died, until its session is over", async () => {
    const harness = new Harness();
    await harness.open();
    const opening = harness.open(systemClock, { lockPatienceMs: 60_000 });
    await until(() => harness.log.some(({ message }) => message.startsWith("state is locked")), "it waits");
    harness.sessions[0]?.end("expired");
    const store = await opening;
    await store.write("k", utf8("v"));
    await store.close();
  });

  test.each(["lost before it is done", "lost after it is done"] as const)(
    "does what it is asked when an answer is %s",
    async (fault) => {
      const harness = new Harness();
      const clock = new ManualClock();
      const store = await harness.open(clock);
      const session = harness.sessions[0]!;
      const persistently = async <T>(asked: Promise<T>): Promise<T> => {
        let isDone = false;
        const done = asked.finally(() => {
          isDone = true;
        });
        await until(() => {
          clock.advance(100);
          return isDone;
        }, "it is done");
        return done;
      };
      session.failNext(fault);
      await persistently(store.write("k", utf8("new")));
      session.failNext(fault);
      await persistently(store.write("k", utf8("newer")));
      session.failNext(fault);
      expect(await persistently(store.read("k"))).toEqual(utf8("newer"));
      session.failNext(fault);
      expect(await persistently(store.list(""))).toEqual(["k"]);
      session.failNext(fault);
      await persistently(store.delete("k"));
      expect(await store.read("k")).toBeUndefined();
      expect(harness.lost).toEqual([]);
    },
  );

  test("locks also when the answer to that is lost", async () => {
    const harness = new Harness();
    await (await harness.open()).close();
    const store = await harness.open(systemClock, {
      connect: (onEnd) => {
        const session = harness.zooKeeper.connect(onEnd);
        const create = session.create.bind(session);
        session.create = (...args) => {
          session.failNext("lost after it is done");
          return create(...args);
        };
        return session;
      },
    });
    expect(harness.zooKeeper.paths).toContain("/brigade/blue/owner");
    await store.close();
  });

  test("fails what it is asked when ZooKeeper stays away, and works again when it is back", async () => {
    const harness = new Harness();
    const clock = new ManualClock();
    const store = await harness.open(clock);
    const session = harness.sessions[0]!;
    let isAway = true;
    const transaction = session.transaction.bind(session);
    session.transaction = (operations) => {
      if (isAway) session.failNext("lost before it is done");
      return transaction(operations);
    };
    let failed = false;
    const refused = rejection(store.write("k", utf8("v"))).finally(() => {
      failed = true;
    });
    await until(() => {
      clock.advance(1000);
      return failed;
    }, "it gave up");
    expect(await refused).toBeInstanceOf(StateUnavailableError);
    isAway = false;
    await store.write("k", utf8("v"));
    expect(harness.lost).toEqual([]);
  });

  test("is lost with its session, and says so once", async () => {
    const harness = new Harness();
    const store = await harness.open();
    await store.write("k", utf8("old"));
    harness.sessions[0]?.end("expired");
    expect(harness.lost).toHaveLength(1);
    for (const asked of [store.write("k", utf8("v")), store.read("k"), store.delete("k"), store.list("")]) {
      expect(await rejection(asked)).toBeInstanceOf(StateLostError);
    }
    expect(harness.lost).toHaveLength(1);
    const next = await harness.open();
    expect(await next.read("k")).toEqual(utf8("old"));
    await store.close();
  });

  test("takes nothing from a former owner who believes that it still is one", async () => {
    const harness = new Harness();
    const former = await harness.open();
    await former.write("k", utf8("before"));
    // Somebody has freed the lock by hand, or the former owner was cut off in a way that left its session alive.
    await harness.zooKeeper.connect().delete("/brigade/blue/owner");
    const owner = await harness.open();
    await owner.write("k", utf8("mine"));
    expect(await rejection(former.write("k", utf8("late")))).toBeInstanceOf(StateLostError);
    expect(await rejection(former.delete("k"))).toBeInstanceOf(StateLostError);
    expect(await rejection(former.write("other", utf8("late")))).toBeInstanceOf(StateLostError);
    expect(await owner.list("")).toEqual(["k"]);
    expect(await owner.read("k")).toEqual(utf8("mine"));
    expect(harness.lost).toHaveLength(1);
    await former.close();
    await owner.write("k", utf8("still mine"));
  });

  test("takes no value that a node cannot hold", async () => {
    const store = await new Harness().open();
    const refused = await rejection(store.write("k", new Uint8Array(1_000_000)));
    expect(refused).toBeInstanceOf(StateTooLargeError);
    expect(String(refused)).toContain("has 1000001 bytes, ZooKeeper takes 1000000");
    expect(await store.list("")).toEqual([]);
  });

  test("shows no credentials", async () => {
    const harness = new Harness();
    await harness.open();
    const refused = await rejection(harness.open());
    expect(String(refused)).toContain("zk://z1:2181/brigade/blue");
    expect(`${String(refused)} ${JSON.stringify(harness.log)}`).not.toContain("hunter2");
  });

  test("that nobody answers for is an error at the start", async () => {
    const refused = await rejection(
      openZooKeeperStore(
        { servers: [{ host: "127.0.0.1", port: 1 }], path: "/a", credentials: null },
        {
          clock: systemClock,
          random: seededRandom(1),
          log: silentLogger,
          onLost: () => expect.unreachable("it was never ours"),
          connect: (onEnd) => {
            const session = new FakeZooKeeper().connect(onEnd);
            session.failNext("lost before it is done");
            return session;
          },
        },
      ),
    );
    expect(refused).toBeInstanceOf(StateUnavailableError);
    expect(String(refused)).toContain("Cannot use state zk://127.0.0.1:1/a");
  });
});
