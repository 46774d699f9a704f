import { describe, expect, test } from "bun:test";
import {
  batchChecksum,
  decodeBatchHeader,
  stampAppendTime,
  stampOffset,
} from "../../../src/kafka/records/record-batch.ts";
import { checkBatch } from "../../../src/local/kafka/log/batch-check.ts";
import { ErrorCode } from "../../../src/local/kafka/protocol/error-codes.ts";
import { makeBatch, seal } from "../../contract/kafka/record-batch.ts";

const rules = {
  maxMessageBytes: 1000,
  produceVersion: 7,
  nowMs: 1_700_000_000_000,
  needsKeys: false,
  timestampBeforeMaxMs: Number.MAX_SAFE_INTEGER,
  timestampAfterMaxMs: Number.MAX_SAFE_INTEGER,
};
const good = makeBatch({ values: ["a", "b", "c"] });

function edited(edit: (batch: Buffer) => void): Buffer {
  const batch = Buffer.from(good);
  edit(batch);
  return seal(batch);
}

function flipped(): Buffer {
  const batch = Buffer.from(good);
  batch.writeUInt8(batch.readUInt8(70) ^ 4, 70);
  return batch;
}

describe("a batch to append", () => {
  test("is accepted as clients make it", () => {
    expect(checkBatch(good, rules)).toMatchObject({ type: "accepted", header: { recordCount: 3, lastOffsetDelta: 2 } });
  });

  test.each([
    ["is missing", null, ErrorCode.INVALID_RECORD],
    ["is empty", Buffer.alloc(0), ErrorCode.INVALID_RECORD],
    ["is cut off", good.subarray(0, -1), ErrorCode.INVALID_RECORD],
    ["is followed by another", Buffer.concat([good, good]), ErrorCode.INVALID_RECORD],
    ["has message format 0", edited((batch) => batch.writeInt8(0, 16)), ErrorCode.INVALID_RECORD],
    ["has message format 1", edited((batch) => batch.writeInt8(1, 16)), ErrorCode.INVALID_RECORD],
    ["has a message format that is none", edited((batch) => batch.writeInt8(3, 16)), ErrorCode.CORRUPT_MESSAGE],
    ["claims to be smaller than its header", edited((batch) => batch.writeInt32BE(20, 8)), ErrorCode.CORRUPT_MESSAGE],
    ["has a flipped bit", flipped(), ErrorCode.CORRUPT_MESSAGE],
    ["is too large", makeBatch({ values: ["x".repeat(1000)] }), ErrorCode.MESSAGE_TOO_LARGE],
    [
      "counts other records than it has offsets",
      edited((batch) => batch.writeInt32BE(4, 57)),
      ErrorCode.INVALID_RECORD,
    ],
    [
      "has no records",
      edited((batch) => batch.writeInt32BE(-1, 23) && batch.writeInt32BE(0, 57)),
      ErrorCode.INVALID_RECORD,
    ],
    [
      "is compressed by nobody knows what",
      edited((batch) => batch.writeInt16BE(5, 21)),
      ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
    ],
    ["claims the broker's own time", edited((batch) => batch.writeInt16BE(8, 21)), ErrorCode.INVALID_TIMESTAMP],
    ["is transactional without a producer", edited((batch) => batch.writeInt16BE(16, 21)), ErrorCode.INVALID_RECORD],
    ["is a control batch", edited((batch) => batch.writeInt16BE(32, 21)), ErrorCode.INVALID_RECORD],
    [
      "has a producer without a sequence",
      makeBatch({ values: ["a"], producerId: 1, producerEpoch: 0 }),
      ErrorCode.INVALID_RECORD,
    ],
  ])("that %s is refused", (_, batch, errorCode) => {
    expect(checkBatch(batch, rules)).toMatchObject({ type: "refused", errorCode });
  });

  test("zstd is refused from clients too old to know it", () => {
    const packed = makeBatch({ values: ["a"], codec: "zstd" });
    expect(checkBatch(packed, { ...rules, produceVersion: 6 })).toMatchObject({
      errorCode: ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
    });
    expect(checkBatch(packed, rules)).toMatchObject({ type: "accepted" });
  });
});

describe("a stored batch", () => {
  test("gets its offset without a change of what the checksum covers", () => {
    const batch = Buffer.from(good);
    stampOffset(batch, 5_000_000_000, 7);
    expect(decodeBatchHeader(batch)).toMatchObject({ baseOffset: 5_000_000_000, crc: decodeBatchHeader(good).crc });
    expect(batchChecksum(batch)).toBe(decodeBatchHeader(batch).crc);
    expect(batch.readInt32BE(12)).toBe(7);
  });

  test("gets the broker's time with a new checksum", () => {
    const batch = Buffer.from(good);
    stampAppendTime(batch, 1_700_000_000_000);
    expect(decodeBatchHeader(batch)).toMatchObject({ isLogAppendTime: true, maxTimestampMs: 1_700_000_000_000 });
    expect(batchChecksum(batch)).toBe(decodeBatchHeader(batch).crc);
  });
});
