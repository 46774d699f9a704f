import { describe, expect, test } from "bun:test";
import { utf8 } from "../../../src/base/bytes.ts";
import { encodeMasterInfo } from "../../../src/mesos/codec.ts";
import { addressOf, leaderNode, readMasterNode } from "../../../src/mesos/leader-node.ts";
import type { MasterInfo } from "../../../src/mesos/types.ts";

describe("the node of the leading master", () => {
  test.each([
    [[], undefined],
    [["log_replicas"], undefined],
    [["json.info_0000000005", "log_replicas", "json.info_0000000004"], "json.info_0000000004"],
    [["json.info_0000000010", "json.info_0000000009"], "json.info_0000000009"],
    [["json.info_2147483647", "info_0000000012"], "info_0000000012"],
    [["json.info_", "json.info_x", "json.info_1x", "xjson.info_0000000001", "0000000001"], undefined],
  ])("of %j is %p", (names, leader) => {
    expect(leaderNode(names)).toBe(leader as string);
  });

  /** As a real master of 1.12 wrote it (test/recordings/20-leader.ndjson). */
  const written =
    '{"address":{"hostname":"127.0.0.1","ip":"127.0.0.1","port":7301},"capabilities":[{"type":"AGENT_UPDATE"},' +
    '{"type":"AGENT_DRAINING"},{"type":"QUOTA_V2"}],"hostname":"127.0.0.1","id":"bc1b36ed-9ddf-4fe1-a396-3e11a9e7d5d3",' +
    '"ip":16777343,"pid":"master@127.0.0.1:7301","port":7301,"version":"1.12.0"}';

  test("holds MasterInfo in JSON", () => {
    const master = readMasterNode("json.info_0000000004", utf8(written));
    expect(master).toMatchObject({ id: "bc1b36ed-9ddf-4fe1-a396-3e11a9e7d5d3", port: 7301, version: "1.12.0" });
    expect(addressOf(master)).toEqual({ host: "127.0.0.1", port: 7301 });
  });

  test("or, of an old master, in protobuf", () => {
    const info = { id: "m", ip: 16_777_343, port: 5050 };
    expect(readMasterNode("info_0000000004", encodeMasterInfo(info, "application/x-protobuf"))).toEqual(info);
  });

  test.each([
    ["nothing", "json.info_0000000001", ""],
    ["half of it", "json.info_0000000001", written.slice(0, 100)],
    ["no MasterInfo", "json.info_0000000001", '{"port":"x"}'],
    ["no port", "json.info_0000000001", '{"id":"m","ip":0}'],
    ["a port that is none", "json.info_0000000001", '{"id":"m","ip":0,"port":70000}'],
    ["JSON in place of protobuf", "info_0000000001", written],
    ["another kind of node", "log_replicas", written],
  ])("that holds %s is refused", (_what, name, data) => {
    expect(() => readMasterNode(name, utf8(data))).toThrow();
  });
});

describe("a master's address", () => {
  const base: MasterInfo = { id: "m", ip: 167_772_170, port: 5050 };

  test.each([
    ["its address", { address: { ip: "10.0.0.9", hostname: "m1", port: 6060 }, hostname: "m2" }, "10.0.0.9", 6060],
    ["a name, without a number", { address: { hostname: "m1", port: 6060 } }, "m1", 6060],
    ["the name alone", { hostname: "m2" }, "m2", 5050],
    ["the number of old, lowest octet first", {}, "10.0.0.10", 5050],
  ])("is %s", (_what, fields, host, port) => {
    expect(addressOf({ ...base, ...fields })).toEqual({ host, port });
  });
});
