import { describe, expect, test } from "bun:test";
import { chooseProtocol, commonProtocols } from "../../../src/local/kafka/groups/protocol-choice.ts";
import { GroupDriver, REBALANCE_MS, SESSION_MS } from "./group-driver.ts";

const protocol = (name: string, ...metadata: number[]) => ({ name, metadata: Uint8Array.from(metadata) });

/** Members a (the leader) and b, stable in generation 2. */
function stablePair(): GroupDriver {
  const driver = new GroupDriver();
  driver.join("", { newMemberId: "a" });
  driver.join("", { newMemberId: "b" });
  driver.join("a");
  driver.sync("b", 2);
  driver.sync("a", 2, { a: "part a", b: "part b" });
  expect(driver.group.state).toBe("Stable");
  return driver;
}

describe("joining", () => {
  test("the first member leads generation 1", () => {
    const driver = new GroupDriver();
    const ticket = driver.join("", { newMemberId: "a" });
    expect(driver.joins.get(ticket)).toMatchObject({
      errorCode: 0,
      generationId: 1,
      protocolType: "consumer",
      protocolName: "range",
      leader: "a",
      memberId: "a",
      members: [{ memberId: "a", metadata: Uint8Array.of(1) }],
    });
    expect(driver.group.state).toBe("CompletingRebalance");
  });

  test("a member without an id is asked to come back with one, and the group waits for it", () => {
    const driver = new GroupDriver();
    const first = driver.join("", { newMemberId: "a", requireKnownMemberId: true });
    expect(driver.joins.get(first)).toMatchObject({ memberId: "a", generationId: -1 });
    expect(driver.joinError(first)).toBe("MEMBER_ID_REQUIRED");
    expect(driver.group.isVacant).toBeFalse();
    expect(driver.joinError(driver.join("a", { requireKnownMemberId: true }))).toBe("NONE");
  });

  test("an id that nobody came back with is forgotten after the session time-out", () => {
    const driver = new GroupDriver();
    driver.join("", { newMemberId: "a", requireKnownMemberId: true });
    driver.advance(SESSION_MS);
    expect(driver.group.isVacant).toBeTrue();
    expect(driver.joinError(driver.join("a"))).toBe("UNKNOWN_MEMBER_ID");
  });

  test("a second member makes the first join again; the leader learns of both, the other of nobody", () => {
    const driver = new GroupDriver();
    driver.join("", { newMemberId: "a" });
    driver.sync("a", 1, { a: "all" });
    const b = driver.join("", { newMemberId: "b" });
    expect(driver.joins.has(b)).toBeFalse();
    expect(driver.heartbeat("a", 1)).toBe("REBALANCE_IN_PROGRESS");
    const a = driver.join("a");
    expect(driver.joins.get(a)?.members.map(({ memberId }) => memberId)).toEqual(["a", "b"]);
    expect(driver.joins.get(b)).toMatchObject({ generationId: 2, leader: "a", members: [] });
    expect(driver.generations).toEqual([1, 2]);
  });

  test("with a delay, an empty group waits for more members, and longer while more come", () => {
    const driver = new GroupDriver({ initialRebalanceDelayMs: 3000 });
    const a = driver.join("", { newMemberId: "a" });
    driver.advance(2000);
    const b = driver.join("", { newMemberId: "b" });
    driver.advance(2999);
    expect([driver.joins.has(a), driver.joins.has(b)]).toEqual([false, false]);
    driver.advance(1001);
    expect([driver.joinError(a), driver.joinError(b)]).toEqual(["NONE", "NONE"]);
    expect(driver.generations).toEqual([1]);
  });

  test.each([
    ["no protocol", { protocols: [] }],
    ["no protocol type", { protocolType: "" }],
    ["another protocol type", { protocolType: "connect" }],
    ["no protocol in common", { protocols: [protocol("sticky")] }],
  ])("a member with %s is refused", (_, request) => {
    const driver = new GroupDriver();
    driver.join("", { newMemberId: "a" });
    expect(driver.joinError(driver.join("", request))).toBe("INCONSISTENT_GROUP_PROTOCOL");
  });

  test("a full group takes nobody new", () => {
    const driver = new GroupDriver({ maxSize: 1 });
    driver.join("", { newMemberId: "a" });
    expect(driver.joinError(driver.join(""))).toBe("GROUP_MAX_SIZE_REACHED");
    expect(driver.joinError(driver.join("a"))).toBe("NONE");
  });

  test("a follower that asks again hears the present generation; a leader that does starts a new one", () => {
    const driver = stablePair();
    expect(driver.joins.get(driver.join("b"))).toMatchObject({ generationId: 2, members: [] });
    expect(driver.group.state).toBe("Stable");
    driver.join("a");
    expect(driver.group.state).toBe("PreparingRebalance");
  });

  test("a member that changes what it wants starts a rebalance", () => {
    const driver = stablePair();
    driver.join("b", { protocols: [protocol("range", 9)] });
    expect(driver.group.state).toBe("PreparingRebalance");
  });

  test("who asks twice while it waits gets an answer to both", () => {
    const driver = stablePair();
    const first = driver.join("a");
    const second = driver.join("a");
    expect(driver.joinError(first)).toBe("REBALANCE_IN_PROGRESS");
    driver.join("b");
    expect(driver.joinError(second)).toBe("NONE");
  });

  test("generations go on after those of an earlier life", () => {
    const driver = new GroupDriver({ generation: 41 });
    expect(driver.joins.get(driver.join(""))?.generationId).toBe(42);
  });
});

