import { crc32, gzipSync, zstdCompressSync } from "node:zlib";
import { concatBytes, utf8 } from "../../src/base/bytes.ts";
import { decodeCommitMetadata } from "../../src/engine/commit-metadata.ts";
import { AnswerGuard } from "../../src/kafka/answer-guard.ts";
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from "../../src/kafka/assignor.ts";
import { FetchedRecords, UnreadableBatchError } from "../../src/kafka/fetched.ts";
import { ProtocolError } from "../../src/kafka/protocol/errors.ts";
import { fetchMessage } from "../../src/kafka/protocol/fetch.ts";
import { produceMessage } from "../../src/kafka/protocol/produce.ts";
import { Reader } from "../../src/kafka/protocol/reader.ts";
import { topicIdMessage } from "../../src/kafka/protocol/topic-id.ts";
import { DecompressError } from "../../src/kafka/records/block-output.ts";
import { unpack } from "../../src/kafka/records/compression.ts";
import { batchChecksum, type CompressionCodec, compressionCodecs } from "../../src/kafka/records/record-batch.ts";
import { checkBatch } from "../../src/local/kafka/log/batch-check.ts";
import { type ApiGrammar, grammars } from "../contract/kafka/grammars.ts";
import { encode } from "../contract/kafka/wire-grammar.ts";
import { makeBatch, makeMark } from "../unit/kafka/batches.ts";
import { makeMessage } from "../unit/kafka/old-messages.ts";
import { packedText } from "../unit/kafka/packed-text.ts";
import { cut } from "./fuzz.ts";
import type { FuzzTarget } from "./target.ts";

/* What a broker may send to us, what others may have written into a topic, and what the embedded broker is to store. */

const UNPACKED_BYTES = 1_000_000;
const BATCH_HEADER_BYTES = 61;

const records = [
  {
    offset: 0,
    timestampMs: 5,
    key: "key",
    value: "value",
    headers: [["name", "content"] as const, ["none", null] as const],
  },
  { offset: 1, timestampMs: 7, key: null, value: "x".repeat(200) },
];
const packers: Readonly<Record<CompressionCodec, (bytes: Buffer) => Uint8Array>> = {
  none: (bytes) => bytes,
  gzip: (bytes) => gzipSync(bytes),
  // Whole and by its specification: one literal.
  snappy: (bytes) =>
    concatBytes([
      Uint8Array.of(
        (bytes.length & 0x7f) | 0x80,
        bytes.length >> 7,
        0xf4,
        (bytes.length - 1) & 0xff,
        (bytes.length - 1) >> 8,
      ),
      bytes,
    ]),
  lz4: (bytes) =>
    concatBytes([
      Uint8Array.of(0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82),
      littleEndian(bytes.length + 2 ** 31),
      bytes,
      littleEndian(0),
    ]),
  zstd: (bytes) => zstdCompressSync(bytes),
};
const batches = compressionCodecs.map((codec, attributes) => {
  return makeBatch({ first: 0, records, baseTimestampMs: 5, maxTimestampMs: 7, attributes, pack: packers[codec] });
});
const transaction = concatBytes([
  makeBatch({ first: 0, records, producerId: 9, attributes: 0x10 }),
  makeMark(2, 9, "abort"),
  makeBatch({ first: 3, records: [{ offset: 3, value: "kept" }] }),
]);
const inner = concatBytes([0, 1].map((offset) => makeMessage({ magic: 1, offset, value: utf8(`v${offset}`) })));
const oldMessages = [
  makeMessage({ magic: 0, offset: 3, key: utf8("k"), value: utf8("v") }),
  makeMessage({ magic: 1, offset: 4, attributes: 1, value: gzipSync(inner) }),
  makeMessage({ magic: 1, offset: 4, attributes: 3, value: packers.lz4(Buffer.from(inner)) }),
];

