import { describe, expect, test } from "bun:test";
import { utf8 } from "../../../src/base/bytes.ts";
import type { ClientMessage } from "../../../src/kafka/protocol/client-message.ts";
import { ProtocolError } from "../../../src/kafka/protocol/errors.ts";
import { type FetchRequest, fetchMessage } from "../../../src/kafka/protocol/fetch.ts";
import { produceMessage } from "../../../src/kafka/protocol/produce.ts";
import { Reader } from "../../../src/kafka/protocol/reader.ts";
import { topicIdMessage } from "../../../src/kafka/protocol/topic-id.ts";
import { Writer } from "../../../src/kafka/protocol/writer.ts";
import { fetch as servedFetch } from "../../../src/local/kafka/messages/fetch.ts";
import { metadata as servedMetadata } from "../../../src/local/kafka/messages/metadata.ts";
import { produce as servedProduce } from "../../../src/local/kafka/messages/produce.ts";
import { ErrorCode } from "../../../src/local/kafka/protocol/error-codes.ts";
import type { Message } from "../../../src/local/kafka/protocol/message.ts";

const versionsOf = ({ minVersion, maxVersion }: Pick<ClientMessage<unknown, unknown>, "minVersion" | "maxVersion">) =>
  Array.from({ length: maxVersion - minVersion + 1 }, (_, index) => minVersion + index);

function written<T>(message: ClientMessage<T, unknown>, request: T, version: number): Uint8Array {
  const writer = new Writer();
  message.encodeRequest(writer, request, version);
  return writer.finish();
}

/** What the embedded Kafka reads of a request. */
function served<T>(message: Pick<Message<T, never>, "decodeRequest">, bytes: Uint8Array, version: number): T {
  const reader = new Reader(bytes);
  const request = message.decodeRequest(reader, version);
  expect(reader.remaining).toBe(0);
  return request;
}

/** What the embedded Kafka answers. */
function answered<T>(message: Pick<Message<never, T>, "encodeResponse">, response: T, version: number): Uint8Array {
  const writer = new Writer();
  message.encodeResponse(writer, response, version);
  return writer.finish();
}

const wanted: FetchRequest = {
  maxWaitMs: 500,
  minBytes: 1,
  maxBytes: 4_000_000,
  topic: "in",
  partitions: [
    { partition: 4, fetchOffset: 2 ** 40, maxBytes: 1_000_000 },
    { partition: 0, fetchOffset: 7, maxBytes: 1_000_000 },
  ],
};

describe("a fetch request", () => {
  test.each(versionsOf(fetchMessage))("of version %d is that of kafkajs, byte for byte", async (version) => {
    const kafkajs = require(`kafkajs/src/protocol/requests/fetch/v${version}/request`) as (request: object) => {
      encode: () => Promise<{ buffer: Buffer }>;
    };
    const { encode } = kafkajs({
      replicaId: -1,
      isolationLevel: 1,
      maxWaitTime: wanted.maxWaitMs,
      minBytes: wanted.minBytes,
      maxBytes: wanted.maxBytes,
      topics: [{ topic: wanted.topic, partitions: wanted.partitions }],
    });
    const { buffer } = await encode();
    expect(Buffer.from(written(fetchMessage, wanted, version)).toString("hex")).toBe(buffer.toString("hex"));
  });

  test.each(versionsOf(fetchMessage))("of version %d is understood by the embedded Kafka", (version) => {
    expect(served(servedFetch, written(fetchMessage, wanted, version), version)).toMatchObject({
      maxWaitMs: 500,
      isolationLevel: 1,
      sessionEpoch: -1,
      topics: [
        {
          name: "in",
          partitions: [
            { index: 4, fetchOffset: 2 ** 40 },
            { index: 0, fetchOffset: 7 },
          ],
        },
      ],
    });
  });
});

