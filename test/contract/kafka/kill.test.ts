import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../support/free-port.ts";
import { grammars } from "./grammars.ts";
import { type BrokerProcess, startProcess } from "./killable-broker.ts";
import { connectRaw, type RawClient } from "./raw-client.ts";
import { makeBatch, readBatches } from "./record-batch.ts";
import { fetchRequest, metadataRequest, newProducer, partitionOf, produceRequest } from "./requests.ts";

const TIMEOUT_MS = 240_000;
const LIVES = 4;
const BATCHES_A_LIFE = 150;
const AT_ONCE = 5;

describe("a broker that is killed with SIGKILL while an idempotent producer writes", () => {
  test(
    "has all that it acknowledged, nothing twice, and the committed offset",
    async () => {
      const dataDir = mkdtempSync(join(tmpdir(), "brigade-kafka-kill-"));
      let broker = await startProcess(dataDir, await freePort());
      try {
        const producer = await withClient(broker, createProducer);
        let progress: Progress = { acknowledged: 0, committed: 0 };
        for (let life = 0; life < LIVES; life++) {
          progress = await withClient(broker, (client) =>
            writeUntilKilled(client, producer, progress, () => broker.kill()),
          );
          broker = await startProcess(dataDir, broker.port);
        }
        await withClient(broker, async (client) => {
          const end = await endOf(client);
          expect(end).toBeGreaterThanOrEqual(progress.acknowledged);
          expect(await valuesOf(client)).toEqual(Array.from({ length: end }, (_, i) => `v${i}`));
          const stored = await client.call(grammars.offsetFetch, { groupId: "g", topics: null }, 6);
          expect(partitionOf(stored)).toMatchObject({ offset: progress.committed, metadata: `m${progress.committed}` });
        });
      } finally {
        await broker.kill();
        rmSync(dataDir, { recursive: true });
      }
    },
    TIMEOUT_MS,
  );
});

interface Producer {
  readonly producerId: number;
  readonly producerEpoch: number;
}

/** Batches that the broker acknowledged, and the offset that it acknowledged as committed. */
interface Progress {
  readonly acknowledged: number;
  readonly committed: number;
}

async function withClient<T>(broker: BrokerProcess, run: (client: RawClient) => Promise<T>): Promise<T> {
  await using client = await connectRaw({ host: "127.0.0.1", port: broker.port });
  return await run(client);
}

async function createProducer(client: RawClient): Promise<Producer> {
  await client.call(grammars.metadata, metadataRequest(["t"], true));
  const { producerId, producerEpoch } = await client.call(grammars.initProducerId, newProducer);
  return { producerId: Number(producerId), producerEpoch: Number(producerEpoch) };
}

/**
 * Writes batches, five at a time, and commits after each five; at the end of a life one of five is acknowledged when
 * the broker is killed. What the life before left without an answer may be written: it is sent again as it was.
 */
async function writeUntilKilled(
  client: RawClient,
  producer: Producer,
  { acknowledged: before, committed: committedBefore }: Progress,
  kill: () => Promise<void>,
): Promise<Progress> {
  let acknowledged = before;
  let committed = committedBefore;
  for (; acknowledged < before + BATCHES_A_LIFE; acknowledged += AT_ONCE) {
    const sequences = Array.from({ length: AT_ONCE }, (_, i) => acknowledged + i);
    expect(await Promise.all(sequences.map((sequence) => send(client, producer, sequence)))).toEqual(sequences);
    committed = await commit(client, acknowledged + AT_ONCE);
  }
  const last = Array.from({ length: AT_ONCE }, (_, i) => send(client, producer, acknowledged + i));
  const ended = Promise.allSettled(last);
  await last[0];
  await kill();
  await ended;
  return { acknowledged: acknowledged + 1, committed };
}

/** The offset that the batch got. */
async function send(client: RawClient, producer: Producer, sequence: number): Promise<unknown> {
  const batch = makeBatch({ values: [`v${sequence}`], baseSequence: sequence, ...producer });
  const { errorCode, baseOffset } = partitionOf(await client.call(grammars.produce, produceRequest("t", batch)));
  if (errorCode !== 0) throw new Error(`batch ${sequence} was refused with ${String(errorCode)}`);
  return baseOffset;
}

async function commit(client: RawClient, offset: number): Promise<number> {
  const partitions = [{ index: 0, offset, leaderEpoch: -1, metadata: `m${offset}` }];
  const request = { groupId: "g", generationId: -1, memberId: "", topics: [{ name: "t", partitions }] };
  expect(partitionOf(await client.call(grammars.offsetCommit, request))).toEqual({ index: 0, errorCode: 0 });
  return offset;
}

async function endOf(client: RawClient): Promise<number> {
  const topics = [{ name: "t", partitions: [{ index: 0, currentLeaderEpoch: -1, timestamp: -1 }] }];
  return Number(partitionOf(await client.call(grammars.listOffsets, { isolationLevel: 0, topics }))["offset"]);
}

async function valuesOf(client: RawClient): Promise<string[]> {
  const request = fetchRequest("t", 0, { maxWaitMs: 0, minBytes: 0, maxBytes: 50_000_000 });
  const { records } = partitionOf(await client.call(grammars.fetch, request, 12));
  return readBatches(records as Uint8Array).flatMap(({ values }) => values);
}
