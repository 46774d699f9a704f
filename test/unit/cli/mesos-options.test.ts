import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readCredentials } from "../../../src/cli/mesos-credentials.ts";
import { parseMesosAgentOptions, parseMesosMasterOptions } from "../../../src/cli/mesos-options.ts";
import { parseAttributes, parseResources } from "../../../src/cli/mesos-resources.ts";
import { rejection } from "../../support/rejection.ts";

const io = { cwd: "/home/ada" };
const agent = ["--master", "m1:5050", "--data", "d"];

describe("brigade mesos master", () => {
  test("without options: loopback, alone, in memory, with Mesos' own times", () => {
    expect(parseMesosMasterOptions([], io)).toEqual({
      listen: { host: "127.0.0.1", port: 5050 },
      advertise: undefined,
      hostname: undefined,
      data: null,
      zooKeeper: undefined,
      zooKeeperTimeoutMs: 10_000,
      credentials: undefined,
      authenticateReadonly: false,
      agentPingTimeoutMs: 15_000,
      maxAgentPingTimeouts: 5,
      agentReregisterTimeoutMs: 600_000,
      allocationIntervalMs: 1000,
      offerTimeoutMs: undefined,
    });
  });

  test("with ZooKeeper, on every address, for those who authenticate", () => {
    const where = ["--listen", "0.0.0.0:5050", "--advertise", "10.0.0.1:15050", "--hostname", "m1.example"];
    const zk = ["--zk", "zk://u:p@z1:2181,z2:2181/mesos", "--zk-timeout", "4s"];
    const who = ["--credentials", "c.json", "--authenticate-readonly", "--offer-timeout", "1m"];
    expect(parseMesosMasterOptions([...where, ...zk, ...who], io)).toMatchObject({
      listen: { host: "0.0.0.0", port: 5050 },
      advertise: { host: "10.0.0.1", port: 15_050 },
      hostname: "m1.example",
      zooKeeper: { path: "/mesos", credentials: "u:p" },
      zooKeeperTimeoutMs: 4000,
      credentials: "/home/ada/c.json",
      authenticateReadonly: true,
      offerTimeoutMs: 60_000,
    });
  });

  test.each([
    [["--listen=0.0.0.0:5050"], "--listen is 0.0.0.0:5050, which others cannot be told: --advertise must say"],
    [["--listen=localhost:5050"], "--listen is localhost:5050, must begin with an IPv4 address"],
    [["--advertise=m1:5050"], "--advertise is m1:5050, must begin with an IPv4 address"],
    [["--zk=zk://u:hunter2@z1:2181"], "--zk is zk://u:***@z1:2181, must be zk://user:password@host:port"],
    [["--zk=zk://z1:2181/a", "--data=d"], "--zk and --data are given"],
    [["--authenticate-readonly"], "--authenticate-readonly is given without --credentials"],
    [["--zk-timeout=10"], "--zk-timeout is 10, must be a duration such as 15s"],
    [["--max-agent-ping-timeouts=0"], "--max-agent-ping-timeouts is 0, must be a whole number"],
    [["--quorum=1"], "Unknown option '--quorum'"],
  ])("%p is refused", (args, message) => {
    expect(() => parseMesosMasterOptions(args, io)).toThrow(message);
  });
});

describe("brigade mesos agent", () => {
  test("needs a master and a folder", () => {
    expect(parseMesosAgentOptions(agent, io)).toMatchObject({
      master: { type: "hosts", hosts: [{ host: "m1", port: 5050 }] },
      listen: { host: "127.0.0.1", port: 0 },
      data: "/home/ada/d",
      resources: [{ name: "cpus" }, { name: "mem" }],
      attributes: [],
      executorShutdownGraceMs: 5000,
    });
  });

  test.each([
    [["--data=d"], "--master is missing"],
    [["--master=m:1"], "--data is missing"],
    [[...agent, "--master=zk://u:hunter2@z1/m"], "--master is zk://u:***@z1/m, must be host:port"],
    [[...agent, "--principal=p"], "--principal and --secret-file go together"],
    [[...agent, "--executor-registration-timeout=0s"], "--executor-registration-timeout is 0s, must be a duration"],
    [[...agent, "--resources=cpus"], '--resources has "cpus": must be name:value'],
  ])("%p is refused", (args, message) => {
    expect(() => parseMesosAgentOptions(args, io)).toThrow(message);
  });
});

describe("resources and attributes in Mesos' words", () => {
  test("are numbers, ranges and text", () => {
    expect(parseResources("cpus:0.5; mem: 512 ;ports:[31000-31005, 32000-32000];")).toEqual([
      { name: "cpus", type: "SCALAR", scalar: { value: 0.5 } },
      { name: "mem", type: "SCALAR", scalar: { value: 512 } },
      {
        name: "ports",
        type: "RANGES",
        ranges: {
          range: [
            { begin: 31_000, end: 31_005 },
            { begin: 32_000, end: 32_000 },
          ],
        },
      },
    ]);
    expect(parseAttributes("rack:r1;cores:8;zone:a:b")).toEqual([
      { name: "rack", type: "TEXT", text: { value: "r1" } },
      { name: "cores", type: "SCALAR", scalar: { value: 8 } },
      { name: "zone", type: "TEXT", text: { value: "a:b" } },
    ]);
    expect([parseResources(""), parseAttributes(" ; ")]).toEqual([[], []]);
  });

  test.each([
    ["cpus:lots", "must be a number or ranges"],
    ["cpus(ads):4", "reserved resources are not known here"],
    ["cpus:1;cpus:2", "each may be there once"],
    ["ports:[5-1]", "Range 5-1 is none"],
    ["ports:[a]", "Range a is none"],
    [":4", "must be name:value"],
    ["cpus:-1", "must be a number or ranges"],
  ])("%p are refused", (text, message) => {
    expect(() => parseResources(text)).toThrow(message);
  });
});

describe("a file of credentials", () => {
  const folder = mkdtempSync(join(tmpdir(), "brigade-credentials-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = (text: string): string => {
    const path = join(folder, "credentials.json");
    writeFileSync(path, text);
    return path;
  };

  test("is in the form of Mesos' own", async () => {
    const path = file('{"credentials":[{"principal":"a","secret":"s1"},{"principal":"b","secret":"s2"}]}');
    expect([...(await readCredentials(path))]).toEqual([
      ["a", "s1"],
      ["b", "s2"],
    ]);
  });

  test.each([
    ['{"credentials":[{"principal":"a","secret":hunter2}]}', "must be a readable file in JSON"],
    ['{"credentials":[{"principal":"a","secret":["hunter2"]}]}', "credentials.0.secret is not as in"],
    ['["hunter2"]', "is not as in"],
    ['{"credentials":[{"principal":"a","secret":"hunter2"},{"principal":"a","secret":"x"}]}', "is there twice"],
    ['{"credentials":[{"principal":"a","secret":"hunter2:x"}]}', 'those of "a" have a colon'],
  ])("%s is refused, and nothing of it shown", async (text, message) => {
    const refused = await rejection(readCredentials(file(text)));
    expect(String(refused)).toContain(message);
    expect(`${String(refused)} ${String((refused as Error).cause)}`).not.toContain("hunter2");
  });

  test("that is not there is refused", async () => {
    expect(String(await rejection(readCredentials(join(folder, "none"))))).toContain("must be a readable file");
  });
});
