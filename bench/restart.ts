/**
 * How long `brigade kafka` takes after `kill -9` to serve a gigabyte again: from the start of its process to the answer
 * to a first question about the log's end. A batch is on its way at each kill. The baseline is a broker with a folder
 * that holds next to nothing.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type KafkaBroker, startKafkaBroker } from "../scripts/lib/kafka-broker.ts";
import { grammars } from "../test/contract/kafka/grammars.ts";
import { connectRaw, type RawClient } from "../test/contract/kafka/raw-client.ts";
import { makeBatch } from "../test/contract/kafka/record-batch.ts";
import { listOffsetsRequest, metadataRequest, partitionOf, produceRequest } from "../test/contract/kafka/requests.ts";
import { report, spread } from "./support.ts";

const GIGABYTE = 1e9;
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
const BATCHES_AT_ONCE = 16;
const VALUE = "x".repeat(200);

async function fill(client: RawClient, bytes: number, recordsPerBatch: number): Promise<number> {
  const batch = makeBatch({ values: Array.from({ length: recordsPerBatch }, () => VALUE) });
  let records = 0;
  for (let written = 0; written < bytes; written += BATCHES_AT_ONCE * batch.byteLength) {
    const sent = Array.from({ length: BATCHES_AT_ONCE }, () =>
      client.call(grammars.produce, produceRequest("t", batch)),
    );
    for (const answer of await Promise.all(sent)) {
      if (partitionOf(answer)["errorCode"] !== 0) throw new Error(`refused: ${JSON.stringify(answer)}`);
    }
    records += BATCHES_AT_ONCE * recordsPerBatch;
  }
  return records;
}

/** @returns each start in ms */
async function startsAfter(bytes: number, recordsPerBatch: number): Promise<number[]> {
  const dataDir = mkdtempSync(join(tmpdir(), "brigade-restart-"));
  const startsMs: number[] = [];
  let broker: KafkaBroker | undefined;
  try {
    broker = await startKafkaBroker({ dataDir, port: 0 });
    let client = await connectRaw(broker);
    await client.call(grammars.metadata, metadataRequest(["t"], true));
    const acknowledged = await fill(client, bytes, recordsPerBatch);
    for (let round = 0; round < ROUNDS; round++) {
      const cut = client.call(grammars.produce, produceRequest("t", makeBatch({ values: [VALUE] })));
      await Promise.allSettled([cut, broker.kill()]);
      const start = performance.now();
      broker = await startKafkaBroker({ dataDir, port: 0 });
      client = await connectRaw(broker);
      const end = Number(partitionOf(await client.call(grammars.listOffsets, listOffsetsRequest("t", -1)))["offset"]);
      startsMs.push(performance.now() - start);
      if (end < acknowledged) throw new Error(`${acknowledged} records were acknowledged, and ${end} are left`);
    }
  } finally {
    await broker?.kill();
    rmSync(dataDir, { recursive: true, force: true });
  }
  return spread(startsMs);
}

report("ms to serve again, 1 GB in batches of 4000 records", await startsAfter(GIGABYTE, 4000));
report("ms to serve again, 1 GB in batches of 10 records", await startsAfter(GIGABYTE, 10));
report("baseline: next to nothing", await startsAfter(1, 10));
process.exit(0);
