import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InputError, UsageError } from "../../../src/base/errors.ts";
import type { CliCommand, CliIo } from "../../../src/cli/command.ts";
import { consumeCommand, createConsumeCommand } from "../../../src/cli/consume.ts";
import { createProduceCommand } from "../../../src/cli/produce.ts";
import { TopicRefusedError } from "../../../src/engine/errors.ts";
import { HeldClock } from "../../support/held-clock.ts";
import { rejection } from "../../support/rejection.ts";
import { until } from "../../support/until.ts";
import { startEmbedded } from "./embedded-broker.ts";
import { countUp, type TestBroker, TestClient, uniqueName } from "./harness.ts";

const TIMEOUT_MS = 240_000;
/** As `--timeout` takes it, and what of a clock is held. */
const PATIENCE = "57s";
const PATIENCE_MS = 57_000;

let broker: TestBroker;
let folder: string;

beforeAll(async () => {
  broker = await startEmbedded();
  folder = await mkdtemp(join(tmpdir(), "brigade-cli-"));
});
afterAll(async () => {
  await broker[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

interface Result {
  readonly exitCode: number;
  readonly lines: readonly string[];
  readonly stderr: string;
}

/** @param onPrint called whenever something was printed */
async function run(
  command: CliCommand,
  args: readonly string[],
  signal = new AbortController().signal,
  onPrint: () => void = () => undefined,
): Promise<Result> {
  let stdout = "";
  let stderr = "";
  const io: CliIo = {
    ...newIo(signal),
    stdout(text) {
      stdout += text;
      onPrint();
    },
    stderr: (text) => void (stderr += text),
  };
  const exitCode = await command.run(args, io);
  return { exitCode, lines: stdout.split("\n").slice(0, -1), stderr };
}

/** Says nothing. */
function newIo(signal: AbortSignal): CliIo {
  const env = { KAFKA_ADDRESS: `${broker.address.host}:${broker.address.port}` };
  return { stdout: () => undefined, stderr: () => undefined, env, cwd: folder, isTerminal: false, signal };
}

function produce(input: string, args: readonly string[]): Promise<Result> {
  async function* stdin(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(input, "latin1");
  }
  return run(createProduceCommand(stdin), args);
}

async function topic(partitions = 1): Promise<string> {
  await using client = new TestClient(broker);
  return client.topic(partitions);
}

describe("produce and consume", () => {
  test("every line of a file is a record, and comes back", async () => {
    const name = await topic(3);
    await writeFile(join(folder, "lines.txt"), countUp(5000).join("\n"));
    const produced = await produce("", [name, "lines.txt"]);
    expect(produced).toMatchObject({ exitCode: 0, lines: [`5000 records produced to ${name}`] });
    const { lines } = await run(consumeCommand, [name, "--from-beginning", "--count", "5000"]);
    expect([...lines].sort((a, b) => Number(a) - Number(b))).toEqual(countUp(5000));
  });

  test("keys are split off, an empty line is an empty value, and bytes that are no text survive", async () => {
    const name = await topic();
    await produce("a:1\n\n\xff:\xfe:2\nplain", [name, "--key-separator", ":"]);
    const { lines } = await run(consumeCommand, [name, "--from-beginning", "--count", "4", "--json"]);
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { topic: name, partition: 0, offset: 0, key: "a", value: "1", headers: [] },
      { offset: 1, key: null, value: "" },
      { offset: 2, keyBase64: "/w==", valueBase64: "/joy" },
      { offset: 3, key: null, value: "plain" },
    ]);
  });

  test("what consume --json prints, produce --json sends", async () => {
    const [from, to] = [await topic(), await topic()];
    const record = '{"key":null,"value":null,"headers":[{"name":"h","value":"1"},{"name":"h","valueBase64":"/w=="}]}';
    await produce(`${record}\n`, [from, "--json"]);
    const first = await run(consumeCommand, [from, "--from-beginning", "--count", "1", "--json"]);
    await produce(`${first.lines.join("\n")}\n`, [to, "--json"]);
    const second = await run(consumeCommand, [to, "--from-beginning", "--count", "1", "--json"]);
    expect(JSON.parse(second.lines[0] ?? "")).toMatchObject(JSON.parse(record) as object);
  });

  test(
    "a group goes on where it has printed",
    async () => {
      const name = await topic();
      await produce("1\n2\n3\n4\n", [name]);
      const args = [name, "--group", uniqueName("group"), "--from-beginning", "--count", "2"];
      expect((await run(consumeCommand, args)).lines).toEqual(["1", "2"]);
      expect((await run(consumeCommand, args)).lines).toEqual(["3", "4"]);
    },
    TIMEOUT_MS,
  );

  test("a time without a record ends it: well without a count, badly with one", async () => {
    const name = await topic();
    await produce("1\n", [name]);
    const clock = new HeldClock(PATIENCE_MS);
    // The time is over when the record has been there, however long that takes.
    const consume = (...more: string[]): Promise<Result> => {
      const args = [name, "--from-beginning", "--timeout", PATIENCE, ...more];
      const { signal } = new AbortController();
      return run(createConsumeCommand(clock), args, signal, () => void setImmediate(() => clock.release()));
    };
    expect(await consume()).toEqual({ exitCode: 0, lines: ["1"], stderr: "" });
    expect(await consume("--count", "2")).toEqual({
      exitCode: 1,
      lines: ["1"],
      stderr: `1 of 2 records came before ${PATIENCE} went by without one\n`,
    });
  });

  test("without --from-beginning only new records are printed, until Ctrl-C", async () => {
    const name = await topic();
    await produce("old\n", [name]);
    const stop = new AbortController();
    const consuming = run(consumeCommand, [name, "--timeout", "400ms"], stop.signal);
    expect((await consuming).lines).toEqual([]);
    stop.abort(new Error("Interrupted"));
    expect((await run(consumeCommand, [name], stop.signal)).exitCode).toBe(0);
  });
});

/** How producing fails where Kafka goes away. @param input what is read meanwhile; it lets the held time pass */
async function produceToVanishing(
  input: (vanishing: TestBroker, clock: HeldClock) => AsyncGenerator<Uint8Array>,
): Promise<{ readonly failure: unknown; readonly stderr: string }> {
  const vanishing = await startEmbedded();
  const kafka = ["--kafka", `${vanishing.address.host}:${vanishing.address.port}`];
  await using client = new TestClient(vanishing);
  const name = await client.topic(1);
  let stderr = "";
  const io = { ...newIo(new AbortController().signal), stderr: (text: string) => void (stderr += text) };
  const clock = new HeldClock(PATIENCE_MS);
  const args = [name, "--timeout", PATIENCE, ...kafka];
  const failure = await rejection(createProduceCommand(() => input(vanishing, clock), clock).run(args, io));
  return { failure, stderr };
}

describe("a Kafka that disappears half-way", () => {
  test(
    "is given up after a while, and where to begin again is told",
    async () => {
      const { failure, stderr } = await produceToVanishing(async function* (vanishing, clock) {
        yield Buffer.from("1\n2\n");
        await until(() => clock.waiting === 0, "nothing waits for an acknowledgement");
        await vanishing[Symbol.asyncDispose]();
        yield Buffer.from("3\n4\n");
        clock.release();
      });
      expect(String(failure)).toContain(`Kafka acknowledged nothing for ${PATIENCE}`);
      expect(stderr).toStartWith("2 of 4 lines were acknowledged; every line before 3 is among them");
      expect(stderr).toEndWith("Begin again at line 3.\n");
    },
    TIMEOUT_MS,
  );

  test(
    "who waits for a line that does not come is told as well",
    async () => {
      const { failure } = await produceToVanishing(async function* (vanishing, clock) {
        await vanishing[Symbol.asyncDispose]();
        yield Buffer.from("1\n");
        clock.release();
        await new Promise<never>(() => undefined);
      });
      expect(failure).toMatchObject({ code: "kafka-unavailable" });
    },
    TIMEOUT_MS,
  );
});

describe("mistakes", () => {
  test("a missing topic is refused", async () => {
    expect(await rejection(produce("x\n", [uniqueName("missing")]))).toBeInstanceOf(TopicRefusedError);
    expect(await rejection(run(consumeCommand, [uniqueName("missing")]))).toBeInstanceOf(TopicRefusedError);
  });

  test("a missing file and a line that is not JSON are named", async () => {
    const name = await topic();
    expect(await rejection(produce("", [name, "no-such-file"]))).toMatchObject({
      message: `Cannot read ${join(folder, "no-such-file")}`,
    });
    expect(await rejection(produce('{"value":"1"}\nx\n', [name, "--json"]))).toBeInstanceOf(InputError);
  });

  test("what stands before a line that cannot be read is sent", async () => {
    const name = await topic();
    let stderr = "";
    const io = { ...newIo(new AbortController().signal), stderr: (text: string) => void (stderr += text) };
    async function* stdin(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('{"value":"1"}\n{"value":"2"}\nx\n{"value":"3"}\n');
    }
    expect(await rejection(createProduceCommand(stdin).run([name, "--json"], io))).toBeInstanceOf(InputError);
    expect(stderr).toBe("2 lines were acknowledged, all before line 3.\n");
    const { lines } = await run(consumeCommand, [name, "--from-beginning", "--count", "2"]);
    expect(lines).toEqual(["1", "2"]);
  });

  test("arguments that make no sense are usage errors", async () => {
    const wrong = [
      [],
      ["t", "f", "g"],
      ["t", "--key", "k", "--json"],
      ["t", "--key-separator", ""],
      ["t", "--kafka", "x"],
      ["t", "--timeout", "soon"],
    ];
    for (const args of wrong) expect(await rejection(produce("", args))).toBeInstanceOf(UsageError);
    for (const args of [[], ["t", "--count", "0"], ["t", "--count", "x"], ["t", "--timeout", "soon"]]) {
      expect(await rejection(run(consumeCommand, args))).toBeInstanceOf(UsageError);
    }
  });
});
