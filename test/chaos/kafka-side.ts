import { Kafka, logLevel, type Producer } from "kafkajs";
import { systemClock } from "../../src/base/clock.ts";
import { silentLogger } from "../../src/base/log.ts";
import { parseHostPorts } from "../../src/config/addresses.ts";
import { decodeCommitMetadata } from "../../src/engine/commit-metadata.ts";
import { KafkaAdmin, type PartitionLag } from "../../src/kafka/admin.ts";
import { eventually } from "../support/e2e/eventually.ts";
import { header, type JsonRecord, Topics } from "../support/e2e/topics.ts";
import type { World } from "../support/e2e/world.ts";
import type { Death, Input, Result } from "./evidence.ts";
import type { Fate, LedgerLine, RecordId } from "./ledger.ts";

export const INPUT = "in";
export const PARTITIONS = 4;

export interface ProcessorTopics {
  readonly name: string;
  readonly output: string;
  readonly error: string;
}

/** Two readings that are equal show that nothing written by a dead process is still on its way through the broker. */
const CALM_MS = 200;

/** What the test itself asks of Kafka and writes there; it waits out an engine that is down. */
export class KafkaSide {
  readonly #topics: Topics;
  readonly #admin: KafkaAdmin;

  constructor(world: World, address: string) {
    this.#topics = new Topics(world, address);
    const brokers = parseHostPorts(address) ?? [];
    this.#admin = new KafkaAdmin({ kafka: { brokers, clientId: "chaos" }, clock: systemClock, log: silentLogger });
  }

  async createTopics(processors: readonly ProcessorTopics[]): Promise<void> {
    const names = [INPUT, ...processors.flatMap(({ output, error }) => [output, error])];
    for (const name of names) {
      await eventually(`topic ${name} is made`, async () => {
        await this.#topics.create(name, PARTITIONS);
        return true;
      });
    }
  }

  async inputs(): Promise<readonly Input[]> {
    const records = await eventually("the input topic can be read", () => this.#topics.read(INPUT));
    return inPartitionOrder(records).map(({ partition, offset, key, value }) => {
      const [id = "", fate] = (value ?? "").split(" ");
      return { record: `${INPUT}/${partition}/${offset}`, id: Number(id), key: key ?? "", fate: fate as Fate };
    });
  }

  async results({ output, error }: ProcessorTopics): Promise<readonly Result[]> {
    const read = (topic: string): Promise<readonly JsonRecord[]> =>
      eventually(`${topic} can be read`, () => this.#topics.read(topic));
    const outputs = inPartitionOrder(await read(output)).map(({ value }): Result => {
      const [record = "", run = ""] = (value ?? "").split(" ");
      return { record, as: "output", run };
    });
    const errors = inPartitionOrder(await read(error)).map((record): Result => {
      const [topic, partition, offset] = ["topic", "partition", "offset"].map((name) =>
        header(record, `brigade.error.${name}`),
      );
      return { record: `${topic}/${partition}/${offset}`, as: "error", run: "" };
    });
    return [...outputs, ...errors];
  }

  /** Records of the input that are not settled. */
  async lag(processor: string): Promise<number> {
    const partitions = await this.#committed(processor);
    return partitions.reduce((sum, { lag, logEndOffset }) => sum + (lag ?? logEndOffset), 0);
  }

  /** What a scheduler that was killed just now leaves to the next: called before that one starts. */
  async observeDeath(processor: ProcessorTopics, ledger: readonly LedgerLine[]): Promise<Death> {
    const committed = await this.#whenCalm(processor);
    const settled = settledBy(committed);
    const results = await this.results(processor);
    const sent = new Set(results.map(({ record }) => record).filter((record) => !settled(record)));
    const ended = new Set(
      ledger.flatMap((line) =>
        line.type === "end" && line.processor === processor.name && line.code === 0 && !settled(line.record)
          ? [line.record]
          : [],
      ),
    );
    return { sentNotCommitted: sent, endedNotCommitted: ended.size };
  }

  async #whenCalm({ name, output, error }: ProcessorTopics): Promise<readonly PartitionLag[]> {
    let before = "";
    return eventually(`nothing is written to ${output} any more`, async () => {
      const committed = await this.#committed(name);
      const sizes = [await this.#topics.size(output), await this.#topics.size(error)];
      const now = JSON.stringify([committed.map(({ committed, metadata }) => [committed, metadata]), sizes]);
      const isCalm = now === before;
      before = now;
      if (!isCalm) await Bun.sleep(CALM_MS);
      return isCalm && committed;
    });
  }

  #committed(processor: string): Promise<readonly PartitionLag[]> {
    return this.#admin.lag(`BrigadeProc-${INPUT}-${processor}`, INPUT);
  }
}

/** Connected, idempotent, and patient: it repeats until the broker is back. */
export async function openProducer(address: string): Promise<Producer> {
  const kafka = new Kafka({ clientId: "chaos-load", brokers: [address], logLevel: logLevel.NOTHING });
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    retry: { retries: 1_000_000, initialRetryTime: 100, maxRetryTime: 500 },
  });
  await producer.connect();
  return producer;
}

function settledBy(committed: readonly PartitionLag[]): (record: RecordId) => boolean {
  const byPartition = new Map(
    committed.map(({ partition, committed, metadata }) => {
      const watermark = committed ?? 0;
      const known = decodeCommitMetadata(metadata, watermark);
      return [partition, { watermark, runs: known.type === "known" ? known.runs : [] }];
    }),
  );
  return (record) => {
    const [, partition, offset] = record.split("/").map(Number);
    const { watermark = 0, runs = [] } = byPartition.get(partition!) ?? {};
    return offset! < watermark || runs.some(([from, to]) => offset! >= from && offset! < to);
  };
}

function inPartitionOrder(records: readonly JsonRecord[]): readonly JsonRecord[] {
  return records.toSorted((a, b) => a.partition! - b.partition! || a.offset! - b.offset!);
}
