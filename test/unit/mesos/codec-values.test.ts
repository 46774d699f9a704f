import { describe, expect, test } from "bun:test";
import {
  type ContentType,
  decodeExecutorCall,
  decodeExecutorEvent,
  decodeMasterInfo,
  decodeSchedulerCall,
  decodeSchedulerEvent,
  EncodeError,
  encodeExecutorCall,
  encodeExecutorEvent,
  encodeMasterInfo,
  encodeSchedulerCall,
  encodeSchedulerEvent,
} from "../../../src/mesos/codec.ts";
import type { SchedulerCall, SchedulerEvent } from "../../../src/mesos/scheduler-api.ts";
import type {
  AgentId,
  ContainerId,
  ExecutorId,
  FrameworkId,
  FrameworkInfo,
  OfferId,
  Resource,
  TaskId,
  TaskInfo,
} from "../../../src/mesos/types.ts";

const PROTOBUF = "application/x-protobuf";
const JSON_TYPE = "application/json";
const encodings: readonly ContentType[] = [PROTOBUF, JSON_TYPE];

const frameworkId = "master-0001" as FrameworkId;
const agentId = "agent" as AgentId;
const taskId = "täsk" as TaskId;
const uuid = Uint8Array.from({ length: 16 }, (_, i) => 255 - i);
const cpus: Resource = { name: "cpus", type: "SCALAR", scalar: { value: 0.1 }, allocationInfo: { role: "*" } };

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const utf8 = (value: string): Uint8Array => new TextEncoder().encode(value);

function roundTrip(call: SchedulerCall, type: ContentType): SchedulerCall {
  return decodeSchedulerCall(encodeSchedulerCall(call, frameworkId, type), type).call;
}

