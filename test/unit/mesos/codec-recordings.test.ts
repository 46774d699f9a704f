import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Root } from "protobufjs";
import {
  type AddressedSchedulerCall,
  CodecError,
  type ContentType,
  decodeExecutorCall,
  decodeExecutorEvent,
  decodeSchedulerCall,
  decodeSchedulerEvent,
  encodeExecutorCall,
  encodeExecutorEvent,
  encodeSchedulerCall,
  encodeSchedulerEvent,
} from "../../../src/mesos/codec.ts";
import type { AgentInfo } from "../../../src/mesos/types.ts";
import {
  type MessageKind,
  messageBytes,
  messageKind,
  type RecordedLine,
  readRecording,
  recordingNames,
} from "../../support/mesos-recordings.ts";

/*
 * Everything that a real master, agent, scheduler and executor said to each other goes through the codec.
 */

const decode = {
  "scheduler call": decodeSchedulerCall,
  "scheduler event": decodeSchedulerEvent,
  "executor call": decodeExecutorCall,
  "executor event": decodeExecutorEvent,
} satisfies Record<MessageKind, (bytes: Uint8Array, type: ContentType) => object>;

function decodeAndEncode(kind: MessageKind, bytes: Uint8Array, from: ContentType, to: ContentType): Uint8Array {
  switch (kind) {
    case "scheduler call": {
      const { call, frameworkId } = decodeSchedulerCall(bytes, from);
      return encodeSchedulerCall(call, frameworkId, to);
    }
    case "scheduler event":
      return encodeSchedulerEvent(decodeSchedulerEvent(bytes, from), to);
    case "executor call":
      return encodeExecutorCall(decodeExecutorCall(bytes, from), to);
    case "executor event":
      return encodeExecutorEvent(decodeExecutorEvent(bytes, from), to);
  }
}

/** Not so: messages that were made to be refused (scenarios 8, 10 and 23), and types that this library does not read. */
function isReadable(kind: MessageKind, bytes: Uint8Array, type: ContentType): boolean {
  try {
    const message: object = decode[kind](bytes, type);
    if (kind === "scheduler call") return !lacksOneId(decodeSchedulerCall(bytes, type));
    return !("type" in message && message.type === "UNKNOWN");
  } catch (error) {
    if (error instanceof CodecError) return false;
    throw error;
  }
}

/** Mesos wants the framework id of what tells a FrameworkInfo in two places; the encoder writes no other. */
function lacksOneId({ call, frameworkId }: AddressedSchedulerCall): boolean {
  return (call.type === "SUBSCRIBE" || call.type === "UPDATE_FRAMEWORK") && call.frameworkInfo.id !== frameworkId;
}

const typeNames: Record<MessageKind, string> = {
  "scheduler call": "mesos.v1.scheduler.Call",
  "scheduler event": "mesos.v1.scheduler.Event",
  "executor call": "mesos.v1.executor.Call",
  "executor event": "mesos.v1.executor.Event",
};

interface Recorded {
  readonly kind: MessageKind;
  readonly line: RecordedLine;
  readonly bytes: Uint8Array;
}

function recorded(name: string): { readonly type: ContentType; readonly messages: readonly Recorded[] } {
  const { contentType, lines } = readRecording(name);
  const messages = lines.flatMap((line) => {
    const kind = messageKind(line);
    const json = typeof line.body === "object" && line.body !== null;
    return kind !== undefined && (json || line.b64 !== undefined) ? [{ kind, line, bytes: messageBytes(line) }] : [];
  });
  return { type: contentType, messages };
}

