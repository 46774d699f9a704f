import { describe, expect, test } from "bun:test";
import { silentLogger } from "../../../src/base/log.ts";
import { seededRandom } from "../../../src/base/random.ts";
import { Election, type ElectionEvent, type MasterRole } from "../../../src/local/mesos/election/election.ts";
import { MasterElection } from "../../../src/local/mesos/election/master-election.ts";
import type { MasterInfo } from "../../../src/mesos/types.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { until } from "../../support/until.ts";
import { type FakeSession, FakeZooKeeper } from "../../support/zookeeper/fake-zookeeper.ts";

const masterInfo = (port: number): MasterInfo => ({ id: `m${port}`, ip: 0, port, address: { ip: "10.0.0.1", port } });
const own = (node: string | undefined): ElectionEvent => ({ type: "node", node });
const leads = (node: string, port: number): ElectionEvent => ({
  type: "leadership",
  leadership: { type: "leader", node, master: masterInfo(port) },
});
const nobodyLeads: ElectionEvent = { type: "leadership", leadership: { type: "none" } };

function roleAfter(...events: readonly ElectionEvent[]): string {
  const election = new Election();
  for (const event of events) election.step(event);
  return shown(election.role);
}

function shown(role: MasterRole): string {
  switch (role.type) {
    case "standing-by":
      return `stands by ${role.leader?.port ?? "nobody"}`;
    case "leading":
      return "leads";
    case "deposed":
      return `deposed: ${role.because}`;
  }
}

describe("a master", () => {
  test.each<[string, readonly ElectionEvent[]]>([
    ["stands by nobody", []],
    ["stands by nobody", [own("b")]],
    ["stands by nobody", [own("b"), nobodyLeads]],
    ["stands by 1", [own("b"), leads("a", 1)]],
    ["stands by 2", [own("c"), leads("a", 1), leads("b", 2)]],
    ["leads", [own("a"), leads("a", 1)]],
    ["leads", [leads("a", 1), own("a")]],
    ["leads", [own("b"), leads("a", 1), leads("b", 2)]],
    ["stands by 1", [own("b"), leads("a", 1), own(undefined)]],
    ["leads", [own("b"), leads("a", 1), own(undefined), own("c"), leads("c", 3)]],
    ["deposed: its session in ZooKeeper is over", [own("a"), leads("a", 1), own(undefined)]],
    ["deposed: 10.0.0.1:2 leads", [own("a"), leads("a", 1), leads("b", 2)]],
    ["deposed: its node in ZooKeeper is gone", [own("a"), leads("a", 1), nobodyLeads]],
    ["deposed: 10.0.0.1:2 leads", [own("a"), leads("a", 1), leads("b", 2), own("c"), leads("c", 1)]],
  ])("%s after %j", (role, events) => {
    expect(roleAfter(...events)).toBe(role);
  });
});

/** Masters at one ZooKeeper. */
class Masters {
  readonly zooKeeper = new FakeZooKeeper();
  readonly clock = new ManualClock();
  readonly #elections: MasterElection[] = [];

  /** @returns its roles, newest last, and its sessions */
  add(port: number) {
    const roles: string[] = [];
    const sessions: FakeSession[] = [];
    const election = new MasterElection({
      address: { servers: [{ host: "z1", port: 2181 }], path: "/a/mesos", credentials: null },
      master: masterInfo(port),
      clock: this.clock,
      random: seededRandom(port),
      log: silentLogger,
      onRole: (role) => roles.push(shown(role)),
      connect: () => {
        const session = this.zooKeeper.connect();
        sessions.push(session);
        return session;
      },
    });
    this.#elections.push(election);
    election.start();
    const is = (role: string): Promise<unknown> =>
      until(
        () => {
          this.clock.advance(100);
          return roles.at(-1) === role;
        },
        `master ${port} ${role}; so far: ${roles.join(", ")}`,
      );
    return { election, roles, sessions, is, sessionOf: () => this.#sessionOf(sessions) };
  }

  /** That of the announcement, and not of the watch. */
  #sessionOf(sessions: readonly FakeSession[]): FakeSession {
    const owners = this.zooKeeper.paths.map((path) => this.zooKeeper.stat(path)?.ephemeralOwner);
    return sessions.find(({ sessionId }) => owners.includes(sessionId))!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#elections.map((election) => election.close()));
  }
}

describe("an election", () => {
  test("is won by the first; the next leads when that is gone", async () => {
    await using masters = new Masters();
    const first = masters.add(1);
    await first.is("leads");
    const second = masters.add(2);
    await second.is("stands by 1");
    first.sessionOf().end("expired");
    await second.is("leads");
    expect(first.roles.at(-1)).toBe("deposed: its session in ZooKeeper is over");
  });

  test("goes on at once when the leader leaves in order", async () => {
    await using masters = new Masters();
    const first = masters.add(1);
    await first.is("leads");
    const second = masters.add(2);
    await second.is("stands by 1");
    await first.election.close();
    await second.is("leads");
    expect(first.roles).not.toContain(expect.stringContaining("deposed"));
  });

  test("keeps one who stands by, over the ends of its sessions", async () => {
    await using masters = new Masters();
    const first = masters.add(1);
    await first.is("leads");
    const second = masters.add(2);
    await second.is("stands by 1");
    const nodes = (): number => masters.zooKeeper.paths.filter((path) => path.includes("json.info_")).length;
    await until(() => nodes() === 2, "both are announced");
    second.sessionOf().end("expired");
    await until(() => {
      masters.clock.advance(100);
      return nodes() === 2;
    }, "it is announced anew");
    first.sessionOf().end("expired");
    await second.is("leads");
  });

  test("is lost by a leader whose node somebody removes", async () => {
    await using masters = new Masters();
    const first = masters.add(1);
    await first.is("leads");
    const node = masters.zooKeeper.paths.find((path) => path.includes("json.info_"))!;
    await masters.zooKeeper.connect().delete(node);
    await until(() => first.roles.at(-1)?.startsWith("deposed"), "it is deposed");
  });

  test("is announced once, though the answer to that is lost", async () => {
    await using masters = new Masters();
    const first = masters.add(1);
    // Of the announcement, which begins its session first: before its folders are looked for, then before its node.
    const session = first.sessions[0]!;
    const create = session.create.bind(session);
    let made = 0;
    session.create = (...args) => {
      if (args[0].includes("json.info_") && made++ === 0) session.failNext("lost after it is done");
      return create(...args);
    };
    await first.is("leads");
    expect(masters.zooKeeper.paths.filter((path) => path.includes("json.info_"))).toEqual([
      "/a/mesos/json.info_0000000000",
    ]);
  });

  test("writes what real masters write", async () => {
    await using masters = new Masters();
    await masters.add(7).is("leads");
    const content = masters.zooKeeper.read("/a/mesos/json.info_0000000000");
    expect(JSON.parse(Buffer.from(content!.data).toString())).toEqual({
      id: "m7",
      ip: 0,
      port: 7,
      address: { ip: "10.0.0.1", port: 7 },
    });
  });
});
