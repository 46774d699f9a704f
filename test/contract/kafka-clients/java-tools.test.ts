import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { kafkaVersions, noRealKafka, saslUser } from "../../support/real-kafka.ts";
import { committedValues } from "../kafka/committed.ts";
import { type RunningEmbeddedKafka, startEmbedded } from "../kafka/embedded.ts";
import type { BrokerAddress } from "../kafka/raw-client.ts";
import { JavaTools } from "./java-tools.ts";

/** Each run of a tool starts a JVM. */
const TIMEOUT_MS = 600_000;

/** All that there are, shared out since each costs a run; the other clients' tests have all four as well. */
const codecsOf = { "3.9.1": ["gzip", "snappy"], "4.3.1": ["lz4", "zstd"] } as const;

const numbers = (first: number, last: number): string[] =>
  Array.from({ length: last - first + 1 }, (_, i) => String(first + i));
const lines = (text: string): string[] => text.split("\n").filter((line) => line.trim() !== "");
const byNumber = (values: readonly string[]): string[] => values.toSorted((a, b) => Number(a) - Number(b));
/** Columns of a table that a tool prints, by the words of its lines. */
const rows = (text: string): string[][] => lines(text).map((line) => line.trim().split(/\s+/));

for (const version of kafkaVersions) {
  const missing = noRealKafka(version);
  const title = `the tools of Kafka ${version} with the embedded broker`;
  if (missing === undefined) describe(title, () => toolTests(new Bench(version)));
  else test.skip(`${title} (skipped: ${missing})`, () => undefined);
}

interface Brokers {
  readonly open: RunningEmbeddedKafka;
  readonly guarded: RunningEmbeddedKafka;
}

class Bench {
  readonly version: (typeof kafkaVersions)[number];
  #brokers: Brokers | undefined;
  readonly folder = mkdtempSync(join(tmpdir(), "brigade-java-tools-"));

  constructor(version: (typeof kafkaVersions)[number]) {
    this.version = version;
  }

  async start(): Promise<void> {
    const users = new Map([[saslUser.username, saslUser.password]]);
    this.#brokers = { open: await startEmbedded(), guarded: await startEmbedded({ config: { users } }) };
  }

  async stop(): Promise<void> {
    await this.#brokers?.open.stop();
    await this.#brokers?.guarded.stop();
    rmSync(this.folder, { recursive: true });
  }

  address(): BrokerAddress {
    return this.#started().open.address;
  }

