import { expect, test } from "bun:test";
import fc from "fast-check";
import { Partitioners, type PartitionMetadata } from "kafkajs";
import { utf8 } from "../../../src/base/bytes.ts";
import { murmur2, partitionOfKey } from "../../../src/kafka/murmur2.ts";

/** Computed by org.apache.kafka.common.utils.Utils.murmur2 of Kafka 3.9. */
const javas: readonly (readonly [string, number])[] = [
  ["", 275_646_681],
  ["a", -1_563_381_124],
  ["ab", 316_155_434],
  ["abc", 479_470_107],
  ["abcd", -1_323_649_548],
  ["abcde", 461_995_741],
  ["21", -973_932_308],
  ["foobar", -790_332_482],
  ["a-little-bit-long-string", -985_981_536],
  ["a-little-bit-longer-string", -1_486_304_829],
  ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971],
  ["ünïcödé \0", -1_203_419_387],
];

test("the hash is that of Kafka's Java client", () => {
  for (const [text, hash] of javas) expect(murmur2(utf8(text))).toBe(hash);
});

test("the hash does not depend on where the bytes lie in their buffer", () => {
  const bytes = utf8("xxkey-of-a-recordxx").subarray(2, -2);
  expect(murmur2(bytes)).toBe(murmur2(utf8("key-of-a-record")));
});

test("a key goes to the partition that kafkajs' default partitioner chooses", () => {
  const choose = Partitioners.DefaultPartitioner();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.integer({ min: 1, max: 100 }), (key, partitions) => {
      const partitionMetadata = Array.from(
        { length: partitions },
        (_, partitionId): PartitionMetadata => ({
          partitionId,
          leader: 1,
          partitionErrorCode: 0,
          replicas: [],
          isr: [],
        }),
      );
      const message = { key: Buffer.from(key), value: null };
      expect(partitionOfKey(key, partitions)).toBe(choose({ topic: "t", partitionMetadata, message }));
    }),
  );
});
