import { expect, test } from "bun:test";
import { parseLocalOptions } from "../../../src/cli/local-options.ts";

const io = { cwd: "/home/ada" };

test("without options: the processors folder beside us, one agent, the usual ports", () => {
  expect(parseLocalOptions([], io)).toMatchObject({
    processors: "/home/ada/processors",
    processorsGiven: false,
    data: undefined,
    agents: { count: 1, memMb: 4096 },
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

test.each([
  [["--agents", "0"], "--agents is 0, must be a whole number from 1 to 100"],
  [["--cpus", "-1"], "--cpus is -1, must be a number above 0"],
  [["--mem", "lots"], "--mem is lots, must be a whole number from 32"],
  [["--kafka-port", "70000"], "--kafka-port is 70000, must be a whole number from 0 to 65535"],
])("%p is refused", (args, message) => {
  expect(() => parseLocalOptions([args.join("=")], io)).toThrow(message);
});