  tools(which: "open" | "guarded" = "open"): JavaTools {
    return new JavaTools(this.version, this.#started()[which].address);
  }

  #started(): Brokers {
    if (this.#brokers === undefined) throw new Error("the broker is not started yet");
    return this.#brokers;
  }
}

function toolTests(bench: Bench): void {
  beforeAll(() => bench.start());
  afterAll(() => bench.stop());
  const toolTest = (title: string, body: (tools: JavaTools) => Promise<void>): void =>
    test(title, () => body(bench.tools()), TIMEOUT_MS);

  toolTest("topics: made, described, grown, listed, deleted", async (tools) => {
    await tools.run("topics", ["--create", "--topic", "made", "--partitions", "2", "--config", "retention.ms=5000"]);
    await tools.run("topics", ["--alter", "--topic", "made", "--partitions", "3"]);
    const described = await tools.run("topics", ["--describe", "--topic", "made"]);
    expect(described).toMatch(/PartitionCount: 3\s+ReplicationFactor: 1\s+Configs: .*retention.ms=5000/);
    expect(described).not.toContain("AAAAAAAAAAAAAAAAAAAAAA");
    expect(rows(described).filter((row) => row[2] === "Partition:")).toHaveLength(3);
    const again = await tools.try("topics", ["--create", "--topic", "made"]);
    expect([again.code, again.output]).toEqual([1, expect.stringContaining("Topic 'made' already exists.")]);
    expect(lines(await tools.run("topics", ["--list"]))).toContain("made");
    await tools.run("topics", ["--delete", "--topic", "made"]);
    expect(lines(await tools.run("topics", ["--list"]))).not.toContain("made");
  });

  toolTest("configs: set, shown with where they come from, refused, unset", async (tools) => {
    await tools.run("topics", ["--create", "--topic", "configured"]);
    const entity = ["--entity-type", "topics", "--entity-name", "configured"];
    await tools.run("configs", [
      ...entity,
      "--alter",
      "--add-config",
      "max.message.bytes=2000,cleanup.policy=[compact]",
    ]);
    const described = await tools.run("configs", [...entity, "--describe"]);
    expect(described).toContain(
      "max.message.bytes=2000 sensitive=false synonyms={DYNAMIC_TOPIC_CONFIG:max.message.bytes=2000, " +
        "DEFAULT_CONFIG:message.max.bytes=1048588}",
    );
    expect(described).toContain("cleanup.policy=compact");
    const refused = await tools.try("configs", [...entity, "--alter", "--add-config", "retention.ms=soon"]);
    expect([refused.code, refused.problems + refused.output]).toEqual([1, expect.stringContaining("retention.ms")]);
    await tools.run("configs", [...entity, "--alter", "--delete-config", "max.message.bytes,cleanup.policy"]);
    expect(await tools.run("configs", [...entity, "--describe"])).not.toContain("max.message.bytes");
    const broker = ["--entity-type", "brokers", "--entity-name", "1", "--describe", "--all"];
    expect(await tools.run("configs", broker)).toContain("message.max.bytes=1048588");
  });

  toolTest("console producer and consumer: what one packs, the other reads", async (tools) => {
    await tools.run("topics", ["--create", "--topic", "console", "--partitions", "3"]);
    for (const [index, codec] of codecsOf[bench.version].entries()) {
      const keyed = numbers(30 * index + 1, 30 * index + 30).map((value) => `key-${Number(value) % 4}:${value}`);
      const properties = ["--property", "parse.key=true", "--property", "key.separator=:"];
      const args = ["--topic", "console", "--compression-codec", codec, ...properties];
      await tools.run("consoleProducer", args, `${keyed.join("\n")}\n`);
    }
    const reading = ["--topic", "console", "--from-beginning", "--isolation-level", "read_committed"];
    const read = await tools.run("consoleConsumer", [...reading, "--max-messages", "60", "--group", "readers"]);
    expect(byNumber(lines(read))).toEqual(numbers(1, 60));
  });

  toolTest("consumer groups: listed, described, reset, deleted", async (tools) => {
    const group = ["--group", "readers"];
    /** Adds up a column of what is told of the topic's partitions. */
    const sum = (table: string, column: number): number =>
      rows(table)
        .filter((row) => row[1] === "console")
        .reduce((total, row) => total + Number(row[column]), 0);
    expect(lines(await tools.run("groups", ["--list"]))).toContain("readers");
    const LAG = 5;
    expect(sum(await tools.run("groups", ["--describe", ...group]), LAG)).toBe(0);
    const reset = ["--reset-offsets", ...group, "--topic", "console", "--execute"];
    const reach = async (time: string): Promise<string> => tools.run("groups", [...reset, "--to-datetime", time]);
    // 3.9 prints its table without ends of lines.
    const newOffsets = (table: string): number =>
      [...table.matchAll(/console\s+\d+\s+(\d+)/g)].reduce((total, [, offset]) => total + Number(offset), 0);
    expect(newOffsets(await reach("2100-01-01T00:00:00.000"))).toBe(60);
    expect(newOffsets(await reach("2000-01-01T00:00:00.000"))).toBe(0);
    expect(sum(await tools.run("groups", ["--describe", ...group]), LAG)).toBe(60);
    await tools.run("groups", ["--delete-offsets", ...group, "--topic", "console"]);
    await tools.run("groups", ["--delete", ...group]);
    expect(lines(await tools.run("groups", ["--list"]))).not.toContain("readers");
  });

  toolTest("verifiable producer and consumer: all that is acknowledged is read, once", async (tools) => {
    const events = (text: string) => lines(text).map((line) => JSON.parse(line) as Record<string, unknown>);
    const produced = events(await tools.run("verifiableProducer", ["--topic", "verified", "--max-messages", "5000"]));
    expect(produced.filter(({ name }) => name === "producer_send_success")).toHaveLength(5000);
    expect(produced.at(-1)).toMatchObject({ name: "tool_data", sent: 5000, acked: 5000 });
    const group = ["--group-id", "verifiers", "--reset-policy", "earliest"];
    const consumed = events(
      await tools.run("verifiableConsumer", ["--topic", "verified", ...group, "--max-messages", "5000"]),
    );
    const records = consumed.filter(({ name }) => name === "records_consumed");
    expect(records.reduce((sum, { count }) => sum + Number(count), 0)).toBe(5000);
    const committed = consumed.filter(({ name }) => name === "offsets_committed").at(-1);
    expect(committed).toMatchObject({ success: true, offsets: [{ topic: "verified", partition: 0, offset: 5000 }] });
  });

  toolTest("a transactional copier that aborts at random: each record arrives once", async (tools) => {
    const copying = ["--input-topic", "verified", "--input-partition", "0", "--output-topic", "copied"];
    const limits = ["--max-messages", "5000", "--transaction-size", "250", "--enable-random-aborts"];
    const identity = ["--transactional-id", "copier", "--consumer-group", "copiers"];
    await tools.run("transactionalCopier", [...copying, ...limits, ...identity]);
    expect(byNumber(await committedValues(bench.address(), "copied"))).toEqual(numbers(0, 4999));
  });

  toolTest("offsets by time, and records deleted up to an offset", async (tools) => {
    const offsetAt = async (time: string): Promise<string[]> =>
      lines(await tools.run("offsets", ["--topic", "verified", "--time", time]));
    expect(await offsetAt("latest")).toEqual(["verified:0:5000"]);
    const file = join(bench.folder, "delete.json");
    writeFileSync(
      file,
      JSON.stringify({ partitions: [{ topic: "verified", partition: 0, offset: 1234 }], version: 1 }),
    );
    expect(await tools.run("deleteRecords", ["--offset-json-file", file])).toContain("low_watermark: 1234");
    expect(await offsetAt("earliest")).toEqual(["verified:0:1234"]);
    expect(await offsetAt("-4")).toEqual(["verified:0:1234"]);
    expect(await offsetAt("1000")).toEqual(["verified:0:1234"]);
  });

  toolTest("what the broker does not have, the tools name", async (tools) => {
    const transactions = await tools.try("transactions", ["list"]);
    expect(transactions.output + transactions.problems).toContain("does not support LIST_TRANSACTIONS");
    if (bench.version === "3.9.1") return; // has the group protocol of KIP-848 as a preview only
    // Its clients end with an UnsupportedVersionException, which this tool keeps quiet.
    const newGroups = ["--topic", "verified", "--from-beginning", "--command-property", "group.protocol=consumer"];
    const consumer = await tools.try("consoleConsumer", [...newGroups, "--timeout-ms", "3000"]);
    expect([consumer.output, consumer.problems]).toEqual(["", expect.stringContaining("total of 0 messages")]);
  });

  toolTest("who must tell who he is, does", async () => {
    const tools = bench.tools("guarded");
    const login = (password: string): string => {
      const module = "org.apache.kafka.common.security.plain.PlainLoginModule";
      return [
        "security.protocol=SASL_PLAINTEXT",
        "sasl.mechanism=PLAIN",
        `sasl.jaas.config=${module} required username="${saslUser.username}" password="${password}";`,
        "",
      ].join("\n");
    };
    const [right, wrong] = [join(bench.folder, "right.properties"), join(bench.folder, "wrong.properties")];
    writeFileSync(right, login(saslUser.password));
    writeFileSync(wrong, login("another"));
    await tools.run("topics", ["--create", "--topic", "guarded", "--command-config", right]);
    const refused = await tools.try("topics", ["--list", "--command-config", wrong]);
    expect([refused.code, refused.output + refused.problems]).toEqual([
      1,
      expect.stringContaining("Authentication failed: Invalid username or password"),
    ]);
  });
}
