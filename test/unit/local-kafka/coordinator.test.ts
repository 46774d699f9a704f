import { describe, expect, test } from "bun:test";
import { silentLogger } from "../../../src/base/log.ts";
import { seededRandom } from "../../../src/base/random.ts";
import { defaultBrokerConfig } from "../../../src/local/kafka/broker-config.ts";
import { GroupCoordinator } from "../../../src/local/kafka/groups/coordinator.ts";
import { OffsetStore } from "../../../src/local/kafka/groups/offset-store.ts";
import { openDatabase } from "../../../src/local/kafka/log/database.ts";
import type { JoinGroupResponse } from "../../../src/local/kafka/messages/join-group.ts";
import { ErrorCode } from "../../../src/local/kafka/protocol/error-codes.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const GROUP = "g";
const SESSION_MS = 10_000;

function makeCoordinator() {
  const clock = new ManualClock();
  const offsets = new OffsetStore(openDatabase({ dataDir: null, sync: false }));
  const make = (): GroupCoordinator =>
    new GroupCoordinator({ offsets, config: defaultBrokerConfig, clock, random: seededRandom(1), log: silentLogger });
  return { clock, offsets, coordinator: make(), restarted: make };
}

function join(coordinator: GroupCoordinator, memberId = "", version = 3): Promise<JoinGroupResponse> {
  const request = {
    groupId: GROUP,
    sessionTimeoutMs: SESSION_MS,
    rebalanceTimeoutMs: 60_000,
    memberId,
    groupInstanceId: null,
    protocolType: "consumer",
    protocols: [{ name: "range", metadata: Uint8Array.of(1) }],
  };
  return coordinator.join(request, version, { clientId: "client", clientHost: "/127.0.0.1" });
}

describe("the coordinator of groups", () => {
  test("gives ids that begin with the client's, and asks newer clients to come back with them", async () => {
    const { coordinator } = makeCoordinator();
    const first = await join(coordinator, "", 4);
    expect(first.errorCode).toBe(ErrorCode.MEMBER_ID_REQUIRED);
    expect(first.memberId).toMatch(/^client-[0-9a-f-]{36}$/);
    expect((await join(coordinator, first.memberId, 4)).errorCode).toBe(ErrorCode.NONE);
  });

  test("removes a silent member when its time is over, and then keeps no timer", async () => {
    const { coordinator, clock } = makeCoordinator();
    const { memberId, generationId } = await join(coordinator);
    clock.advance(SESSION_MS - 1);
    expect(coordinator.heartbeat(GROUP, memberId, generationId)).toBe(ErrorCode.NONE);
    clock.advance(SESSION_MS - 1);
    expect(coordinator.describe(GROUP).members).toHaveLength(1);
    clock.advance(1);
    expect(coordinator.describe(GROUP)).toMatchObject({ state: "Empty", protocolType: "consumer", members: [] });
    expect(clock.pending).toBe(0);
  });

  test("counts generations on after a restart, and knows no members then", async () => {
    const { coordinator, restarted } = makeCoordinator();
    const { memberId, generationId } = await join(coordinator);
    expect(generationId).toBe(1);
    const after = restarted();
    expect(after.heartbeat(GROUP, memberId, 1)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(after.checkCommit(GROUP, { memberId, generationId: 1, isTransactional: false })).toBe(
      ErrorCode.UNKNOWN_MEMBER_ID,
    );
    expect((await join(after)).generationId).toBe(2);
  });

  test("shows groups that only have offsets, and forgets them when they are deleted", () => {
    const { coordinator, offsets } = makeCoordinator();
    expect(coordinator.describe("by-hand").state).toBe("Dead");
    offsets.commit("by-hand", [{ topic: "t", partition: 0, offset: 1, leaderEpoch: -1, metadata: "" }]);
    expect(coordinator.list()).toEqual([{ groupId: "by-hand", protocolType: "", state: "Empty", type: "classic" }]);
    expect(coordinator.delete("by-hand")).toBe(ErrorCode.NONE);
    expect(coordinator.delete("by-hand")).toBe(ErrorCode.GROUP_ID_NOT_FOUND);
    expect(offsets.all("by-hand")).toEqual([]);
  });

  test("deletes no group that somebody is in", async () => {
    const { coordinator } = makeCoordinator();
    await join(coordinator);
    expect(coordinator.delete(GROUP)).toBe(ErrorCode.NON_EMPTY_GROUP);
  });
});
