import { showUtf8 } from "../base/bytes.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { parseDuration } from "../base/duration.ts";
import { BrigadeError, describeError, UsageError } from "../base/errors.ts";
import { createLogger, type Logger } from "../base/log.ts";
import { systemRandom } from "../base/random.ts";
import type { HostPort } from "../config/settings.ts";
import type { InputRecord } from "../engine/ports.ts";
import { KafkaInput } from "../kafka/input.ts";
import { tailTopic } from "../kafka/tail.ts";
import { type CliCommand, type CliIo, exitCodes, parseCliArgs } from "./command.ts";
import { kafkaAddress } from "./kafka-address.ts";
import { recordToJson } from "./record-json.ts";

const usage = `Usage: brigade consume TOPIC [options]

Prints the value of each new record, one a line, until Ctrl-C. Without --group nothing is committed, and no consumer
group remains behind.

  --from-beginning       begin with the oldest record that still exists; with --group only where it never committed
  --count N              end after N records
  --timeout D            end when D went by without a record ("10s"); before --count is reached that is a failure
  --json                 print each record as a JSON object: topic, partition, offset, timestamp, key, value, headers;
                         what is no UTF-8 as keyBase64, valueBase64
  --group G              read as a member of this consumer group, and commit what was printed
  --kafka HOST:PORT[,…]  default: KAFKA_ADDRESS, else 127.0.0.1:9092
`;

interface ConsumeOptions {
  readonly brokers: readonly HostPort[];
  readonly topic: string;
  readonly fromBeginning: boolean;
  readonly group: string | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Ends the reading with its result, and is no failure. */
class Finished extends BrigadeError {
  override readonly name = "Finished";
  readonly code = "finished";
  readonly fault = "input";
}

export const consumeCommand: CliCommand = createConsumeCommand(systemClock);

export function createConsumeCommand(clock: Clock): CliCommand {
  return {
    name: "consume",
    summary: "print the records of a topic",
    usage,
    run: (args, io) => consume(args, io, clock),
  };
}

async function consume(args: readonly string[], io: CliIo, clock: Clock): Promise<number> {
  const { values, positionals } = parseCliArgs({
    args: [...args],
    options: {
      kafka: { type: "string" },
      group: { type: "string" },
      "from-beginning": { type: "boolean", default: false },
      count: { type: "string" },
      timeout: { type: "string" },
      json: { type: "boolean", default: false },
    },
    allowPositionals: true,
  });
  const [topic, ...others] = positionals;
  if (topic === undefined || others.length > 0) throw new UsageError("consume takes one TOPIC");
  const count = parseCount(values.count);
  const timeoutMs = parseTimeout(values.timeout);
  const options: ConsumeOptions = {
    brokers: kafkaAddress(values.kafka, io),
    topic,
    fromBeginning: values["from-beginning"],
    group: values.group,
    clock,
    log: createLogger({
      sink: ({ message, fields }) => io.stderr(`${message}: ${String(fields.error)}\n`),
      level: "warn",
    }),
  };
  const printed = await print(options, { count, timeoutMs, json: values.json }, io);
  if (count === undefined || printed >= count || timeoutMs === undefined) return exitCodes.success;
  io.stderr(`${printed} of ${count} records came before ${values.timeout} went by without one\n`);
  return exitCodes.failure;
}

function parseCount(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 1) throw new UsageError(`--count is ${text}, must be 1 or more`);
  return count;
}

function parseTimeout(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseDuration(text);
  if (ms === undefined || ms <= 0) throw new UsageError(`--timeout is ${text}, must be a duration such as 10s`);
  return ms;
}

interface Limits {
  readonly count: number | undefined;
  readonly timeoutMs: number | undefined;
  readonly json: boolean;
}

/** @returns how many records were printed */
async function print(options: ConsumeOptions, { count, timeoutMs, json }: Limits, io: CliIo): Promise<number> {
  const end = new AbortController();
  const signal = AbortSignal.any([io.signal, end.signal]);
  let printed = 0;
  let stopTimer = (): void => undefined;
  const restartTimer = (): void => {
    stopTimer();
    if (timeoutMs === undefined) return;
    stopTimer = options.clock.schedule(timeoutMs, () => end.abort(new Finished("Nothing came in time")));
  };
  const onRecords = (records: readonly InputRecord[]): number => {
    const shown = records.slice(0, count === undefined ? undefined : count - printed);
    const lines = shown.map((record) => (json ? recordToJson(record) : showUtf8(record.value ?? new Uint8Array(0))));
    if (lines.length > 0) {
      io.stdout(`${lines.join("\n")}\n`);
      restartTimer();
    }
    printed += shown.length;
    if (count !== undefined && printed >= count) end.abort(new Finished("All have come"));
    return shown.length;
  };
  restartTimer();
  try {
    if (options.group === undefined) await readDirectly(options, onRecords, signal);
    else await readAsGroup(options, options.group, onRecords, signal);
  } finally {
    stopTimer();
  }
  return printed;
}

/** @returns how many of the records were taken, from the first */
type OnRecords = (records: readonly InputRecord[]) => number;

function kafkaOptions({ brokers }: ConsumeOptions): { brokers: readonly HostPort[]; clientId: string } {
  return { brokers, clientId: "brigade-consume" };
}

async function readDirectly(options: ConsumeOptions, onRecords: OnRecords, signal: AbortSignal): Promise<void> {
  const { topic, fromBeginning, clock, log } = options;
  const from = fromBeginning ? "earliest" : "latest";
  await tailTopic(
    { kafka: kafkaOptions(options), topic, from, clock, random: systemRandom, log, signal },
    ({ records }) => onRecords(records),
  );
}

async function readAsGroup(
  options: ConsumeOptions,
  group: string,
  onRecords: OnRecords,
  signal: AbortSignal,
): Promise<void> {
  const { topic, fromBeginning, clock, log } = options;
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
  const input = new KafkaInput({
    kafka: kafkaOptions(options),
    topic,
    group,
    clock,
    random: systemRandom,
    log,
  });
  const commits = new Set<Promise<void>>();
  const stop = (): void => resolve();
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  await input.start((event) => {
    if (signal.aborted) return;
    switch (event.type) {
      case "assigned":
        for (const { partition, committed, logStartOffset, logEndOffset } of event.partitions) {
          const start = fromBeginning ? logStartOffset : logEndOffset;
          const position = Math.min(Math.max(committed?.offset ?? start, logStartOffset), logEndOffset);
          input.seek(event.epoch, partition, position);
        }
        input.resume(event.partitions.map(({ partition }) => partition));
        break;
      case "received": {
        const taken = onRecords(event.records);
        const offset = event.records[taken]?.offset ?? event.nextOffset;
        const commit = input
          .commit(event.epoch, [{ partition: event.partition, offset, metadata: "" }])
          // Another member may print it once more: a group reads at least once.
          .catch((error: unknown) => log.warn("not committed", { error: describeError(error) }))
          .finally(() => commits.delete(commit));
        commits.add(commit);
        break;
      }
      case "refused":
        reject(event.error);
        break;
      case "interrupted":
        log.warn("reading interrupted", { error: describeError(event.error) });
    }
  });
  try {
    await ended;
    await Promise.all(commits);
  } finally {
    signal.removeEventListener("abort", stop);
    await input.close();
  }
}
