import { concatBytes, noBytes, utf8 } from "../base/bytes.ts";
import { assertNever } from "../base/errors.ts";
import type { ProcessorSpec } from "../config/processor.ts";
import { recordBytes } from "./outputs.ts";
import type { Header, InputRecord, OutputRecord, RunResult } from "./ports.ts";

/*
 * What a failure sends: an error record that tells where the input stood and why it failed.
 */

const STDERR_BYTES = 8192;
/** Headers that tell of a failure. Those of an earlier one, which an input may bring, would contradict this one's. */
const ofFailures = /^(brigade\.error|__dlq\.errors)\./;
/** Room for the header that names what was cut. */
const TRUNCATED_BYTES = 128;

export interface FailureDetails {
  readonly reason: string;
  readonly attempts: number;
  /** The last run's result; undefined where no run came to an end. */
  readonly result: RunResult | undefined;
  /** The consumer group that gives the record up. */
  readonly group: string;
}

/** What of an error record can be cut. */
interface Parts {
  readonly key: Uint8Array | null;
  /** The input's, or stdout. */
  readonly value: Uint8Array | null;
  /** The input's, without those of an earlier failure. */
  readonly headers: readonly Header[];
  readonly stderr: Uint8Array;
}

type Cut = "stderr" | "stdout" | "headers" | "value" | "key";

/**
 * Zero or one record: nothing where the processor has no error topic.
 *
 * @param maxBytes what the error topic takes. What does not fit is cut, in this order: stderr, stdout, the input's
 *   headers, the value, the key; then the header `brigade.error.truncated` names what was cut
 */
export function errorRecords(
  spec: Pick<ProcessorSpec, "error" | "name">,
  record: InputRecord,
  details: FailureDetails,
  maxBytes: number,
): readonly OutputRecord[] {
  if (spec.error === null) return [];
  const isInput = spec.error.value === "input";
  const { stdout = noBytes, stderrTail = noBytes } = details.result ?? {};
  const facts = factsOf(spec.name, record, details);
  const headersOf = ({ headers, stderr }: Parts): readonly Header[] =>
    stderr.byteLength > 0 ? [...headers, ...facts, ["brigade.error.stderr", stderr]] : [...headers, ...facts];

  const { key } = record;
  const headers = record.headers.filter(([name]) => !ofFailures.test(name));
  const stderr = stderrTail.subarray(Math.max(0, stderrTail.byteLength - STDERR_BYTES));
  let parts: Parts = { key, value: isInput ? record.value : stdout, headers, stderr };
  const done: Cut[] = [];
  for (const cut of isInput ? INPUT_CUTS : STDOUT_CUTS) {
    const size = recordBytes({ key: parts.key, value: parts.value, headers: headersOf(parts) });
    const excess = size + TRUNCATED_BYTES - maxBytes;
    if (excess <= 0) break;
    const smaller = without(parts, cut, excess);
    if (smaller === undefined) continue;
    parts = smaller;
    done.push(cut);
  }

  // A copy: the end of stderr would keep the whole of it in memory.
  const all = [...headersOf({ ...parts, stderr: concatBytes([parts.stderr]) })];
  if (done.length > 0) all.push(["brigade.error.truncated", utf8(done.join(","))]);
  return [{ topic: spec.error.topic, key: parts.key, value: parts.value, headers: all }];
}

const INPUT_CUTS: readonly Cut[] = ["stderr", "headers", "value", "key"];
const STDOUT_CUTS: readonly Cut[] = ["stderr", "stdout", "headers", "key"];

/** undefined: there is nothing of that to cut. */
function without(parts: Parts, cut: Cut, excess: number): Parts | undefined {
  const { key, value, headers, stderr } = parts;
  switch (cut) {
    case "stderr":
      return stderr.byteLength === 0 ? undefined : { ...parts, stderr: noBytes };
    case "headers":
      return headers.length === 0 ? undefined : { ...parts, headers: [] };
    case "stdout":
    case "value":
      if (value === null || value.byteLength === 0) return undefined;
      return { ...parts, value: value.subarray(0, Math.max(0, value.byteLength - excess)) };
    case "key":
      return key === null || key.byteLength === 0 ? undefined : { ...parts, key: null };
    default:
      return assertNever(cut);
  }
}

/** The headers that an error record has besides the input's: ours, and those of KIP-1191 (dead-letter queues). */
function factsOf(processor: string, record: InputRecord, details: FailureDetails): readonly Header[] {
  const { reason, attempts, group, result } = details;
  const outcome = result?.outcome;
  const facts: [name: string, value: string | undefined][] = [
    ["brigade.error.processor", processor],
    ["brigade.error.topic", record.topic],
    ["brigade.error.partition", String(record.partition)],
    ["brigade.error.offset", String(record.offset)],
    ["brigade.error.timestamp", record.timestampMs < 0 ? undefined : String(record.timestampMs)],
    ["brigade.error.attempts", String(attempts)],
    ["brigade.error.reason", reason],
    ["brigade.error.exit-code", outcome?.type === "exited" ? String(outcome.code) : undefined],
    ["brigade.error.signal", outcome?.type === "signaled" ? outcome.signal : undefined],
    ["__dlq.errors.topic", record.topic],
    ["__dlq.errors.partition", String(record.partition)],
    ["__dlq.errors.offset", String(record.offset)],
    ["__dlq.errors.group", group],
    ["__dlq.errors.delivery.count", String(attempts)],
    ["__dlq.errors.message", reason],
  ];
  return facts.flatMap(([name, text]) => (text === undefined ? [] : [[name, utf8(text)] as const]));
}
