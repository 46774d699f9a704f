import { expect, test } from "bun:test";
import { parseKafkaOptions } from "../../../src/cli/kafka-options.ts";

const io = { cwd: "/home/ada" };

test("without options: loopback, in memory, topics are made", () => {
  expect(parseKafkaOptions([], io)).toEqual({
    listen: { host: "127.0.0.1", port: 9092 },
    advertise: undefined,
    data: null,
    sync: false,
    config: { autoCreateTopics: true, defaultPartitions: 1 },
  });
});

test("with all of them", () => {
  const args = ["--listen", "[::]:0", "--advertise", "kafka1:19092", "--data", "d", "--sync", "--no-topics-create"];
  const more = ["--partitions", "3", "--set", "message.max.bytes=10MB", "--set", "group.max.size=5"];
  expect(parseKafkaOptions([...args, ...more], io)).toEqual({
    listen: { host: "::", port: 0 },
    advertise: { host: "kafka1", port: 19_092 },
    data: "/home/ada/d",
    sync: true,
    config: { autoCreateTopics: false, defaultPartitions: 3, messageMaxBytes: 10_000_000, groupMaxSize: 5 },
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
