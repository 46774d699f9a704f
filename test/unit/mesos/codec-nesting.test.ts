import { describe, expect, test } from "bun:test";
import { utf8 } from "../../../src/base/bytes.ts";
import {
  CodecError,
  type ContentType,
  decodeMessage,
  decodeSchedulerCall,
  encodeMessage,
} from "../../../src/mesos/codec.ts";

const JSON_TYPE = "application/json";
const PROTOBUF = "application/x-protobuf";
const TASK = "mesos.v1.TaskInfo";

function task(limits: object): object {
  const json = { name: "n", task_id: { value: "t" }, agent_id: { value: "a" }, limits };
  return decodeMessage(TASK, utf8(JSON.stringify(json)), JSON_TYPE);
}

describe.each<ContentType>([JSON_TYPE, PROTOBUF])("a map in %s", (type) => {
  const roundTrip = (value: object): object => decodeMessage(TASK, encodeMessage(TASK, value, type, "client"), type);

  test("has its entries by their names", () => {
    const value = task({ cpus: { value: 0.5 }, mem: { value: "Infinity" } });
    expect(value).toMatchObject({ limits: { cpus: { value: 0.5 }, mem: { value: Number.POSITIVE_INFINITY } } });
    expect(roundTrip(value)).toEqual(value);
  });

  test("may have a name that is special in JavaScript", () => {
    const value = task(JSON.parse('{"__proto__":{"value":1},"constructor":{"value":2}}') as object);
    const { limits } = roundTrip(value) as { readonly limits: object };
    expect(Object.keys(limits)).toEqual(["__proto__", "constructor"]);
    expect(Object.getPrototypeOf(limits)).toBe(Object.prototype);
  });
});

describe("messages inside messages", () => {
  function refusal(bytes: Uint8Array, type: ContentType): unknown {
    try {
      decodeSchedulerCall(bytes, type);
    } catch (error) {
      return error instanceof CodecError ? error.problem : error;
    }
    return "read";
  }

  test("are read to some depth, and not without end", () => {
    // A container's id may have a parent, which has one, and so on.
    const containers = (depth: number): object =>
      depth === 0 ? { value: "c" } : { value: "c", parent: containers(depth - 1) };
    const json = (depth: number): Uint8Array => utf8(JSON.stringify(containers(depth)));
    expect(() => decodeMessage("mesos.v1.ContainerID", json(50), JSON_TYPE)).not.toThrow();
    expect(() => decodeMessage("mesos.v1.ContainerID", json(300), JSON_TYPE)).toThrow(CodecError);

    let protobuf = Uint8Array.of(10, 1, 99);
    for (let depth = 0; depth < 300; depth++) {
      const length = protobuf.byteLength;
      const size = length < 128 ? [length] : [(length & 127) | 128, length >> 7];
      protobuf = Uint8Array.of(10, 1, 99, 18, ...size, ...protobuf);
    }
    expect(() => decodeMessage("mesos.v1.ContainerID", protobuf, PROTOBUF)).toThrow(CodecError);
  });

  test("by the million are refused before they take memory", () => {
    for (const text of ["[".repeat(1e6), '{"a":'.repeat(1e6), `{"type":"KILL","kill":${"[".repeat(1e6)}`]) {
      expect(refusal(utf8(text), JSON_TYPE)).toBe("malformed");
    }
  });

  test("brackets within texts do not count", () => {
    const value = `\\"${"[{".repeat(100_000)}`;
    const call = `{"type":"REVIVE","framework_id":{"value":"${value}"}}`;
    expect(refusal(utf8(call), JSON_TYPE)).toBe("read");
  });
});

test.each(["Infinity", "NaN", "1e400", "18446744073709551616", "-1e30"])("%s is no whole number", (text) => {
  const json = `{"name":"n","task_id":{"value":"t"},"agent_id":{"value":"a"},"kill_policy":{"grace_period":{"nanoseconds":"${text}"}}}`;
  expect(() => decodeMessage(TASK, utf8(json), JSON_TYPE)).toThrow(`Failed to parse '${text}' as a JSON number`);
});
