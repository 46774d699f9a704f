import { describe, expect, test } from "bun:test";
import {
  formatHostPort,
  maskCredentials,
  parseHostPort,
  parseHostPorts,
  parseMasterAddress,
} from "../../../src/config/addresses.ts";

describe("a host and port", () => {
  test("may be a name, an IPv4 or a bracketed IPv6 address, and is written as it was", () => {
    for (const text of ["kafka-1.example:9092", "10.0.0.1:1", "[::1]:65535"]) {
      const parsed = parseHostPort(text);
      expect(parsed).toBeDefined();
      expect(formatHostPort(parsed!)).toBe(text);
    }
  });

  test.each(["kafka", "kafka:", ":9092", "kafka:99999", "kafka:0", "::1:80", "http://kafka:9092", "a b:1", ""])(
    "%p is none",
    (text) => expect(parseHostPort(text)).toBeUndefined(),
  );

  test("port 0 is one only where any free port will do", () => {
    expect(parseHostPort("127.0.0.1:0", { anyPort: true })).toEqual({ host: "127.0.0.1", port: 0 });
  });

  test("a list is right as a whole or not at all", () => {
    expect(parseHostPorts("a:1, b:2")).toHaveLength(2);
    expect(parseHostPorts("a:1,,b:2")).toBeUndefined();
  });
});

describe("a master's address", () => {
  test("is a list of hosts", () => {
    expect(parseMasterAddress("m1:5050,m2:5050")).toEqual({
      type: "hosts",
      hosts: [
        { host: "m1", port: 5050 },
        { host: "m2", port: 5050 },
      ],
    });
  });

  test("or ZooKeeper's, with or without credentials; a password may hold @ and :", () => {
    const servers = [
      { host: "z1", port: 2181 },
      { host: "z2", port: 2181 },
    ];
    expect(parseMasterAddress("zk://z1:2181,z2:2181/mesos/")).toEqual({
      type: "zookeeper",
      servers,
      path: "/mesos",
      credentials: null,
    });
    expect(parseMasterAddress("zk://user:p@ss:w@z1:2181,z2:2181/a/b")).toEqual({
      type: "zookeeper",
      servers,
      path: "/a/b",
      credentials: "user:p@ss:w",
    });
  });

  test.each([
    "zk://z1:2181",
    "zk://z1:2181/",
    "zk://z1/mesos",
    "zk:///mesos",
    "zk://z1:2181/a//b",
    "zk://z1:2181/a/../b",
    "http://m:5050",
    "m",
  ])("%p is none", (text) => expect(parseMasterAddress(text)).toBeUndefined());
});

test.each([
  ["zk://user:secret@z1:2181/mesos", "zk://user:***@z1:2181/mesos"],
  ["zk://user:se@cr:et@z1:2181/mesos", "zk://user:***@z1:2181/mesos"],
  ["zk://user:se/cret@z1:2181/mesos", "zk://user:***@z1:2181/mesos"],
  ["user:secret@m:5050", "user:***@m:5050"],
  ["m1:5050,m2:5050", "m1:5050,m2:5050"],
])("%s is shown as %s", (address, shown) => {
  expect(maskCredentials(address)).toBe(shown);
});
