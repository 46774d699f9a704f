import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { startEmbedded } from "../kafka/embedded.ts";
import type { BrokerAddress } from "../kafka/raw-client.ts";

/** As in scripts/install-confluent-kafka. */
const VERSION = "1.10.1";
const cache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), `brigade/confluent-kafka-${VERSION}`);
const client = join(cache, "node_modules/@confluentinc/kafka-javascript");
const TIMEOUT_MS = 300_000;

const missing =
  Bun.which("node") === null
    ? "node is not installed"
    : existsSync(join(cache, "complete"))
      ? undefined
      : "scripts/install-confluent-kafka has not fetched it";

/** What the client must see; a real broker shows it the same. */
const expected = {
  created: [true, false],
  group: { records: 2000, distinct: 2000, inOrder: true, headers: true },
  codecs: { none: 100, gzip: 100, snappy: 100, lz4: 100, zstd: 100 },
  transactions: [0, 0, 0, 0, 2, 2, 2, 2],
  administration: {
    groups: ["committed", "readers", "unpackers"],
    state: true,
    lag: 0,
    firstPacked: 1,
    topics: ["packed", "transactions"],
  },
};

async function useClient({ host, port }: BrokerAddress): Promise<unknown> {
  const script = join(import.meta.dir, "confluent-client.cjs");
  const child = Bun.spawn(["node", script, client, `${host}:${port}`], { stdout: "pipe", stderr: "pipe" });
  const [output, problems, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0) throw new Error(`the client ended with ${code}: ${problems}`);
  return JSON.parse(output);
}

describe("Confluent's client for Node (librdkafka)", () => {
  const title = "produces, reads in a group, packs, commits and administers at the embedded broker";
  if (missing !== undefined) test.skip(`${title} (skipped: ${missing})`, () => undefined);
  else test(title, useEmbedded, TIMEOUT_MS);
});

async function useEmbedded(): Promise<void> {
  await using broker = await startEmbedded();
  expect(await useClient(broker.address)).toMatchObject(expected);
  expect(broker.entries.filter(({ level }) => level === "warn" || level === "error")).toEqual([]);
}
