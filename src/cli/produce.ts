import { resolve } from "node:path";
import { decodeUtf8, utf8 } from "../base/bytes.ts";
import { systemClock } from "../base/clock.ts";
import { InputError, UsageError } from "../base/errors.ts";
import { silentLogger } from "../base/log.ts";
import { systemRandom } from "../base/random.ts";
import { KafkaAdmin } from "../kafka/admin.ts";
import { KafkaOutput } from "../kafka/output.ts";
import { Wakeup } from "../kafka/wakeup.ts";
import { type CliCommand, exitCodes, parseCliArgs } from "./command.ts";
import { kafkaAddress } from "./kafka-address.ts";
import { splitLines } from "./lines.ts";
import { type RecordContent, recordFromJson } from "./record-json.ts";

const usage = `Usage: brigade produce TOPIC [FILE] [options]

Sends each line of FILE, or of standard input, as a record. Lines end with a line feed, which is left out; whatever
else is in them is sent byte for byte. An empty line is a record with an empty value.

  --key K                every record gets this key
  --key-separator SEP    what stands in front of the first SEP of a line is its key; a line without SEP has none
  --json                 each line is a JSON object with key, value and headers, as "brigade consume --json" prints it
  --kafka HOST:PORT[,…]  default: KAFKA_ADDRESS, else 127.0.0.1:9092

Records without a key are spread evenly over the partitions. Prints how many were acknowledged.
`;

/** So much is read ahead of what Kafka has acknowledged. */
const MAX_WAITING_RECORDS = 20_000;
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

export function createProduceCommand(stdin: () => AsyncIterable<Uint8Array>): CliCommand {
  return {
    name: "produce",
    summary: "send lines of a file or of standard input to a topic",
    usage,
    async run(args, io) {
      const { values, positionals } = parseCliArgs({
        args: [...args],
        options: {
          kafka: { type: "string" },
          key: { type: "string" },
          "key-separator": { type: "string" },
          json: { type: "boolean", default: false },
        },
        allowPositionals: true,
      });
      const [topic, file, ...others] = positionals;
      if (topic === undefined || others.length > 0) throw new UsageError("produce takes a TOPIC and at most one FILE");
      const toRecord = recordReader(values);
      const kafka = { brokers: kafkaAddress(values.kafka, io), clientId: "brigade-produce" };
      const output = new KafkaOutput({ kafka, clock: systemClock, random: systemRandom, log: silentLogger });
      // A producer waits for as long as it takes; a person who mistyped the address should not.
      await new KafkaAdmin({ kafka, clock: systemClock, log: silentLogger }).topicExists(topic);
      await output.start();
      try {
        const chunks = file === undefined ? stdin() : readFile(resolve(io.cwd, file));
        const count = await sendAll(output, topic, splitLines(chunks), toRecord, io.signal);
        io.stdout(`${count} record${count === 1 ? "" : "s"} produced to ${topic}\n`);
        return exitCodes.success;
      } finally {
        await output.close();
      }
    },
  };
}

export const produceCommand: CliCommand = createProduceCommand(() => Bun.stdin.stream());

interface KeyOptions {
  readonly key?: string | undefined;
  readonly "key-separator"?: string | undefined;
  readonly json: boolean;
}

type RecordReader = (line: Uint8Array, number: number) => RecordContent;

function recordReader({ key, "key-separator": separator, json }: KeyOptions): RecordReader {
  const given = [key !== undefined, separator !== undefined, json].filter(Boolean).length;
  if (given > 1) throw new UsageError("--key, --key-separator and --json exclude each other");
  if (separator === "") throw new UsageError("--key-separator is empty");
  if (json) {
    return (line, number) => {
      const text = decodeUtf8(line);
      if (text === undefined) throw new InputError(`Cannot produce line ${number}: it is not UTF-8`);
      return recordFromJson(text, number);
    };
  }
  if (separator !== undefined) {
    const mark = Buffer.from(separator);
    return (line) => {
      const at = Buffer.from(line.buffer, line.byteOffset, line.byteLength).indexOf(mark);
      if (at === -1) return { key: null, value: line, headers: [] };
      return { key: line.subarray(0, at), value: line.subarray(at + mark.byteLength), headers: [] };
    };
  }
  const keyBytes = key === undefined ? null : utf8(key);
  return (line) => ({ key: keyBytes, value: line, headers: [] });
}

async function* readFile(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* Bun.file(path).stream();
  } catch (cause) {
    throw new InputError(`Cannot read ${path}`, { cause });
  }
}

/** Sends while it reads, with a bound on what is on its way; the first failure ends it. */
async function sendAll(
  output: KafkaOutput,
  topic: string,
  lines: AsyncIterable<Uint8Array>,
  toRecord: RecordReader,
  signal: AbortSignal,
): Promise<number> {
  const sends = new BoundedSends();
  let number = 0;
  for await (const line of lines) {
    signal.throwIfAborted();
    const record = { topic, ...toRecord(line, ++number) };
    sends.add(output.send([record], { signal }), line.byteLength);
    await sends.room();
  }
  await sends.finished();
  return number;
}

class BoundedSends {
  #records = 0;
  #bytes = 0;
  #failure: { readonly error: unknown } | undefined;
  readonly #wakeup = new Wakeup();

  add(sent: Promise<void>, bytes: number): void {
    this.#records++;
    this.#bytes += bytes;
    sent
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        this.#records--;
        this.#bytes -= bytes;
        this.#wakeup.wake();
      });
  }

  /** Resolves when more may be added, and rejects when one has failed. */
  room(): Promise<void> {
    return this.#until(() => this.#records < MAX_WAITING_RECORDS && this.#bytes < MAX_WAITING_BYTES);
  }

  finished(): Promise<void> {
    return this.#until(() => this.#records === 0);
  }

  async #until(condition: () => boolean): Promise<void> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure.error;
      if (condition()) return;
      await this.#wakeup.wait();
    }
  }
}
