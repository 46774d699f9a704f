import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import {
  CodecError,
  type CodecProblem,
  decodeExecutorCall,
  decodeExecutorEvent,
  decodeMasterInfo,
  decodeSchedulerCall,
  decodeSchedulerEvent,
  encodeSchedulerEvent,
} from "../../../src/mesos/codec.ts";
import type { OfferId } from "../../../src/mesos/types.ts";

const PROTOBUF = "application/x-protobuf";
const JSON_TYPE = "application/json";
const utf8 = (value: string): Uint8Array => new TextEncoder().encode(value);
const decoders = [decodeSchedulerCall, decodeSchedulerEvent, decodeExecutorCall, decodeExecutorEvent, decodeMasterInfo];

function problemOf(run: () => unknown): { readonly problem: CodecProblem; readonly detail: string } | undefined {
  try {
    run();
  } catch (error) {
    if (error instanceof CodecError) return { problem: error.problem, detail: error.detail };
    throw error;
  }
  return undefined;
}

describe("a CodecError", () => {
  test.each([
    ["", "malformed", "syntax error at line 1 near: "],
    ["[]", "mismatched", "Expecting a JSON object"],
    ["{}", "invalid", "Expecting 'type' to be present"],
    ['{"type":"NEWER"}', "invalid", "Expecting 'type' to be present"],
    ['{"type":"UNKNOWN","framework_id":{"value":"f"}}', "invalid", "Expecting 'type' to be present"],
    ['{"type":"SUBSCRIBE"}', "invalid", "Expecting 'subscribe' to be present"],
    ['{"type":"KILL"}', "invalid", "Expecting 'framework_id' to be present"],
    ['{"type":"KILL","framework_id":{"value":"f"}}', "invalid", "Expecting 'kill' to be present"],
    ['{"type":"REQUEST","framework_id":{"value":"f"}}', "invalid", "Expecting 'request' to be present"],
    ['{"type":1}', "mismatched", "Not expecting a JSON number for field 'type'"],
    ['{"type":["KILL"]}', "mismatched", "Not expecting a JSON array for field 'type'"],
    ['{"framework_id":"f"}', "mismatched", "Not expecting a JSON string for field 'framework_id'"],
    ['{"framework_id":{}}', "mismatched", "Missing required fields: framework_id.value"],
    [
      '{"decline":{"filters":{"refuse_seconds":"x"}}}',
      "mismatched",
      "Failed to parse 'x' as a JSON number for field 'refuse_seconds'",
    ],
    [
      '{"acknowledge":{"uuid":"a-b"}}',
      "mismatched",
      "Failed to base64 decode bytes field 'uuid': Invalid character '-'",
    ],
    [
      '{"acknowledge":{"uuid":"AA=="}}',
      "mismatched",
      "Missing required fields: acknowledge.agent_id, acknowledge.task_id",
    ],
    [
      '{"subscribe":{"framework_info":{"labels":{"labels":[{"key":"k"},{}]}}}}',
      "mismatched",
      "Missing required fields: subscribe.framework_info.user, subscribe.framework_info.name, " +
        "subscribe.framework_info.labels.labels[1].key",
    ],
  ] as const)("of %s speaks Mesos' words", (json, problem, detail) => {
    expect(problemOf(() => decodeSchedulerCall(utf8(json), JSON_TYPE))).toEqual({ problem, detail });
  });

  test("is thrown for text that is not UTF-8", () => {
    expect(problemOf(() => decodeSchedulerCall(Uint8Array.of(0x7b, 0xff, 0x7d), JSON_TYPE))?.problem).toBe("malformed");
  });

  test("is thrown for protobuf that lacks a required field", () => {
    expect(problemOf(() => decodeSchedulerEvent(Uint8Array.of(0x1a, 0x00, 0x22, 0x00), PROTOBUF))).toEqual({
      problem: "malformed",
      detail: "Missing required fields: mesos.v1.scheduler.Event.Rescind.offer_id",
    });
  });

  test("is thrown wherever protobuf is cut inside a message", () => {
    const bytes = encodeSchedulerEvent({ type: "RESCIND", offerId: "offer" as OfferId }, PROTOBUF);
    for (let length = 3; length < bytes.length; length++) {
      expect(problemOf(() => decodeSchedulerEvent(bytes.subarray(0, length), PROTOBUF))?.problem).toBe("malformed");
    }
  });

  test("is thrown for groups nested without end", () => {
    expect(problemOf(() => decodeSchedulerEvent(new Uint8Array(1_000_000).fill(0x7b), PROTOBUF))?.problem).toBe(
      "malformed",
    );
  });

  test("is the only thing that garbage throws", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(decoders.length - 1), (bytes, index) => {
        problemOf(() => decoders[index]?.(bytes, PROTOBUF));
        problemOf(() => decoders[index]?.(bytes, JSON_TYPE));
      }),
    );
    fc.assert(
      fc.property(fc.json(), fc.nat(decoders.length - 1), (json, index) => {
        problemOf(() => decoders[index]?.(utf8(json), JSON_TYPE));
      }),
    );
  });
});