describe("syncing", () => {
  test("everybody gets what the leader gave, whoever asks first", () => {
    const driver = new GroupDriver();
    driver.join("", { newMemberId: "a" });
    driver.join("", { newMemberId: "b" });
    driver.join("a");
    const b = driver.sync("b", 2);
    expect(driver.syncs.has(b)).toBeFalse();
    const a = driver.sync("a", 2, { a: "part a", b: "part b" });
    expect([driver.assignment(a), driver.assignment(b)]).toEqual(["part a", "part b"]);
    expect(driver.assignment(driver.sync("b", 2))).toBe("part b");
  });

  test("whom the leader forgot gets nothing, and is in the group all the same", () => {
    const driver = new GroupDriver();
    driver.join("", { newMemberId: "a" });
    driver.join("", { newMemberId: "b" });
    driver.join("a");
    driver.sync("a", 2, { a: "all" });
    expect(driver.assignment(driver.sync("b", 2))).toBe("");
  });

  test("is refused with the reason", () => {
    const driver = stablePair();
    expect(driver.syncError(driver.sync("a", 1))).toBe("ILLEGAL_GENERATION");
    expect(driver.syncError(driver.sync("nobody", 2))).toBe("UNKNOWN_MEMBER_ID");
    expect(driver.syncError(driver.sync("a", 2, {}, { protocolName: "sticky" }))).toBe("INCONSISTENT_GROUP_PROTOCOL");
    driver.join("a");
    expect(driver.syncError(driver.sync("b", 2))).toBe("REBALANCE_IN_PROGRESS");
  });

  test("who waits for the leader when a rebalance begins hears of it", () => {
    const driver = new GroupDriver();
    driver.join("", { newMemberId: "a" });
    driver.join("", { newMemberId: "b" });
    driver.join("a");
    const waiting = driver.sync("b", 2);
    driver.join("", { newMemberId: "c" });
    expect(driver.syncError(waiting)).toBe("REBALANCE_IN_PROGRESS");
  });
});

