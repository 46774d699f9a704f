import { showUtf8 } from "../../../src/base/bytes.ts";
import type { OutputRecord } from "../../../src/engine/ports.ts";
import { type Fact, type RecordKey, recordKey, type SchedulerName } from "../facts.ts";
import type { VirtualTime } from "../time.ts";
import { Coordinator } from "./coordinator.ts";
import { PartitionLog } from "./log.ts";

/** Header of each input record, by which its outputs are known again. */
export const RECORD_HEADER = "simulation-record";

/** The whole of Kafka: the input's partitions, one consumer group, and the topics that results go to. */
export class Broker {
  readonly input: readonly PartitionLog[];
  readonly group: Coordinator;
  /** Output records that it will never take. */
  readonly refusedOutputs = new Set<RecordKey>();
  /** While this lasts nobody may write to the output topic. */
  topicRefusedUntilMs = 0;
  readonly #time: VirtualTime;
  readonly #observe: (fact: Fact) => void;
  readonly #onRefused: () => void;

  constructor(
    time: VirtualTime,
    partitions: number,
    options: {
      readonly observe: (fact: Fact) => void;
      readonly onExpired: () => void;
      readonly onRebalance: () => void;
      readonly onRefused: () => void;
    },
  ) {
    const { observe, onExpired, onRebalance, onRefused } = options;
    this.#time = time;
    this.#observe = observe;
    this.#onRefused = onRefused;
    this.input = Array.from({ length: partitions }, () => new PartitionLog());
    this.group = new Coordinator(time, partitions, {
      assigned: (owners) => {
        onRebalance();
        observe({ type: "assigned", owners });
      },
      committed: (scheduler, partition, { offset, metadata }) =>
        observe({ type: "committed", scheduler, partition, offset, metadata }),
      expired: onExpired,
    });
  }

  produce(scheduler: SchedulerName, records: readonly OutputRecord[]): "ok" | "record-refused" | "topic-refused" {
    for (const record of records) {
      const { key, as } = identify(record);
      if (as === "output" && this.refusedOutputs.has(key)) {
        this.#onRefused();
        this.#observe({ type: "output-refused", record: key });
        return "record-refused";
      }
      if (as === "output" && this.topicRefusedUntilMs > this.#time.nowMs) {
        this.#observe({ type: "output-unclear", record: key });
        return "topic-refused";
      }
      const reason = headerOf(record, "brigade.error.reason") ?? "";
      this.#observe({ type: "output-written", scheduler, record: key, as, reason });
    }
    return "ok";
  }
}

/** Whose output it is, and of which kind. One whose input is gone from Kafka lacks the input's headers. */
export function identify(record: OutputRecord): { readonly key: RecordKey; readonly as: "output" | "error" } {
  const inHeader = headerOf(record, RECORD_HEADER);
  const as = record.topic.startsWith("out") ? "output" : "error";
  const told = as === "output" ? outputOf(record) : errorOf(record);
  const key = inHeader ?? told;
  if (key === undefined) throw new Error(`nothing tells whose ${as} it is`);
  if (told !== undefined && told !== key) throw new Error(`an ${as} of ${key} names ${told}`);
  return { key, as };
}

/** By what the program printed, where it printed anything. */
function outputOf({ value }: OutputRecord): RecordKey | undefined {
  return value === null ? undefined : /^done (.+)$/.exec(showUtf8(value))?.[1];
}

function errorOf(record: OutputRecord): RecordKey {
  const number = (name: string): number => Number(headerOf(record, `brigade.error.${name}`));
  return recordKey(number("partition"), number("offset"));
}

function headerOf({ headers }: OutputRecord, name: string): string | undefined {
  const value = headers.find(([one]) => one === name)?.[1];
  return value == null ? undefined : showUtf8(value);
}
