import { afterAll, beforeAll, expect, test } from "bun:test";
import { systemClock } from "../../../src/base/clock.ts";
import { createLogger, type LogEntry } from "../../../src/base/log.ts";
import { systemRandom } from "../../../src/base/random.ts";
import type { MasterRole } from "../../../src/local/mesos/election/election.ts";
import { MasterElection } from "../../../src/local/mesos/election/master-election.ts";
import { formatHostPort, type HostPort } from "../../../src/mesos/host-port.ts";
import { ZooKeeperLocator } from "../../../src/mesos/zookeeper-locator.ts";
import type { ZooKeeperAddress } from "../../../src/zookeeper/address.ts";
import { startTcpProxy } from "../../support/tcp-proxy.ts";
import { until } from "../../support/until.ts";
import { type RealZooKeeper, startRealZooKeeper, withZooKeeper } from "../../support/zookeeper/real-zookeeper.ts";

const TIMEOUT_MS = 240_000;
const PATIENCE_MS = 60_000;

withZooKeeper("masters and who looks for them, at a real ZooKeeper", () => {
  let zooKeeper: RealZooKeeper;
  const log: LogEntry[] = [];
  const common = { clock: systemClock, random: systemRandom, log: createLogger({ sink: (entry) => log.push(entry) }) };
  const closing: { close(): Promise<void> }[] = [];
  beforeAll(async () => {
    zooKeeper = await startRealZooKeeper();
  }, TIMEOUT_MS);
  afterAll(async () => {
    await Promise.all(closing.map((each) => each.close()));
    await zooKeeper?.[Symbol.asyncDispose]();
  });

  let paths = 0;
  const newAddress = (credentials: string | null = null): ZooKeeperAddress => ({
    servers: [zooKeeper.address],
    path: `/clusters/c${++paths}/mesos`,
    credentials,
  });

  function addMaster(port: number, address: ZooKeeperAddress, sessionTimeoutMs = 10_000) {
    const roles: MasterRole["type"][] = [];
    const master = { id: `m${port}`, ip: 0, port, address: { ip: "10.0.0.1", port } };
    const onRole = ({ type }: MasterRole): unknown => roles.push(type);
    const election = new MasterElection({ ...common, address, sessionTimeoutMs, master, onRole });
    closing.push(election);
    election.start();
    const is = (role: MasterRole["type"]): Promise<unknown> =>
      until(() => roles.at(-1) === role, `${port} is ${role}, so far ${roles.join()}`, PATIENCE_MS);
    return { election, is };
  }

  function addLocator(address: ZooKeeperAddress, sessionTimeoutMs = 10_000) {
    const locator = new ZooKeeperLocator({ ...common, address, sessionTimeoutMs, patienceMs: PATIENCE_MS });
    closing.push(locator);
    const heard: number[] = [];
    locator.onLeader(({ port }) => heard.push(port));
    const current = (): Promise<HostPort> => locator.current({ signal: new AbortController().signal });
    const heardOf = (port: number): Promise<unknown> =>
      until(() => heard.at(-1) === port, `${port} is heard of, so far ${heard.join()}`, PATIENCE_MS);
    return { current, heardOf };
  }

  test(
    "one leads, the next takes over from one that leaves, and everybody hears of it",
    async () => {
      const address = newAddress();
      const locator = addLocator(address);
      const waiting = locator.current();
      const first = addMaster(1, address);
      expect(formatHostPort(await waiting)).toBe("10.0.0.1:1");
      await first.is("leading");
      const second = addMaster(2, address);
      await second.is("standing-by");
      await first.election.close();
      await second.is("leading");
      await locator.heardOf(2);
    },
    TIMEOUT_MS,
  );

  test(
    "one that is out of reach for its session's time knows that it leads no more, and another one does",
    async () => {
      await using proxy = await startTcpProxy(zooKeeper.address);
      const address = newAddress();
      const first = addMaster(1, { ...address, servers: [proxy.address] }, 4000);
      await first.is("leading");
      const second = addMaster(2, address);
      const locator = addLocator(address);
      expect((await locator.current()).port).toBe(1);
      proxy.block();
      await first.is("deposed");
      await second.is("leading");
      await locator.heardOf(2);
    },
    TIMEOUT_MS,
  );

  test(
    "all live through a restart of ZooKeeper",
    async () => {
      await using other = await startRealZooKeeper();
      const address = { servers: [other.address], path: "/mesos", credentials: null };
      const [first, second] = [addMaster(1, address, 60_000), addMaster(2, address, 60_000)];
      const locator = addLocator(address, 60_000);
      const leader = (await locator.current()).port;
      const [leading, standby] = leader === 1 ? [first, second] : [second, first];
      await leading.is("leading");
      await other.kill();
      expect((await locator.current()).port).toBe(leader);
      await other.start();
      // Two sessions of each master and that of the locator. One that is closed before cannot tell ZooKeeper.
      const isBack = ({ message, fields }: LogEntry): boolean =>
        message === "connected to ZooKeeper" && fields["server"] === other.hostPort && fields["newSession"] === false;
      await until(() => log.filter(isBack).length >= 5, "all are back", PATIENCE_MS);
      await leading.election.close();
      await standby.is("leading");
      await locator.heardOf(3 - leader);
    },
    TIMEOUT_MS,
  );

  test(
    "with credentials others may read, but not announce themselves; wrong ones are told, and never shown",
    async () => {
      const address = newAddress("owner:hunter2");
      await addMaster(1, address).is("leading");
      const locator = addLocator({ ...address, credentials: null });
      expect((await locator.current()).port).toBe(1);
      log.length = 0;
      const stranger = addMaster(2, { ...address, credentials: "owner:hunter3" });
      await until(
        () => log.find(({ message }) => message === "master is not announced in ZooKeeper"),
        "it says that it is not announced",
        PATIENCE_MS,
      );
      expect(stranger.election.role).toMatchObject({ type: "standing-by" });
      const shown = log.map(({ fields }) => String(fields["error"])).join("\n");
      expect(shown).toContain("these credentials may not do it");
      expect(shown).not.toMatch(/hunter[23]/);
    },
    TIMEOUT_MS,
  );
});
