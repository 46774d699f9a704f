import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type RunningEmbeddedKafka, startEmbedded } from "../kafka/embedded.ts";

const kcat = Bun.which("kcat");
const missing = kcat === null ? " (skipped: kcat is not installed; it is Debian's package kcat)" : "";
const TIMEOUT_MS = 240_000;

describe("kcat (librdkafka) with the embedded broker", () => {
  let broker: RunningEmbeddedKafka;
  beforeAll(async () => {
    broker = await startEmbedded({ defaultPartitions: 3 });
  });
  afterAll(() => broker.stop());

  async function run(args: readonly string[], input = "", at = broker): Promise<string> {
    const { host, port } = at.address;
    const child = Bun.spawn([kcat ?? "kcat", "-b", `${host}:${port}`, ...args], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
    });
    await child.stdin.write(input);
    await child.stdin.end();
    const [output, problems, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    if (code !== 0) throw new Error(`kcat ${args.join(" ")} ended with ${code}: ${problems}`);
    return output;
  }

  function sortedLines(text: string): string[] {
    return text
      .split("\n")
      .filter((line) => line !== "")
      .sort((a, b) => (a < b ? -1 : 1));
  }

  function kcatTest(title: string, body: () => Promise<void>): void {
    test.skipIf(kcat === null)(`${title}${missing}`, body, TIMEOUT_MS);
  }

  const lines = Array.from({ length: 10_000 }, (_, i) => `key-${i % 500}:value ${i}`);

  kcatTest("writes 10 000 keyed lines and reads each back once, in the order of its key", async () => {
    await run(["-P", "-t", "keyed", "-K:"], lines.join("\n"));
    const read = await run(["-C", "-t", "keyed", "-e", "-q", "-f", "%k:%s\n"]);
    expect(sortedLines(read)).toEqual(lines.toSorted((a, b) => (a < b ? -1 : 1)));
    const ofOneKey = (all: readonly string[]): string[] => all.filter((line) => line.startsWith("key-7:"));
    expect(ofOneKey(read.split("\n"))).toEqual(ofOneKey(lines));
  });

  for (const codec of ["gzip", "snappy", "lz4", "zstd"]) {
    kcatTest(`writes and reads records compressed with ${codec}`, async () => {
      const values = Array.from({ length: 300 }, (_, i) => `a value that repeats, number ${i}`);
      await run(["-P", "-t", `packed-${codec}`, "-z", codec], values.join("\n"));
      expect(sortedLines(await run(["-C", "-t", `packed-${codec}`, "-e", "-q"]))).toEqual(
        values.toSorted((a, b) => (a < b ? -1 : 1)),
      );
    });
  }

  kcatTest("writes with an idempotent producer, and reads in a group that then has nothing left to read", async () => {
    await run(["-P", "-t", "grouped", "-X", "enable.idempotence=true"], "a\nb\nc");
    const readGroup = ["-G", "readers", "-e", "-q", "-X", "auto.offset.reset=earliest", "grouped"];
    expect(sortedLines(await run(readGroup))).toEqual(["a", "b", "c"]);
    expect(sortedLines(await run(readGroup))).toEqual([]);
  });

  kcatTest("keeps headers, and finds an offset by time", async () => {
    await run(["-P", "-t", "headed", "-p", "0", "-H", "name=value"], "a");
    expect(await run(["-C", "-t", "headed", "-e", "-q", "-f", "%h %s\n"])).toBe("name=value a\n");
    expect(await run(["-Q", "-t", "headed:0:1000"])).toContain("headed [0] offset 0");
  });

  kcatTest("tells who it is where it must", async () => {
    await using guarded = await startEmbedded({ config: { users: new Map([["alice", "secret"]]) } });
    const login = (password: string): string[] =>
      [
        "security.protocol=SASL_PLAINTEXT",
        "sasl.mechanisms=PLAIN",
        "sasl.username=alice",
        `sasl.password=${password}`,
      ].flatMap((setting) => ["-X", setting]);
    await run(["-P", "-t", "guarded", ...login("secret")], "a", guarded);
    expect(await run(["-C", "-t", "guarded", "-e", "-q", ...login("secret")], "", guarded)).toBe("a\n");
    const refused = await run(["-L", ...login("another")], "", guarded).catch((error: unknown) => String(error));
    expect(refused).toContain("Invalid username or password");
  });

  kcatTest("lists the broker and its topics", async () => {
    await run(["-P", "-t", "listed"], "a");
    const listing = await run(["-L", "-t", "listed"]);
    expect(listing).toContain('topic "listed" with 3 partitions');
    expect(listing).toContain("partition 2, leader 1, replicas: 1, isrs: 1");
  });
});
