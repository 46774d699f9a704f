import type { ProcessorSpec } from "../config/processor.ts";
import type { Header, InputRecord, OutputRecord } from "./ports.ts";

/** What Kafka adds around a record that travels alone. */
const ENVELOPE_BYTES = 128;

/** What a success sends, stdout with the input's key and headers: nothing without output topic, or if it is empty and to be dropped. */
export function successRecords(
  spec: Pick<ProcessorSpec, "output" | "emptyOutput">,
  record: InputRecord,
  stdout: Uint8Array,
): readonly OutputRecord[] {
  if (spec.output === null || (stdout.byteLength === 0 && spec.emptyOutput === "drop")) return [];
  return [{ topic: spec.output, key: record.key, value: stdout, headers: record.headers }];
}

/** What a topic must take (`max.message.bytes`) for it, at most. */
export function recordBytes({ key, value, headers }: Omit<OutputRecord, "topic">): number {
  return ENVELOPE_BYTES + (key?.byteLength ?? 0) + (value?.byteLength ?? 0) + headersBytes(headers);
}

function headersBytes(headers: readonly Header[]): number {
  return headers.reduce((sum, [name, value]) => sum + 3 * name.length + (value?.byteLength ?? 0) + 10, 0);
}