function littleEndian(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/** Puts checksums right, so that what is behind them is read too. */
function sealed(input: Uint8Array): Uint8Array {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  for (let at = 0; at + 17 <= input.byteLength; ) {
    const size = 12 + view.getInt32(at + 8);
    if (size <= 17 || at + size > input.byteLength) break;
    const one = input.subarray(at, at + size);
    if (one[16] === 2 && size >= BATCH_HEADER_BYTES) view.setUint32(at + 17, batchChecksum(one));
    else view.setUint32(at + 12, crc32(one.subarray(16)));
    at += size;
  }
  return input;
}

/** Reads a part of a log to its end, as the input does. */
function readLog(input: Uint8Array): void {
  const fetched = {
    partition: 0,
    errorCode: 0,
    highWatermark: 100,
    lastStableOffset: 100,
    abortedTransactions: [{ producerId: 9, firstOffset: 0 }],
    records: input,
  };
  const log = new FetchedRecords("t", fetched, 0);
  while (log.position < log.end) {
    const before = log.position;
    log.take(10, 10_000);
    if (log.position <= before) throw new Error(`it stays at offset ${before}`);
  }
}

function answerTarget(
  api: ApiGrammar,
  message: {
    readonly minVersion: number;
    readonly maxVersion: number;
    readonly flexibleFrom?: number;
    decodeResponse(reader: Reader, version: number): unknown;
  },
  sample: Parameters<typeof encode>[1],
): FuzzTarget {
  const { minVersion, maxVersion, flexibleFrom = Infinity } = message;
  const versions = Array.from({ length: maxVersion - minVersion + 1 }, (_, i) => minVersion + i);
  return {
    name: `kafka/answer to ${api.name}`,
    samples: versions.map((version) =>
      concatBytes([
        Uint8Array.of(version - minVersion),
        encode(api.response, sample, version, version >= flexibleFrom),
      ]),
    ),
    read(input) {
      const version = minVersion + ((input[0] ?? 0) % versions.length);
      message.decodeResponse(new Reader(input.subarray(1), version >= flexibleFrom), version);
    },
    refusals: [ProtocolError],
  };
}

const partition = { index: 0, errorCode: 0, lastStableOffset: 5, logStartOffset: 0, highWatermark: 5 };
const fetched = { ...partition, abortedTransactions: [{ producerId: 9, firstOffset: 0 }], records: transaction };
const produced = { ...partition, baseOffset: 5, logAppendTimeMs: -1 };
const named = { name: "t", topicId: "" };

export const kafkaTargets: readonly FuzzTarget[] = [
  {
    name: "kafka/lengths of answers",
    samples: [Buffer.from([0, 0, 0, 4, 1, 2, 3, 4, 0, 0, 0, 5, 1, 2, 3, 4, 5])],
    read(input, random) {
      const guard = new AnswerGuard();
      for (const piece of cut(input, random)) if (guard.problem(piece) !== undefined) return;
    },
    refusals: [],
  },
  answerTarget(grammars.fetch, fetchMessage, {
    errorCode: 0,
    sessionId: 0,
    topics: [{ ...named, partitions: [fetched, fetched] }],
  }),
  answerTarget(grammars.metadata, topicIdMessage, {
    brokers: [{ nodeId: 1, host: "localhost", port: 9092 }],
    clusterId: "c",
    controllerId: 1,
    topics: [
      { errorCode: 0, name: "t", topicId: "1".repeat(32), partitions: [{ index: 0, leaderId: 1, leaderEpoch: 0 }] },
    ],
  }),
  answerTarget(grammars.produce, produceMessage, { topics: [{ ...named, partitions: [produced, produced] }] }),
  {
    name: "kafka/log",
    samples: [concatBytes(batches), transaction, concatBytes(oldMessages)],
    read: readLog,
    refusals: [UnreadableBatchError],
  },
  {
    name: "kafka/log under right checksums",
    samples: [...batches, transaction, ...oldMessages, concatBytes(batches)],
    read: (input) => readLog(sealed(input)),
    refusals: [UnreadableBatchError],
  },
  ...compressionCodecs
    .filter((codec) => codec !== "none")
    .map(
      (codec): FuzzTarget => ({
        name: `kafka/packed with ${codec}`,
        samples: [packers[codec](Buffer.from("some bytes that repeat, some bytes that repeat")), ...packedText[codec]],
        read: (input) => void unpack(input, codec, UNPACKED_BYTES),
        refusals: [DecompressError],
      }),
    ),
  {
    name: "kafka/batch to append",
    samples: batches,
    read(input) {
      const rules = {
        maxMessageBytes: 100_000,
        produceVersion: 9,
        nowMs: 10,
        needsKeys: false,
        timestampBeforeMaxMs: Number.MAX_SAFE_INTEGER,
        timestampAfterMaxMs: Number.MAX_SAFE_INTEGER,
      };
      checkBatch(sealed(input), rules);
    },
    refusals: [],
  },
  {
    name: "kafka/what a member holds",
    samples: [encodeSubscription("t", { generation: 3, partitions: [1, 2, 3] })],
    read: (input) => void decodeSubscription("m", input),
    refusals: [],
  },
  {
    name: "kafka/assignment",
    samples: [encodeAssignment("t", [1, 2, 3])],
    read: (input) => void decodeAssignment("t", input),
    refusals: [ProtocolError],
  },
  {
    name: "kafka/commit metadata",
    samples: ["1rAAECAw", "1bqqqqqqqqqg~AAIFAQ", "1r~AAE", ""].map(utf8),
    read: (input, random) =>
      void decodeCommitMetadata(Buffer.from(input).toString("utf8"), Math.floor(random.next() * 2 ** 40)),
    refusals: [],
  },
];
