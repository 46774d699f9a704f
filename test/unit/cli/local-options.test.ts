import { expect, test } from "bun:test";
import { parseLocalOptions } from "../../../src/cli/local-options.ts";

const io = { cwd: "/home/ada" };

test("without options: the processors folder beside us, one agent, the usual ports", () => {
  expect(parseLocalOptions([], io)).toMatchObject({
    processors: "/home/ada/processors",
    processorsGiven: false,
    data: undefined,
    agents: { count: 1, memMb: 4096 },
    kafka: undefined,
    ports: { kafka: 9092, mesos: 5050, api: 7000 },
    scheduler: true,
  });
});

test("paths are taken from where the command was called", () => {
  const options = parseLocalOptions(["--processors", "p.json", "--data", "../data", "--no-scheduler"], io);
  expect(options).toMatchObject({
    processors: "/home/ada/p.json",
    processorsGiven: true,
    data: "/home/data",
    scheduler: false,
  });
});

test("a Kafka that runs already takes no port here, and without a scheduler there is no API", () => {
  const options = parseLocalOptions(["--kafka", "one:9092,[::1]:9093", "--no-scheduler", "--api-port", "7001"], io);
  expect(options).toMatchObject({
    kafka: [
      { host: "one", port: 9092 },
      { host: "::1", port: 9093 },
    ],
    ports: { kafka: 0, mesos: 5050, api: 0 },
  });
});

test.each([
  [["--agents", "0"], "--agents is 0, must be a whole number from 1 to 100"],
  [["--cpus", "-1"], "--cpus is -1, must be a number above 0"],
  [["--mem", "lots"], "--mem is lots, must be a whole number from 32"],
  [["--kafka-port", "70000"], "--kafka-port is 70000, must be a whole number from 0 to 65535"],
  [["--api-port", "70000", "--no-scheduler"], "--api-port is 70000, must be a whole number from 0 to 65535"],
  [["--kafka", "9092"], "--kafka is 9092, must be host:port[,host:port]"],
  [["--kafka", "one:9092,"], "--kafka is one:9092,, must be host:port[,host:port]"],
  [["--kafka", "one:9092", "--kafka-port", "0"], "--kafka and --kafka-port exclude each other"],
])("%p is refused", (args, message) => {
  expect(() => parseLocalOptions(withEquals(args), io)).toThrow(message);
});

/** `--option value` as one argument, since a value may begin with a minus sign. */
function withEquals([option = "", value = "", ...others]: readonly string[]): string[] {
  return [`${option}=${value}`, ...others];
}
