import { utf8 } from "../../src/base/bytes.ts";
import { type Random, randomInt } from "../../src/base/random.ts";
import type { InputRecord } from "../../src/engine/ports.ts";
import { type Fact, recordKey } from "./facts.ts";
import { type Broker, RECORD_HEADER } from "./kafka/broker.ts";
import type { Programs } from "./mesos/programs.ts";
import { drawNature, type Nature, type Profile } from "./profile.ts";
import type { VirtualTime } from "./time.ts";

/** Key and value of each record have at most so many bytes. */
export const RECORD_BYTES = 40;

export interface InputRecordsOptions {
  readonly profile: Profile;
  readonly time: VirtualTime;
  readonly random: Random;
  readonly broker: Broker;
  readonly programs: Programs;
  readonly observe: (fact: Fact) => void;
  readonly note: (text: string) => void;
}

/** Whoever writes the input: records at random times, each with its nature. */
export class InputRecords {
  readonly #options: InputRecordsOptions;
  #written = 0;

  constructor(options: InputRecordsOptions) {
    this.#options = options;
  }

  get written(): number {
    return this.#written;
  }

  start(): void {
    const { profile, time, random } = this.#options;
    for (let i = 0; i < profile.records; i++) {
      const atMs = i === 0 ? 0 : random.next() * profile.faultsUntilMs * 0.8;
      time.schedule(atMs, () => this.#write());
    }
  }

  #write(): void {
    const { profile, time, random, broker, programs, observe, note } = this.#options;
    const partition = randomInt(random, profile.partitions);
    const log = broker.input[partition]!;
    // Now and then an offset that no reader sees.
    if (randomInt(random, 8) === 0) {
      observe({ type: "gap-written", record: recordKey(partition, log.end) });
      log.append(() => null);
    }
    const key = randomInt(random, 4) === 0 ? null : `key-${randomInt(random, profile.keys)}`;
    const nature = drawNature(random, profile.theme);
    const record = recordKey(partition, log.end);
    programs.setNature(record, nature);
    if (nature.type === "output-refused") broker.refusedOutputs.add(record);
    observe({ type: "record-written", record, lane: this.#laneOf(partition, key) });
    note(`${record} ${describeNature(nature)}`);
    log.append((offset) => inputRecord(partition, offset, key, time.nowMs));
    this.#written++;
  }

  #laneOf(partition: number, key: string | null): string | undefined {
    const { ordering } = this.#options.profile.versions[0];
    if (ordering === "partition") return `${partition}`;
    return ordering === "key" && key !== null ? `${partition} ${key}` : undefined;
  }
}

function inputRecord(partition: number, offset: number, key: string | null, timestampMs: number): InputRecord {
  return {
    topic: "in",
    partition,
    offset,
    timestampMs,
    key: key === null ? null : utf8(key),
    value: utf8(`value of ${partition}/${offset}`),
    headers: [[RECORD_HEADER, utf8(recordKey(partition, offset))]],
  };
}

function describeNature(nature: Nature): string {
  return "times" in nature ? `${nature.type} ${nature.times} times` : nature.type;
}
