import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../support/free-port.ts";
import { committedValues } from "./committed.ts";
import { grammars } from "./grammars.ts";
import { type BrokerProcess, startProcess } from "./killable-broker.ts";
import { connectRaw, type RawClient } from "./raw-client.ts";
import { metadataRequest, partitionOf } from "./requests.ts";
import { initProducer } from "./transactional-producer.ts";

const TIMEOUT_MS = 240_000;
/** One for each step of a transaction, the end included. */
const LIVES = 7;
const TRANSACTIONS_A_LIFE = 20;
const TOPICS = ["a", "b"];
const GROUP = "g";

describe("a broker that is killed with SIGKILL while a transactional producer writes", () => {
  test(
    "has each transaction in both topics and in the group's offset, or nowhere",
    async () => {
      const dataDir = mkdtempSync(join(tmpdir(), "brigade-kafka-kill-"));
      let broker = await startProcess(dataDir, await freePort());
      try {
        await withClient(broker, async (client) => {
          await client.call(grammars.metadata, metadataRequest(TOPICS, true));
        });
        for (let life = 0; life < LIVES; life++) {
          const acknowledged = await withClient(broker, (client) =>
            commitUntilKilled(client, life, () => broker.kill()),
          );
          broker = await startProcess(dataDir, broker.port);
          const done = await withClient(broker, committedOffset);
          expect([acknowledged, acknowledged + 1]).toContain(done);
        }
        await withClient(broker, async (client) => {
          await initProducer(client, "id"); // ends what the last life left open
          const done = await committedOffset(client);
          const all = Array.from({ length: done }, (_, i) => `v${i}`);
          const address = { host: "127.0.0.1", port: broker.port };
          for (const topic of TOPICS) expect(await committedValues(address, topic)).toEqual(all);
        });
      } finally {
        await broker.kill();
        rmSync(dataDir, { recursive: true });
      }
    },
    TIMEOUT_MS,
  );
});

async function withClient<T>(broker: BrokerProcess, run: (client: RawClient) => Promise<T>): Promise<T> {
  await using client = await connectRaw({ host: "127.0.0.1", port: broker.port });
  return await run(client);
}

/**
 * Goes on where the group's offset says, as an exactly-once processor does; each value goes to both topics. In the last
 * transaction the broker is killed: in each life one step later, at last with EndTxn on its way.
 *
 * @returns the transactions whose end was acknowledged, of all lives
 */
async function commitUntilKilled(client: RawClient, life: number, kill: () => Promise<void>): Promise<number> {
  const producer = await initProducer(client, "id");
  const first = await committedOffset(client);
  for (let next = first; ; next++) {
    const steps: (() => Promise<unknown>)[] = [
      ...TOPICS.map((topic) => () => producer.add(topic)),
      ...TOPICS.map((topic) => () => producer.write(topic, [`v${next}`])),
      () => producer.addGroup(GROUP),
      () => producer.commitOffset(GROUP, "a", next + 1),
      () => producer.end(true),
    ];
    if (next === first + TRANSACTIONS_A_LIFE) {
      const taken = steps.slice(0, 1 + life);
      for (const take of taken.slice(0, -1)) await take();
      const cut = taken
        .at(-1)?.()
        .catch(() => undefined);
      await kill();
      await cut;
      return next;
    }
    for (const take of steps) await take();
  }
}

async function committedOffset(client: RawClient): Promise<number> {
  const request = { groupId: GROUP, topics: [{ name: "a", partitionIndexes: [0] }], requireStable: false };
  return Math.max(0, Number(partitionOf(await client.call(grammars.offsetFetch, request, 7))["offset"]));
}
