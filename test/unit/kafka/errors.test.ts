import { expect, test } from "bun:test";
import { KafkaJSNumberOfRetriesExceeded, KafkaJSProtocolError } from "kafkajs";
import {
  asKafkaError,
  classifyFailure,
  KafkaRefusedError,
  kafkaErrorType,
  topicRefused,
} from "../../../src/kafka/errors.ts";

/** As kafkajs makes it of an error code, whose declaration hides that. */
function protocolError(type: string): KafkaJSProtocolError {
  return new KafkaJSProtocolError(Object.assign(new Error(`message of ${type}`), { type, code: 1, retriable: true }));
}

test("each error of the protocol is classified by its type", () => {
  const expected = {
    UNKNOWN_MEMBER_ID: "stale-member",
    ILLEGAL_GENERATION: "stale-member",
    REBALANCE_IN_PROGRESS: "stale-member",
    NOT_COORDINATOR_FOR_GROUP: "coordinator-moved",
    GROUP_LOAD_IN_PROGRESS: "coordinator-moved",
    UNKNOWN_TOPIC_OR_PARTITION: "topic-refused",
    TOPIC_AUTHORIZATION_FAILED: "topic-refused",
    MESSAGE_TOO_LARGE: "record-refused",
    INVALID_RECORD: "record-refused",
    OUT_OF_ORDER_SEQUENCE_NUMBER: "producer-lost",
    DUPLICATE_SEQUENCE_NUMBER: "already-written",
    OFFSET_OUT_OF_RANGE: "out-of-range",
    OFFSET_METADATA_TOO_LARGE: "refused",
    INCONSISTENT_GROUP_PROTOCOL: "refused",
    NOT_LEADER_FOR_PARTITION: "unavailable",
    REQUEST_TIMED_OUT: "unavailable",
  } as const;
  for (const [type, failure] of Object.entries(expected)) expect(classifyFailure(protocolError(type))).toBe(failure);
});

test("an error that kafkajs has wrapped is classified by what it wraps", () => {
  const wrapped = new KafkaJSNumberOfRetriesExceeded(protocolError("UNKNOWN_MEMBER_ID"), {
    retryCount: 2,
    retryTime: 1,
  });
  expect(kafkaErrorType(wrapped)).toBe("UNKNOWN_MEMBER_ID");
  expect(classifyFailure(wrapped)).toBe("stale-member");
});

test("an error without a type is taken for a broken connection", () => {
  expect(classifyFailure(new Error("read ECONNRESET"))).toBe("unavailable");
});

test("a refused topic says what is so", () => {
  expect(topicRefused("in", "read", protocolError("UNKNOWN_TOPIC_OR_PARTITION")).message).toBe(
    'Cannot read topic "in": it does not exist',
  );
  expect(topicRefused("in", "read", protocolError("TOPIC_AUTHORIZATION_FAILED")).message).toBe(
    'Cannot read topic "in": Kafka forbids it to this user',
  );
});

test("what trying again will not mend is the processor's fault, the rest the infrastructure's", () => {
  const refused = asKafkaError("join", protocolError("GROUP_AUTHORIZATION_FAILED"));
  expect(refused).toBeInstanceOf(KafkaRefusedError);
  expect(refused.message).toBe("Cannot join: Kafka answers GROUP_AUTHORIZATION_FAILED");
  expect(asKafkaError("join", new Error("read ECONNRESET"))).toMatchObject({
    fault: "infrastructure",
    message: "Cannot join: read ECONNRESET",
  });
});
