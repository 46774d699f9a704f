import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseKafkaOptions } from "../../../src/cli/kafka-options.ts";
import { readUsers } from "../../../src/cli/kafka-users.ts";
import { rejection } from "../../support/rejection.ts";

const io = { cwd: "/home/ada" };

test("without options: loopback, in memory, topics are made", () => {
  expect(parseKafkaOptions([], io)).toEqual({
    listen: { host: "127.0.0.1", port: 9092 },
    advertise: undefined,
    data: null,
    sync: false,
    users: undefined,
    config: { autoCreateTopics: true, defaultPartitions: 1 },
  });
});

test("with all of them", () => {
  const args = ["--listen", "[::]:0", "--advertise", "kafka1:19092", "--data", "d", "--sync", "--no-topics-create"];
  const settings = [
    "message.max.bytes=10MB",
    "group.max.size=5",
    "log.retention.bytes=-1",
    "log.retention.ms=3000000000",
  ];
  const more = ["--partitions", "3", "--users", "users.json", ...settings.flatMap((setting) => ["--set", setting])];
  expect(parseKafkaOptions([...args, ...more], io)).toEqual({
    listen: { host: "::", port: 0 },
    advertise: { host: "kafka1", port: 19_092 },
    data: "/home/ada/d",
    sync: true,
    users: "/home/ada/users.json",
    config: {
      autoCreateTopics: false,
      defaultPartitions: 3,
      messageMaxBytes: 10_000_000,
      groupMaxSize: 5,
      logRetentionBytes: -1,
      logRetentionMs: 3_000_000_000,
    },
  });
});

test.each([
  [["--listen=9092"], "--listen is 9092, must be host:port (port 0 takes a free one)"],
  [["--listen=h:70000"], "--listen is h:70000, must be host:port"],
  [["--advertise=kafka1:0"], "--advertise is kafka1:0, must be host:port"],
  [["--partitions=0"], "--partitions is 0, must be a whole number from 1 to 10000"],
  [["--sync"], "--sync is given without --data: what is in memory survives nothing"],
  [
    ["--set=message.max.byte=1"],
    '--set message.max.byte=1 names no setting of this broker (did you mean "message.max.bytes"?)',
  ],
  [["--set=message.max.bytes"], '--set message.max.bytes is "", must be a number'],
  [["--set=message.max.bytes=-1"], '--set message.max.bytes is "-1", must be a number'],
  [["--prot=1"], "Unknown option '--prot'"],
  [["topic"], "Unexpected argument 'topic'"],
])("%p is refused", (args, message) => {
  expect(() => parseKafkaOptions(args, io)).toThrow(message);
});

describe("users", () => {
  const folder = mkdtempSync(join(tmpdir(), "brigade-users-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = (text: string): string => {
    const path = join(folder, "users.json");
    writeFileSync(path, text);
    return path;
  };

  test("come from a file", async () => {
    const path = file('{"users":[{"username":"ada","password":"secret"},{"username":"bob","password":"other"}]}');
    expect([...(await readUsers(path))]).toEqual([
      ["ada", "secret"],
      ["bob", "other"],
    ]);
  });

  test.each([
    ["nonsense secret", "must be a readable file in JSON"],
    ['{"users":[{"username":"ada","password":""}]}', "users.0.password is not as in"],
    ['{"users":[]}', "users is not as in"],
    ['{"users":[{"username":"ada","password":"secret"},{"username":"ada","password":"secret"}]}', "twice"],
  ])("%p is refused, and not shown", async (text, reason) => {
    const refused = String(await rejection(readUsers(file(text))));
    expect(refused).toContain(reason);
    expect(refused).not.toContain("secret");
  });

  test("in a file that is missing are an error with its name", async () => {
    expect(String(await rejection(readUsers(join(folder, "none"))))).toContain(join(folder, "none"));
  });
});
