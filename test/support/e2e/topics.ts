import { systemClock } from "../../../src/base/clock.ts";
import { silentLogger } from "../../../src/base/log.ts";
import { parseHostPorts } from "../../../src/config/addresses.ts";
import { KafkaAdmin } from "../../../src/kafka/admin.ts";
import { PATIENCE_MS } from "./eventually.ts";
import type { World } from "./world.ts";

/** A record as `brigade produce --json` takes it and `brigade consume --json` prints it. */
export interface JsonRecord {
  readonly partition?: number;
  readonly offset?: number;
  readonly key?: string | null;
  readonly keyBase64?: string;
  readonly value?: string | null;
  readonly valueBase64?: string;
  readonly headers?: readonly JsonHeader[];
}

export interface JsonHeader {
  readonly name: string;
  readonly value?: string;
  readonly valueBase64?: string;
}

/** The topics of a Kafka, written and read by the compiled binary. */
export class Topics {
  readonly #world: World;
  readonly #kafka: string;
  readonly #admin: KafkaAdmin;

  constructor(world: World, kafka: string) {
    this.#world = world;
    this.#kafka = kafka;
    const brokers = parseHostPorts(kafka) ?? [];
    const common = { clock: systemClock, log: silentLogger, timeoutMs: PATIENCE_MS };
    this.#admin = new KafkaAdmin({ kafka: { brokers, clientId: "e2e" }, ...common });
  }

  async create(topic: string, partitions: number): Promise<void> {
    await this.#admin.ensureTopics([topic], { partitions, replication: 1 });
  }

  /** Records in all partitions; 0 where the topic is not there. */
  async size(topic: string): Promise<number> {
    if (!(await this.#admin.topicExists(topic))) return 0;
    const ends = await this.#admin.endOffsets(topic);
    return [...ends.values()].reduce((sum, end) => sum + end, 0);
  }

  async produce(topic: string, records: readonly JsonRecord[]): Promise<void> {
    const stdin = records.map((record) => `${JSON.stringify(record)}\n`).join("");
    await this.#world.mustRun(["produce", topic, "--json", "--kafka", this.#kafka], { stdin });
  }

  /** Values without keys. */
  async produceValues(topic: string, values: readonly string[]): Promise<void> {
    await this.produce(
      topic,
      values.map((value) => ({ value })),
    );
  }

  /** All that stands in a topic now. */
  async read(topic: string): Promise<readonly JsonRecord[]> {
    const size = await this.size(topic);
    if (size === 0) return [];
    const args = ["consume", topic, "--from-beginning", "--count", String(size), "--json", "--kafka", this.#kafka];
    const out = await this.#world.mustRun(args);
    return out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as JsonRecord);
  }

  /** Sorted, since partitions and concurrency keep no order. */
  async values(topic: string): Promise<string[]> {
    return (await this.read(topic)).map(({ value }) => value ?? "(null)").sort();
  }
}

/** A header's text. */
export function header({ headers = [] }: JsonRecord, name: string): string | undefined {
  return headers.find((one) => one.name === name)?.value;
}