describe.each(encodings)("in %s", (type) => {
  const task: TaskInfo = {
    name: "n",
    taskId,
    agentId,
    resources: [cpus, { name: "ports", type: "RANGES", ranges: { range: [{ begin: 31000, end: 4_294_967_296_000 }] } }],
    command: { shell: false, value: "/bin/cat", arguments: ["cat", ""], environment: { variables: [] } },
    data: Uint8Array.of(0, 1, 254, 255),
    killPolicy: { gracePeriod: { nanoseconds: 3_000_000_000 } },
    labels: { labels: [{ key: "k" }, { key: "k", value: "" }] },
  };

  test("what differs from a default only by being set survives", () => {
    const accept: SchedulerCall = {
      type: "ACCEPT",
      offerIds: ["o" as OfferId],
      operations: [{ type: "LAUNCH", taskInfos: [task] }],
      filters: { refuseSeconds: 0 },
    };
    expect(roundTrip(accept, type)).toEqual(accept);
  });

  test("a container within another one keeps its parents", () => {
    const event = (containerId: string): SchedulerEvent => {
      return {
        type: "UPDATE",
        status: { taskId, state: "TASK_RUNNING", containerStatus: { containerId: containerId as ContainerId } },
      };
    };
    for (const id of ["alone", "outer.inner", "outer.middle.inner"]) {
      expect(decodeSchedulerEvent(encodeSchedulerEvent(event(id), type), type)).toEqual(event(id));
    }
    expect(text(encodeSchedulerEvent(event("outer.inner"), JSON_TYPE))).toContain(
      '"container_id":{"value":"inner","parent":{"value":"outer"}}',
    );
  });

  test("a call keeps its framework id", () => {
    const bytes = encodeSchedulerCall({ type: "TEARDOWN" }, frameworkId, type);
    expect(decodeSchedulerCall(bytes, type)).toEqual({ frameworkId, call: { type: "TEARDOWN" } });
  });

  test("SUBSCRIBE of a known framework has its id in both places", () => {
    const frameworkInfo: FrameworkInfo = {
      user: "root",
      name: "b",
      roles: ["*"],
      capabilities: [{ type: "MULTI_ROLE" }],
    };
    const again = { ...frameworkInfo, id: frameworkId };
    for (const bytes of [
      encodeSchedulerCall({ type: "SUBSCRIBE", frameworkInfo }, frameworkId, type),
      encodeSchedulerCall({ type: "SUBSCRIBE", frameworkInfo: again }, undefined, type),
    ]) {
      expect(decodeSchedulerCall(bytes, type)).toEqual({
        frameworkId,
        call: { type: "SUBSCRIBE", frameworkInfo: again },
      });
    }
    const first = decodeSchedulerCall(encodeSchedulerCall({ type: "SUBSCRIBE", frameworkInfo }, undefined, type), type);
    expect(first).toEqual({ frameworkId: undefined, call: { type: "SUBSCRIBE", frameworkInfo } });
  });

  test("REVIVE and SUPPRESS without roles mean all roles", () => {
    expect(roundTrip({ type: "REVIVE" }, type)).toEqual({ type: "REVIVE" });
    expect(roundTrip({ type: "SUPPRESS", roles: ["a"] }, type)).toEqual({ type: "SUPPRESS", roles: ["a"] });
  });

  test("lists that make up a message are there when empty", () => {
    expect(roundTrip({ type: "RECONCILE", tasks: [] }, type)).toEqual({ type: "RECONCILE", tasks: [] });
    const event: SchedulerEvent = { type: "OFFERS", offers: [] };
    expect(decodeSchedulerEvent(encodeSchedulerEvent(event, type), type)).toEqual(event);
  });

  test("long strings and bytes keep their length in front", () => {
    for (const length of [127, 128, 16_383, 16_384, 2_097_152]) {
      const data = new Uint8Array(length).fill(7);
      const call: SchedulerCall = { type: "MESSAGE", agentId, executorId: "é".repeat(length) as ExecutorId, data };
      expect(roundTrip(call, type)).toEqual(call);
    }
  });

  test("numbers may be negative, fractions and beyond 32 bits", () => {
    const failure: SchedulerEvent = { type: "FAILURE", agentId, executorId: undefined, status: -1 };
    expect(decodeSchedulerEvent(encodeSchedulerEvent(failure, type), type)).toEqual(failure);
    const update: SchedulerEvent = {
      type: "UPDATE",
      status: {
        taskId,
        state: "TASK_UNREACHABLE",
        timestamp: 1_795_247_477.0625,
        unreachableTime: { nanoseconds: 1_795_247_477_000_000_000 },
      },
    };
    expect(decodeSchedulerEvent(encodeSchedulerEvent(update, type), type)).toEqual(update);
  });

  test("decoded bytes do not change with the buffer that they came from", () => {
    const bytes = encodeExecutorEvent({ type: "ACKNOWLEDGED", taskId, uuid }, type);
    const event = decodeExecutorEvent(bytes, type);
    bytes.fill(0);
    expect(event).toEqual({ type: "ACKNOWLEDGED", taskId, uuid });
  });

  test("an event of an unknown type is UNKNOWN and cannot be written", () => {
    expect(decodeSchedulerEvent(type === JSON_TYPE ? utf8("{}") : new Uint8Array(0), type)).toEqual({
      type: "UNKNOWN",
      value: 0,
    });
    expect(() => encodeSchedulerEvent({ type: "UNKNOWN", value: 0 }, type)).toThrow(EncodeError);
    expect(() => encodeExecutorEvent({ type: "UNKNOWN", value: 99 }, type)).toThrow(EncodeError);
  });

  test("a missing required field is not written", () => {
    const status = { taskId } as unknown as Extract<SchedulerEvent, { type: "UPDATE" }>["status"];
    expect(() => encodeSchedulerEvent({ type: "UPDATE", status }, type)).toThrow(
      "Cannot write mesos.v1.TaskStatus: state is missing, must be set",
    );
  });

  test("MasterInfo survives", () => {
    const info = { id: "m", ip: 16_777_343, port: 5050, address: { hostname: "h", ip: "127.0.0.1", port: 5050 } };
    expect(decodeMasterInfo(encodeMasterInfo(info, type), type)).toEqual(info);
  });
});

describe("in protobuf", () => {
  test("unknown fields of every wire type are skipped", () => {
    const heartbeat = encodeSchedulerEvent({ type: "HEARTBEAT" }, PROTOBUF);
    // Field 100: varint, 64 bits, bytes, a group that holds a varint, 32 bits.
    const unknown = "a00601 a1060102030405060708 a2060201ff a306 a00601 a406 a50601020304".replaceAll(" ", "");
    const bytes = Buffer.concat([Buffer.from(unknown, "hex"), heartbeat]);
    expect(decodeSchedulerEvent(bytes, PROTOBUF)).toEqual({ type: "HEARTBEAT" });
  });

  test("types that a newer master may send come as their number", () => {
    expect(decodeSchedulerEvent(Uint8Array.of(8, 77), PROTOBUF)).toEqual({ type: "UNKNOWN", value: 77 });
  });

  test("an unknown reason is no reason", () => {
    const status = { taskId, state: "TASK_LOST", reason: "REASON_RECONCILIATION" } as const;
    const bytes = encodeSchedulerEvent({ type: "UPDATE", status }, PROTOBUF);
    const at = bytes.lastIndexOf(9);
    bytes[at] = 120;
    expect(decodeSchedulerEvent(bytes, PROTOBUF)).toEqual({ type: "UPDATE", status: { taskId, state: "TASK_LOST" } });
  });
});