describe("the answer to a fetch", () => {
  const response: Parameters<typeof servedFetch.encodeResponse>[1] = {
    errorCode: ErrorCode.NONE,
    sessionId: 0,
    topics: [
      {
        name: "in",
        topicId: "",
        partitions: [
          {
            index: 4,
            errorCode: ErrorCode.NONE,
            highWatermark: 2 ** 41,
            lastStableOffset: 2 ** 40,
            logStartOffset: 5,
            abortedTransactions: [{ producerId: 9, firstOffset: 2 ** 39 }],
            batches: [utf8("one batch"), utf8(", another")],
          },
          {
            index: 0,
            errorCode: ErrorCode.OFFSET_OUT_OF_RANGE,
            highWatermark: -1,
            lastStableOffset: -1,
            logStartOffset: -1,
            abortedTransactions: null,
            batches: [],
          },
        ],
      },
    ],
  };

  test.each(versionsOf(fetchMessage))("of version %d has each partition's records, marks and error", (version) => {
    const reader = new Reader(answered(servedFetch, response, version));
    const { partitions, ...rest } = fetchMessage.decodeResponse(reader, version);
    expect(reader.remaining).toBe(0);
    expect(rest).toEqual({ throttleMs: 0, errorCode: 0 });
    expect(partitions.map(({ records, ...each }) => ({ ...each, records: Buffer.from(records).toString() }))).toEqual([
      {
        partition: 4,
        errorCode: 0,
        highWatermark: 2 ** 41,
        lastStableOffset: 2 ** 40,
        abortedTransactions: [{ producerId: 9, firstOffset: 2 ** 39 }],
        records: "one batch, another",
      },
      {
        partition: 0,
        errorCode: 1,
        highWatermark: -1,
        lastStableOffset: -1,
        abortedTransactions: [],
        records: "",
      },
    ]);
  });

  test("that is cut off anywhere is refused", () => {
    const whole = answered(servedFetch, response, 11);
    for (let length = 0; length < whole.byteLength; length++) {
      expect(() => fetchMessage.decodeResponse(new Reader(whole.subarray(0, length)), 11)).toThrow(ProtocolError);
    }
  });
});

describe("a produce request and its answer", () => {
  const request = {
    timeoutMs: 30_000,
    topic: "out",
    partitions: [
      { partition: 2, batch: utf8("a batch") },
      { partition: 0, batch: utf8("another") },
    ],
  };

  test.each(versionsOf(produceMessage))("of version %d are understood on both sides", (version) => {
    expect(served(servedProduce, written(produceMessage, request, version), version)).toMatchObject({
      transactionalId: null,
      acks: -1,
      timeoutMs: 30_000,
      topics: [
        {
          name: "out",
          partitions: [
            { index: 2, records: Buffer.from("a batch") },
            { index: 0, records: Buffer.from("another") },
          ],
        },
      ],
    });
    const result = { baseOffset: 17, logAppendTimeMs: -1, logStartOffset: 3, errorMessage: null };
    const partitions = [
      { index: 2, errorCode: ErrorCode.NONE, ...result },
      { index: 0, errorCode: ErrorCode.MESSAGE_TOO_LARGE, ...result },
    ];
    const reader = new Reader(answered(servedProduce, { topics: [{ name: "out", partitions }] }, version));
    expect(produceMessage.decodeResponse(reader, version)).toEqual({
      throttleMs: 0,
      partitions: [
        { partition: 2, errorCode: 0 },
        { partition: 0, errorCode: 10 },
      ],
    });
    expect(reader.remaining).toBe(0);
  });
});

describe("the question for a topic's id", () => {
  const partitions = [
    { index: 0, leaderId: 1, leaderEpoch: 4 },
    { index: 1, leaderId: 2, leaderEpoch: 0 },
  ];
  const answer = (topicId: string, errorCode: ErrorCode = ErrorCode.NONE): Uint8Array[] =>
    versionsOf(topicIdMessage).map((version) => {
      const writer = new Writer(true);
      const brokers = [{ nodeId: 1, host: "localhost", port: 9092 }];
      const topics = [{ errorCode, name: "in", topicId, partitions }];
      servedMetadata.encodeResponse(writer, { brokers, clusterId: "c", controllerId: 1, topics }, version);
      return writer.finish();
    });

  test.each(versionsOf(topicIdMessage))("in version %d is understood by the embedded Kafka", (version) => {
    const writer = new Writer(true);
    topicIdMessage.encodeRequest(writer, "in", version);
    const reader = new Reader(writer.finish(), true);
    expect(servedMetadata.decodeRequest(reader, version)).toEqual({
      topics: [{ name: "in", topicId: "0".repeat(32) }],
      allowAutoTopicCreation: false,
    });
    expect(reader.remaining).toBe(0);
  });

  test("is answered by the id, by an error, or by none", () => {
    const id = "0123456789abcdef".repeat(2);
    const read = (answers: readonly Uint8Array[]): unknown[] =>
      answers.map((bytes, index) => {
        const reader = new Reader(bytes, true);
        const answered = topicIdMessage.decodeResponse(reader, topicIdMessage.minVersion + index);
        expect(reader.remaining).toBe(0);
        return answered;
      });
    const all = (one: object): unknown[] => versionsOf(topicIdMessage).map(() => ({ throttleMs: 0, ...one }));
    expect(read(answer(id))).toEqual(all({ errorCode: 0, topicId: id }));
    expect(read(answer("0".repeat(32)))).toEqual(all({ errorCode: 0, topicId: undefined }));
    const unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    expect(read(answer("0".repeat(32), unknown))).toEqual(all({ errorCode: unknown, topicId: undefined }));
  });
});
