import { systemClock } from "../../../src/base/clock.ts";
import { randomInt, seededRandom } from "../../../src/base/random.ts";
import { grammars } from "../../contract/kafka/grammars.ts";
import { connectRaw, type RawClient } from "../../contract/kafka/raw-client.ts";
import { readBatches } from "../../contract/kafka/record-batch.ts";
import { fetchRequest, metadataRequest, newProducer, partitionOf } from "../../contract/kafka/requests.ts";
import { until } from "../../support/until.ts";
import { IdempotentWriter, type ProducerIdentity } from "./idempotent-writer.ts";
import { addVerdicts, judgeLog, type LogVerdict } from "./judge-log.ts";
import { MortalBroker, type StartBroker } from "./mortal-broker.ts";
import { numberOf } from "./record-value.ts";

/** Each of one partition, so that several writes are on their way whenever the broker dies. */
const TOPICS = ["a", "b", "c"];
/** A broker that takes nothing for so long has not come back. */
const PATIENCE_MS = 60_000;
const FETCH_BYTES = 4_000_000;

export interface BrokerKillsOptions {
  readonly start: StartBroker;
  /** Of the moments of the kills and of the batches. */
  readonly seed: number;
  /** No kill once so many struck. */
  readonly kills: number;
  /** No kill once so long has passed. */
  readonly forMs: number;
  /** Between two kills, on average; each is drawn from within a quarter of it on either side. */
  readonly everyMs: number;
  readonly onProgress?: (text: string) => void;
}

export interface BrokerKillsResult extends LogVerdict {
  readonly kills: number;
  readonly batches: number;
  /** Batches that a dying broker left without an answer. */
  readonly sentAgain: number;
  /** Of those, the ones that it had written. */
  readonly alreadyWritten: number;
}

/**
 * Kills a broker again and again while an idempotent producer writes, lets the producer come to its end, and holds the
 * log against what was acknowledged. Each life has to acknowledge something before it is killed.
 */
export async function runBrokerKills(options: BrokerKillsOptions): Promise<BrokerKillsResult> {
  const broker = await MortalBroker.start(options.start);
  try {
    const identity = await withClient(broker, createProducer);
    const writers = TOPICS.map((topic, index) => {
      const random = seededRandom(options.seed * 1000 + index + 1);
      return { topic, writer: new IdempotentWriter({ broker, topic, identity, random }) };
    });
    const progress = (): readonly number[] => writers.map(({ writer }) => writer.acknowledged.length);
    const failed = new AbortController();
    let settled = false;
    const written = Promise.all(writers.map(({ writer }) => writer.run()))
      .catch((error: unknown) => {
        failed.abort(error);
        throw error;
      })
      .finally(() => {
        settled = true;
      });
    const striking = strikeAgainAndAgain(broker, options, progress, failed.signal)
      .finally(() => {
        for (const { writer } of writers) writer.stop();
      })
      .then(async (struck) => {
        await until(() => settled, "the last batches were acknowledged", PATIENCE_MS);
        return struck;
      })
      .catch(async (error: unknown) => {
        await broker.end(); // lets go of writers that wait for it
        throw error;
      });
    await Promise.allSettled([striking, written]);
    const kills = await striking; // first: where it failed, the writers failed because of it, or it tells their error
    await written;

    const logs = await withClient(broker, (client) => readLogs(client, TOPICS));
    const verdicts = writers.map(({ writer }, index) => judgeLog(writer.acknowledged, logs[index] ?? []));
    const sum = (figure: (writer: IdempotentWriter) => number): number =>
      writers.reduce((total, { writer }) => total + figure(writer), 0);
    return {
      ...addVerdicts(verdicts),
      kills,
      batches: sum(({ acknowledged }) => acknowledged.length),
      sentAgain: sum(({ sentAgain }) => sentAgain),
      alreadyWritten: sum(({ alreadyWritten }) => alreadyWritten),
    };
  } finally {
    await broker.end();
  }
}

export function keepsItsWord({ acknowledged, lost, twice, misplaced }: BrokerKillsResult): boolean {
  return acknowledged > 0 && lost + twice + misplaced === 0;
}

/** For people. */
export function formatBrokerKills(result: BrokerKillsResult): string {
  const { kills, acknowledged, batches, sentAgain, alreadyWritten, lost, twice, misplaced } = result;
  const rows: readonly (readonly [number, string])[] = [
    [kills, "kills (kill -9)"],
    [acknowledged, `records acknowledged, in ${batches} batches`],
    [sentAgain, `batches sent again, since they had no answer when the broker was killed`],
    [alreadyWritten, "  of them written before it was killed"],
    [lost, "acknowledged records lost"],
    [twice, "records twice"],
    [misplaced, "records not at the offset that was acknowledged"],
  ];
  const lines = rows.map(([count, what]) => `${String(count).padStart(9)}  ${what}`);
  return [...lines, "", keepsItsWord(result) ? "The broker kept its word." : "The broker BROKE its word."].join("\n");
}

async function strikeAgainAndAgain(
  broker: MortalBroker,
  { seed, kills, forMs, everyMs, onProgress }: BrokerKillsOptions,
  progress: () => readonly number[],
  signal: AbortSignal,
): Promise<number> {
  const random = seededRandom(seed);
  const startedMs = systemClock.monotonicMs();
  let struck = 0;
  while (struck < kills) {
    const before = progress();
    const dueMs = startedMs + everyMs * (struck + 0.75) + randomInt(random, everyMs / 2);
    if (dueMs > startedMs + forMs) break;
    await systemClock.sleep(Math.max(0, dueMs - systemClock.monotonicMs()), { signal });
    // Each partition, so that no life dies before it was of use to all.
    const served = (): boolean => {
      signal.throwIfAborted();
      return progress().every((batches, index) => batches > (before[index] ?? 0));
    };
    await until(served, `life ${struck + 1} acknowledged something in each partition`, PATIENCE_MS);
    await broker.strike();
    struck++;
    onProgress?.(`kill ${struck}: ${progress().reduce((sum, batches) => sum + batches, 0)} batches acknowledged`);
  }
  return struck;
}

async function withClient<T>(broker: MortalBroker, run: (client: RawClient) => Promise<T>): Promise<T> {
  const { port } = await broker.life();
  await using client = await connectRaw({ host: "127.0.0.1", port });
  return await run(client);
}

async function createProducer(client: RawClient): Promise<ProducerIdentity> {
  await client.call(grammars.metadata, metadataRequest(TOPICS, true));
  const { producerId, producerEpoch } = await client.call(grammars.initProducerId, newProducer);
  return { producerId: Number(producerId), producerEpoch: Number(producerEpoch) };
}

async function readLogs(client: RawClient, topics: readonly string[]): Promise<number[][]> {
  const logs: number[][] = [];
  for (const topic of topics) logs.push(await readLog(client, topic));
  return logs;
}

async function readLog(client: RawClient, topic: string): Promise<number[]> {
  const log: number[] = [];
  for (;;) {
    const request = fetchRequest(topic, log.length, { maxWaitMs: 0, minBytes: 0, maxBytes: FETCH_BYTES });
    const { errorCode, records } = partitionOf(await client.call(grammars.fetch, request, 12));
    if (errorCode !== 0) throw new Error(`reading ${topic} from ${log.length} on failed with ${String(errorCode)}`);
    const batches = readBatches(records as Uint8Array);
    if (batches.length === 0) return log;
    for (const { baseOffset, values } of batches) {
      if (baseOffset !== log.length) throw new Error(`${topic} goes on with ${baseOffset} behind ${log.length}`);
      for (const value of values) log.push(numberOf(value));
    }
  }
}