describe("in JSON", () => {
  test("the members, their order and their form are those of Mesos", () => {
    const offer = { id: "o" as OfferId, frameworkId, agentId, hostname: "h", resources: [cpus] };
    expect(text(encodeSchedulerEvent({ type: "OFFERS", offers: [offer] }, JSON_TYPE))).toBe(
      '{"type":"OFFERS","offers":{"offers":[{"id":{"value":"o"},"framework_id":{"value":"master-0001"},' +
        '"agent_id":{"value":"agent"},"hostname":"h","resources":[{"name":"cpus","type":"SCALAR",' +
        '"scalar":{"value":0.1},"allocation_info":{"role":"*"}}]}]}}',
    );
  });

  test("a server writes defaults, but not those of deprecated fields; a client writes what is set", () => {
    const frameworkInfo: FrameworkInfo = { user: "u", name: "n" };
    const event = encodeExecutorEvent(
      {
        type: "SUBSCRIBED",
        executorInfo: { executorId: "e" as ExecutorId, command: { uris: [{ value: "u" }] } },
        frameworkInfo,
        agentInfo: { hostname: "h" },
        containerId: undefined,
      },
      JSON_TYPE,
    );
    expect(JSON.parse(text(event))).toEqual({
      type: "SUBSCRIBED",
      subscribed: {
        executor_info: { executor_id: { value: "e" }, command: { uris: [{ value: "u", extract: true }], shell: true } },
        framework_info: { user: "u", name: "n", failover_timeout: 0, checkpoint: false },
        agent_info: { hostname: "h", port: 5051 },
      },
    });
    expect(text(encodeSchedulerCall({ type: "SUBSCRIBE", frameworkInfo }, undefined, JSON_TYPE))).toBe(
      '{"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"u","name":"n"}}}',
    );
  });

  test("doubles have a point, and infinite ones the form that their reader takes", () => {
    const info = (failoverTimeout: number): FrameworkInfo => ({ user: "u", name: "n", failoverTimeout });
    const call = (seconds: number): string =>
      text(encodeSchedulerCall({ type: "SUBSCRIBE", frameworkInfo: info(seconds) }, undefined, JSON_TYPE));
    expect(call(15)).toContain('"failover_timeout":15.0');
    expect(call(Number.POSITIVE_INFINITY)).toContain('"failover_timeout":"Infinity"');
    const status = {
      taskId,
      state: "TASK_RUNNING",
      timestamp: Number.NEGATIVE_INFINITY,
      message: "Infinity, NaN",
    } as const;
    const event = encodeSchedulerEvent({ type: "UPDATE", status }, JSON_TYPE);
    expect(text(event)).toContain('"timestamp":-Infinity');
    expect(decodeSchedulerEvent(event, JSON_TYPE)).toEqual({ type: "UPDATE", status });
  });

  test("what Mesos tolerates is tolerated", () => {
    const json = `{"type":"SUBSCRIBE","camelCase":1,"accept":null,"subscribe":{"framework_info":{"user":"u","name":"n",
      "failover_timeout":"60","checkpoint":"true","roles":"a","capabilities":[{"type":"NEWER"}]}}}`;
    expect(decodeSchedulerCall(utf8(json), JSON_TYPE).call).toEqual({
      type: "SUBSCRIBE",
      frameworkInfo: { user: "u", name: "n", failoverTimeout: 60, checkpoint: true, roles: ["a"], capabilities: [{}] },
    });
  });

  test("base64 is written with padding, and read without it and with white space", () => {
    const ids = { executorId: "e" as ExecutorId, frameworkId: "f" as FrameworkId };
    const call = { ...ids, call: { type: "MESSAGE", data: Uint8Array.of(0, 255) } } as const;
    const written = text(encodeExecutorCall(call, JSON_TYPE));
    expect(written).toContain('"data":"AP8="');
    expect(decodeExecutorCall(utf8(written.replace("AP8=", "AP\\n8")), JSON_TYPE)).toEqual(call);
  });

  test("unknown event types come as their name", () => {
    expect(decodeSchedulerEvent(utf8('{"type":"NEWER"}'), JSON_TYPE)).toEqual({ type: "UNKNOWN", value: "NEWER" });
  });
});
