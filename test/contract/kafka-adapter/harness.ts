import { showUtf8, utf8 } from "../../../src/base/bytes.ts";
import type { Clock } from "../../../src/base/clock.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { silentLogger } from "../../../src/base/log.ts";
import { systemRandom } from "../../../src/base/random.ts";
import type { HostPort } from "../../../src/config/settings.ts";
import type { InputEvent, InputRecord, OutputRecord } from "../../../src/engine/ports.ts";
import { KafkaAdmin } from "../../../src/kafka/admin.ts";
import { KafkaInput, type KafkaInputOptions } from "../../../src/kafka/input.ts";
import { KafkaOutput } from "../../../src/kafka/output.ts";
import { until } from "../../support/until.ts";

/** A broker under test. It does not make topics by itself. */
export interface TestBroker extends AsyncDisposable {
  readonly address: HostPort;
  /** Breaks all connections, and is back at the same address when it resolves; absent where that cannot be done. */
  restart?(): Promise<void>;
}

export type Assigned = Extract<InputEvent, { type: "assigned" }>;
export type Received = Extract<InputEvent, { type: "received" }>;

const clock: Clock = systemClock;

export function waitUntil<T>(condition: () => T | false | undefined, what: string): Promise<T> {
  return until(condition, what);
}

/** Parts of the adapter at one broker, closed together. */
export class TestClient implements AsyncDisposable {
  readonly kafka: { readonly brokers: readonly HostPort[]; readonly clientId: string };
  readonly admin: KafkaAdmin;
  readonly output: KafkaOutput;
  readonly #members: TestMember[] = [];

  constructor({ address }: TestBroker) {
    this.kafka = { brokers: [address], clientId: "brigade-test" };
    this.admin = new KafkaAdmin({ kafka: this.kafka, clock, log: silentLogger, timeoutMs: 60_000 });
    this.output = new KafkaOutput({ kafka: this.kafka, clock, random: systemRandom, log: silentLogger });
  }

  /** Makes a topic that no other test uses. */
  async topic(partitions = 1): Promise<string> {
    const topic = uniqueName("topic");
    await this.admin.ensureTopics([topic], { partitions, replication: 1 });
    return topic;
  }

  async join(topic: string, group: string, options: MemberOptions = {}): Promise<TestMember> {
    const member = new TestMember(this.kafka, topic, group, options);
    this.#members.push(member);
    await member.start();
    return member;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#members.map((member) => member.input.close()));
    await this.output.close();
  }
}

let names = 0;

export function uniqueName(what: string): string {
  return `${what}-${process.pid}-${Date.now()}-${names++}`;
}

type InputOptions = Pick<KafkaInputOptions, "metadataMs" | "sessionTimeoutMs" | "reader" | "memory">;

export interface MemberOptions extends Partial<InputOptions> {
  /** Whether it reads on from the committed offsets by itself. Default true. */
  readonly reads?: boolean;
}

/** An input that keeps what it was told. */
export class TestMember {
  readonly input: KafkaInput;
  readonly events: InputEvent[] = [];
  readonly records: InputRecord[] = [];
  readonly positions = new Map<number, number>();
  readonly #reads: boolean;

  constructor(
    kafka: KafkaInputOptions["kafka"],
    topic: string,
    group: string,
    { reads = true, metadataMs = 200, sessionTimeoutMs = 30_000, reader = {}, memory }: MemberOptions,
  ) {
    this.#reads = reads;
    const random = systemRandom;
    const ours = { metadataMs, sessionTimeoutMs, reader, memory, heartbeatMs: 100 };
    this.input = new KafkaInput({ kafka, topic, group, clock, random, log: silentLogger, ...ours });
  }

  start(): Promise<void> {
    return this.input.start((event) => {
      this.events.push(event);
      if (event.type === "received") {
        this.records.push(...event.records);
        this.positions.set(event.partition, event.nextOffset);
      }
      if (event.type === "assigned" && this.#reads) this.read(event);
    });
  }

  /** Goes on where it had read, else from the committed offsets, else from the beginning. */
  read({ epoch, partitions }: Assigned): void {
    for (const { partition, committed, logStartOffset } of partitions) {
      this.input.seek(epoch, partition, this.positions.get(partition) ?? committed?.offset ?? logStartOffset);
    }
    this.input.resume(partitions.map(({ partition }) => partition));
  }

  get assignments(): readonly Assigned[] {
    return this.events.filter((event) => event.type === "assigned");
  }

  get values(): readonly string[] {
    return this.records.map(({ value }) => (value === null ? "(null)" : showUtf8(value)));
  }

  /** The newest assignment, once it has so many partitions. */
  assigned(partitions: number): Promise<Assigned> {
    return waitUntil(
      () => {
        const last = this.assignments.at(-1);
        return last?.partitions.length === partitions ? last : undefined;
      },
      `${partitions} partitions are assigned; the events are ${this.events.map(({ type }) => type).join(", ")}`,
    );
  }

  received(count: number): Promise<true> {
    return waitUntil(() => this.records.length >= count || undefined, `${count} records are received`);
  }
}

export function record(topic: string, value: string | null, key: string | null = null): OutputRecord {
  return { topic, key: key === null ? null : utf8(key), value: value === null ? null : utf8(value), headers: [] };
}

export function countUp(count: number): string[] {
  return Array.from({ length: count }, (_, index) => String(index));
}

export const byNumber = (values: readonly string[]): string[] => [...values].sort((a, b) => Number(a) - Number(b));
