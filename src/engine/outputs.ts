import { concatBytes, noBytes, utf8 } from "../base/bytes.ts";
import type { ProcessorSpec } from "../config/processor.ts";
import type { Header, InputRecord, OutputRecord, RunResult } from "./ports.ts";

/*
 * What a finished record sends. A success: stdout with the input's key and headers. A failure: an error record that
 * tells where the input stood and why it failed.
 */

const ERROR_STDERR_BYTES = 8192;
/** Room for what Kafka adds around a record, and for the fixed error headers. */
const ENVELOPE_BYTES = 4096;

/** Zero or one record: nothing where the processor has no output, or the output is empty and to be dropped. */
export function successRecords(
  spec: Pick<ProcessorSpec, "output" | "emptyOutput">,
  record: InputRecord,
  stdout: Uint8Array,
): readonly OutputRecord[] {
  if (spec.output === null || (stdout.byteLength === 0 && spec.emptyOutput === "drop")) return [];
  return [{ topic: spec.output, key: record.key, value: stdout, headers: record.headers }];
}

export interface FailureDetails {
  readonly reason: string;
  readonly attempts: number;
  /** The last run's result; undefined where no run came to an end. */
  readonly result: RunResult | undefined;
}

/**
 * Zero or one record: nothing where the processor has no error topic.
 *
 * @param maxBytes what the error topic takes. What does not fit is cut, in this order: stderr, stdout, the input's
 *   headers, the value; then the header `brigade.error.truncated` names what was cut
 */
export function errorRecords(
  spec: Pick<ProcessorSpec, "error" | "name">,
  record: InputRecord,
  details: FailureDetails,
  maxBytes: number,
): readonly OutputRecord[] {
  if (spec.error === null) return [];
  const { outcome, stdout = noBytes, stderrTail = noBytes } = details.result ?? {};
  const isInput = spec.error.value === "input";
  let value = isInput ? record.value : stdout;
  let stderr = stderrTail.subarray(Math.max(0, stderrTail.byteLength - ERROR_STDERR_BYTES));
  let headers = record.headers;

  const truncated: string[] = [];
  const size = (): number =>
    ENVELOPE_BYTES + (record.key?.byteLength ?? 0) + (value?.byteLength ?? 0) + bytesOf(headers);
  if (size() + stderr.byteLength > maxBytes) {
    stderr = noBytes;
    truncated.push("stderr");
  }
  if (size() > maxBytes && !isInput) {
    value = stdout.subarray(0, Math.max(0, stdout.byteLength - (size() - maxBytes)));
    truncated.push("stdout");
  }
  if (size() > maxBytes) {
    headers = [];
    truncated.push("headers");
  }
  if (size() > maxBytes && value !== null) {
    value = value.subarray(0, Math.max(0, value.byteLength - (size() - maxBytes)));
    truncated.push("value");
  }

  const facts: [name: string, value: string | undefined][] = [
    ["brigade.error.processor", spec.name],
    ["brigade.error.topic", record.topic],
    ["brigade.error.partition", String(record.partition)],
    ["brigade.error.offset", String(record.offset)],
    ["brigade.error.timestamp", record.timestampMs < 0 ? undefined : String(record.timestampMs)],
    ["brigade.error.attempts", String(details.attempts)],
    ["brigade.error.reason", details.reason],
    ["brigade.error.exit-code", outcome?.type === "exited" ? String(outcome.code) : undefined],
    ["brigade.error.signal", outcome?.type === "signaled" ? outcome.signal : undefined],
    ["brigade.error.truncated", truncated.length > 0 ? truncated.join(",") : undefined],
    ["__dlq.errors.topic", record.topic],
    ["__dlq.errors.partition", String(record.partition)],
    ["__dlq.errors.offset", String(record.offset)],
    ["__dlq.errors.message", details.reason],
  ];
  const added: Header[] = facts.flatMap(([name, text]) => (text === undefined ? [] : [[name, utf8(text)] as const]));
  if (stderr.byteLength > 0) added.push(["brigade.error.stderr", concatBytes([stderr])]);
  return [{ topic: spec.error.topic, key: record.key, value, headers: [...headers, ...added] }];
}

function bytesOf(headers: readonly Header[]): number {
  return headers.reduce((sum, [name, value]) => sum + 2 * name.length + (value?.byteLength ?? 0) + 8, 0);
}