describe("recorded protobuf", () => {
  const oracle = new Root();
  oracle.resolvePath = (_origin, target) => join(import.meta.dir, "../../../proto", target);
  oracle.loadSync(["mesos/v1/scheduler/scheduler.proto", "mesos/v1/executor/executor.proto"], { keepCase: true });

  test.each(recordingNames("-protobuf"))("%s: every message is written back as it came", (name) => {
    const { type, messages } = recorded(name);
    expect(messages.length).toBeGreaterThan(0);
    for (const { kind, bytes, line } of messages) {
      if (!isReadable(kind, bytes, type)) continue;
      // protobufjs, given the same proto/, drops what that leaves out; nothing else may be lost.
      const message = oracle.lookupType(typeNames[kind]);
      const known = message.encode(message.fromObject(message.toObject(message.decode(bytes)))).finish();
      const own = decodeAndEncode(kind, bytes, type, type);
      expect({ t: line.t, hex: Buffer.from(own).toString("hex") }).toEqual({
        t: line.t,
        hex: Buffer.from(known).toString("hex"),
      });
    }
  });

  test.each(recordingNames("-protobuf"))("%s: bytes and the recorder's JSON of them mean the same", (name) => {
    const { type, messages } = recorded(name);
    for (const { kind, bytes, line } of messages) {
      if (!isReadable(kind, bytes, type)) continue;
      const json = new TextEncoder().encode(JSON.stringify(line.decoded));
      expect<object>(withoutUnlisted(decode[kind](bytes, type))).toEqual(decode[kind](json, "application/json"));
    }
  });

  /** The recorder knew no `checkpoint` of agents. */
  function withoutUnlisted(message: object): object {
    if (!("agentInfo" in message)) return message;
    const { checkpoint: _checkpoint, ...agentInfo } = message.agentInfo as AgentInfo;
    return { ...message, agentInfo };
  }
});

describe("recorded JSON", () => {
  const jsonNames = recordingNames().filter((name) => !name.endsWith("-protobuf"));

  test.each(jsonNames)("%s: every message means the same after JSON and after protobuf", (name) => {
    const { type, messages } = recorded(name);
    for (const { kind, bytes } of messages) {
      if (!isReadable(kind, bytes, type)) continue;
      const before: object = decode[kind](bytes, type);
      for (const other of ["application/json", "application/x-protobuf"] as const) {
        expect<object>(decode[kind](decodeAndEncode(kind, bytes, type, other), other)).toEqual(before);
      }
    }
  });

  test.each(jsonNames)("%s: events are written as Mesos wrote them, as far as proto/ goes", (name) => {
    const { type, messages } = recorded(name);
    for (const { kind, bytes, line } of messages) {
      if (!kind.endsWith("event") || !isReadable(kind, bytes, type)) continue;
      const own: unknown = JSON.parse(new TextDecoder().decode(decodeAndEncode(kind, bytes, type, type)));
      // Every member that we write is one of theirs, with their value; what they have beyond it proto/ leaves out.
      expect(line.body as object).toMatchObject(own as object);
    }
  });
});

describe("what was refused", () => {
  const unreadable = ["10-errors-protobuf", "10-errors", "23-executor-errors-protobuf", "23-executor-errors"];

  test.each(unreadable)("%s: each unreadable call got a 400 from Mesos", (name) => {
    const { lines, contentType } = readRecording(name);
    let count = 0;
    for (const line of lines) {
      const kind = messageKind(line);
      if (kind === undefined || kind.endsWith("event")) continue;
      if (typeof line.body !== "object" && line.b64 === undefined) continue;
      try {
        decode[kind](messageBytes(line), contentType);
      } catch (error) {
        if (!(error instanceof CodecError)) throw error;
        if (error.problem === "unsupported") continue;
        count++;
        const answer = lines.find(
          (other) => other.conn === line.conn && other.kind === "response-head" && other.t >= line.t,
        );
        const body = lines.find(
          (other) => other.conn === line.conn && other.kind === "response-body" && other.t >= line.t,
        );
        // The master aborted at the last line of scenario 10, type UNKNOWN.
        if (answer === undefined) continue;
        expect(answer.status).toBe(400);
        if (error.problem !== "malformed") expect(body?.body as string).toEndWith(error.detail);
      }
    }
    expect(count).toBeGreaterThan(0);
  });
});
