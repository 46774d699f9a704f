import { resolve } from "node:path";
import { decodeUtf8, utf8 } from "../base/bytes.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { parseDuration } from "../base/duration.ts";
import { describeError, InputError, UsageError } from "../base/errors.ts";
import { createLogger, type LogSink, silentLogger } from "../base/log.ts";
import { systemRandom } from "../base/random.ts";
import type { OutputRecord } from "../engine/ports.ts";
import { abortable } from "../kafka/abortable.ts";
import { KafkaAdmin } from "../kafka/admin.ts";
import { KafkaOutput } from "../kafka/output.ts";
import { type CliCommand, exitCodes, parseCliArgs } from "./command.ts";
import { kafkaAddress } from "./kafka-address.ts";
import { LineSender } from "./line-sender.ts";
import { splitLines } from "./lines.ts";
import { type RecordContent, recordFromJson } from "./record-json.ts";

const usage = `Usage: brigade produce TOPIC [FILE] [options]

Sends each line of FILE, or of standard input, as a record. Lines end with a line feed, which is left out; whatever
else is in them is sent byte for byte. An empty line is a record with an empty value.

  --key K                every record gets this key
  --key-separator SEP    what stands in front of the first SEP of a line is its key; a line without SEP has none
  --json                 each line is a JSON object with key, value and headers, as "brigade consume --json" prints it
  --timeout D            give up when Kafka has acknowledged nothing for so long although something waits; default
                         "30s", "0s" never
  --kafka HOST:PORT[,…]  default: KAFKA_ADDRESS, else 127.0.0.1:9092

Records without a key are spread evenly over the partitions. Prints how many were acknowledged. Whatever goes wrong
half-way, it says how many that were, and at which line to begin again so that none is missing.
`;

export function createProduceCommand(stdin: () => AsyncIterable<Uint8Array>, clock: Clock = systemClock): CliCommand {
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
          timeout: { type: "string", default: "30s" },
        },
        allowPositionals: true,
      });
      const [topic, file, ...others] = positionals;
      if (topic === undefined || others.length > 0) throw new UsageError("produce takes a TOPIC and at most one FILE");
      const toRecord = recordReader(values);
      const patienceMs = parsePatience(values.timeout);
      const kafka = { brokers: kafkaAddress(values.kafka, io), clientId: "brigade-produce" };
      let trouble: string | undefined;
      const sink: LogSink = ({ fields }) => {
        if (fields.error !== undefined) trouble = describeError(fields.error);
      };
      const log = createLogger({ sink, level: "warn" });
      const output = new KafkaOutput({ kafka, clock, random: systemRandom, log });
      // A producer waits for as long as it takes; a person who mistyped the address should not.
      await new KafkaAdmin({ kafka, clock, log: silentLogger }).topicExists(topic);
      await output.start();
      const sender = new LineSender({
        send: (record, signal) => output.send([record], { signal }),
        clock,
        patienceMs,
        trouble: () => trouble,
      });
      try {
        const chunks = file === undefined ? stdin() : readFile(resolve(io.cwd, file));
        const ofTopic = (line: Uint8Array, number: number): OutputRecord => ({ topic, ...toRecord(line, number) });
        await sendAll(splitLines(chunks), ofTopic, sender, io.signal);
        io.stdout(`${sender.lines} record${sender.lines === 1 ? "" : "s"} produced to ${topic}\n`);
        return exitCodes.success;
      } catch (error) {
        const progress = sender.progress();
        if (progress !== undefined) io.stderr(`${progress}\n`);
        throw error;
      } finally {
        sender.close();
        await output.close();
      }
    },
  };
}

export const produceCommand: CliCommand = createProduceCommand(() => Bun.stdin.stream());

/** "0s" is for ever. */
function parsePatience(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new UsageError(`--timeout is "${text}", must be a duration such as "30s"`);
  return ms === 0 ? Number.POSITIVE_INFINITY : ms;
}

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

/** Sends while it reads. Whoever waits for a line that does not come hears of a failure all the same. */
async function sendAll(
  lines: AsyncIterator<Uint8Array>,
  toRecord: (line: Uint8Array, number: number) => OutputRecord,
  sender: LineSender,
  signal: AbortSignal,
): Promise<void> {
  const ended = AbortSignal.any([signal, sender.failed]);
  try {
    for (;;) {
      const next = await abortable(lines.next(), ended);
      if (next.done === true) break;
      await abortable(sender.add(toRecord(next.value, sender.lines + 1)), ended);
    }
  } catch (error) {
    // What stands before a line that cannot be read is sent all the same.
    if (!ended.aborted) await abortable(sender.finished(), ended);
    throw error;
  }
  await abortable(sender.finished(), ended);
}
