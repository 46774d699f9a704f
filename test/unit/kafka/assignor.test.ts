import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  assignPartitions,
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  type GroupMemberState,
} from "../../../src/kafka/assignor.ts";
import { ProtocolError } from "../../../src/kafka/protocol/errors.ts";

const member = (memberId: string, partitions: readonly number[], generation = 1): GroupMemberState => ({
  memberId,
  generation,
  partitions,
});

const upTo = (count: number): number[] => Array.from({ length: count }, (_, partition) => partition);

describe("who reads which partition", () => {
  test("a member that comes takes only its share, and nothing else moves", () => {
    const assignment = assignPartitions([member("a", [0, 1, 2, 3]), member("b", [])], upTo(4));
    expect(assignment.get("a")).toEqual([0, 1]);
    expect(assignment.get("b")).toEqual([2, 3]);
  });

  test("what a member that left had is spread over the others, and nothing else moves", () => {
    const assignment = assignPartitions([member("a", [0, 1]), member("b", [2, 3])], upTo(6));
    expect(assignment.get("a")).toEqual([0, 1, 4]);
    expect(assignment.get("b")).toEqual([2, 3, 5]);
  });

  test("of two members that claim a partition, the later assigned holds it", () => {
    const assignment = assignPartitions([member("a", [0, 1], 4), member("b", [1], 5)], upTo(2));
    expect(assignment.get("a")).toEqual([0]);
    expect(assignment.get("b")).toEqual([1]);
  });

  test("a partition that is gone is given to nobody", () => {
    expect(assignPartitions([member("a", [0, 7])], [0]).get("a")).toEqual([0]);
  });

  const members = fc
    .array(fc.record({ partitions: fc.uniqueArray(fc.nat(25)), generation: fc.nat(3) }), { minLength: 1, maxLength: 8 })
    .map((list) => list.map(({ partitions, generation }, index) => member(`m${index}`, partitions, generation)));

  test("every partition has exactly one reader, and the shares differ by one at most", () => {
    fc.assert(
      fc.property(members, fc.nat(20), (all, count) => {
        const assignment = assignPartitions(all, upTo(count));
        const given = [...assignment.values()].flat().sort((a, b) => a - b);
        expect(given).toEqual(upTo(count));
        const sizes = [...assignment.values()].map((partitions) => partitions.length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        expect(assignment.size).toBe(all.length);
      }),
    );
  });

  test("asked again with what it has given out, it gives out the same", () => {
    fc.assert(
      fc.property(members, fc.nat(20), (all, count) => {
        const first = assignPartitions(all, upTo(count));
        const again = assignPartitions(
          [...first].map(([id, partitions]) => member(id, partitions, 9)).reverse(),
          upTo(count),
        );
        expect(new Map(again)).toEqual(new Map(first));
      }),
    );
  });
});

describe("what travels with the group protocol", () => {
  test("a subscription tells what the member holds", () => {
    const metadata = encodeSubscription("in", { generation: 7, partitions: [3, 70_000] });
    expect(decodeSubscription("m", metadata)).toEqual(member("m", [3, 70_000], 7));
  });

  test("a subscription whose user data is of another version holds nothing", () => {
    const metadata = encodeSubscription("in", { generation: 7, partitions: [3] });
    metadata.writeUInt8(2, metadata.byteLength - 9);
    expect(decodeSubscription("m", metadata)).toEqual(member("m", [], 0));
  });

  test("a subscription that is none holds nothing", () => {
    for (const metadata of [Buffer.alloc(0), Buffer.from("nonsense"), Buffer.of(0, 0, 0x7f, 0xff, 0xff, 0xff)]) {
      expect(decodeSubscription("m", metadata)).toEqual(member("m", [], 0));
    }
  });

  test("an assignment that is none is refused", () => {
    expect(() => decodeAssignment("in", Buffer.from("nonsense"))).toThrow(ProtocolError);
  });

  test("an assignment comes back, and an empty one is nothing", () => {
    expect(decodeAssignment("in", encodeAssignment("in", [2, 5]))).toEqual([2, 5]);
    expect(decodeAssignment("in", encodeAssignment("other", [2, 5]))).toEqual([]);
    expect(decodeAssignment("in", Buffer.alloc(0))).toEqual([]);
  });
});