describe("leaving and falling silent", () => {
  test("a member that leaves starts a rebalance; the next one leads", () => {
    const driver = stablePair();
    expect(driver.leave("a")).toBe("NONE");
    const b = driver.join("b");
    expect(driver.joins.get(b)).toMatchObject({ leader: "b", generationId: 3 });
  });

  test("the last member that leaves leaves an empty group", () => {
    const driver = stablePair();
    driver.leave("a");
    driver.leave("b");
    expect(driver.group.state).toBe("Empty");
    expect(driver.group.isVacant).toBeTrue();
    expect(driver.leave("b")).toBe("UNKNOWN_MEMBER_ID");
  });

  test("a member without heartbeats is removed after its session time-out", () => {
    const driver = stablePair();
    driver.advance(SESSION_MS - 1);
    expect(driver.heartbeat("a", 2)).toBe("NONE");
    driver.advance(1);
    expect(driver.heartbeat("b", 2)).toBe("UNKNOWN_MEMBER_ID");
    expect(driver.group.state).toBe("PreparingRebalance");
    expect(driver.joins.get(driver.join("a"))).toMatchObject({ generationId: 3, leader: "a" });
  });

  test("a member that heartbeats and does not join again is removed after the rebalance time-out", () => {
    const driver = stablePair();
    const a = driver.join("a");
    for (let waited = 0; waited < REBALANCE_MS; waited += 5000) {
      expect(driver.heartbeat("b", 2)).toBe("REBALANCE_IN_PROGRESS");
      driver.advance(5000);
    }
    expect(driver.joins.get(a)).toMatchObject({ errorCode: 0, generationId: 3 });
    expect(driver.heartbeat("b", 3)).toBe("UNKNOWN_MEMBER_ID");
  });

  test("a member that heartbeats and does not sync is removed after the rebalance time-out", () => {
    const driver = new GroupDriver();
    driver.join("", { newMemberId: "a" });
    driver.join("", { newMemberId: "b" });
    driver.join("a");
    driver.sync("a", 2, {});
    for (let waited = 0; waited < REBALANCE_MS; waited += 5000) {
      driver.heartbeat("a", 2);
      driver.heartbeat("b", 2);
      driver.advance(5000);
    }
    expect(driver.heartbeat("b", 2)).toBe("UNKNOWN_MEMBER_ID");
    expect(driver.group.state).toBe("PreparingRebalance");
  });

  test("who waits in a rebalance is not silent", () => {
    const driver = stablePair();
    const a = driver.join("a");
    driver.advance(SESSION_MS + 1);
    expect(driver.joinError(a)).toBe("NONE");
    expect(driver.group.describe().members.map(({ memberId }) => memberId)).toEqual(["a"]);
  });
});

describe("committing", () => {
  test("members may in their generation, and between assignments not", () => {
    const driver = stablePair();
    expect(driver.checkCommit("a", 2)).toBe("NONE");
    expect(driver.checkCommit("a", 1)).toBe("ILLEGAL_GENERATION");
    expect(driver.checkCommit("nobody", 2)).toBe("UNKNOWN_MEMBER_ID");
    driver.join("a");
    expect(driver.checkCommit("b", 2)).toBe("NONE");
    driver.join("b");
    expect(driver.checkCommit("b", 3)).toBe("REBALANCE_IN_PROGRESS");
  });

  test("who is no member may only while nobody is", () => {
    expect(new GroupDriver().checkCommit("", -1)).toBe("NONE");
    expect(stablePair().checkCommit("", -1)).toBe("UNKNOWN_MEMBER_ID");
  });
});

describe("choosing the protocol", () => {
  const voter = (...names: string[]) => ({ protocols: names.map((name) => ({ name })) });

  test("the common one that most members like best wins", () => {
    expect(chooseProtocol([voter("a", "b"), voter("b", "a"), voter("c", "b", "a")])).toBe("b");
  });

  test("only what all support counts", () => {
    expect(commonProtocols([voter("a", "b", "c"), voter("c", "b")])).toEqual(["b", "c"]);
    expect(chooseProtocol([voter("a", "b"), voter("a", "b"), voter("b")])).toBe("b");
  });
});
