import { decodeUtf8 } from "../base/bytes.ts";
import type { Header } from "../engine/ports.ts";
import { type RunRequest, type RunSpec, recordId } from "../engine/run-wire.ts";

export const STANDARD_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Linux refuses to start a program with a longer variable than 128 KiB, name included (E2BIG). */
const LONGEST_VALUE_BYTES = 120_000;

/**
 * The environment of a program: `env` of its processor, then the program's contract, which nothing overrides. A process
 * gets {@link STANDARD_PATH} below it, a container what its image says. Nothing of the executor's own environment is in it (it may hold the agent's token).
 *
 * - `BRIGADE_PROCESSOR`, `_TOPIC`, `_PARTITION`, `_OFFSET`, `_ATTEMPT`, `_TIMESTAMP` (ms since 1970)
 * - `BRIGADE_RECORD_ID`: equal in all runs of a record
 * - `BRIGADE_KEY`, or `BRIGADE_KEY_BASE64` where the key is no text; neither where it is null
 * - `BRIGADE_HEADERS`: `[{"name":"a","value":"text"},{"name":"b","base64":"/w=="}]`, in the record's order;
 *   a null value is `null`
 * - `BRIGADE_NULL=1`: the value is null, and not the empty value
 * - `BRIGADE_OMITTED`: names of variables that Linux could not pass for their size, separated by spaces
 *
 * The executor adds `BRIGADE_OWNER` (orphan-guard.ts), which is no part of the contract.
 */
export function programEnvironment({ spec, record, attempt }: RunRequest): Record<string, string> {
  const contract: Record<string, string> = {
    BRIGADE_TOPIC: record.topic,
    BRIGADE_PARTITION: String(record.partition),
    BRIGADE_OFFSET: String(record.offset),
    BRIGADE_TIMESTAMP: String(record.timestampMs),
    BRIGADE_ATTEMPT: String(attempt),
    BRIGADE_RECORD_ID: recordId(record),
    BRIGADE_HEADERS: record.headers.length === 0 ? "[]" : JSON.stringify(record.headers.map(headerAsJson)),
  };
  if (record.key !== null) {
    const text = passableText(record.key);
    if (text === undefined) contract["BRIGADE_KEY_BASE64"] = Buffer.from(record.key).toString("base64");
    else contract["BRIGADE_KEY"] = text;
  }
  if (record.value === null) contract["BRIGADE_NULL"] = "1";

  const omitted = Object.keys(contract).filter((name) => Buffer.byteLength(contract[name] ?? "") > LONGEST_VALUE_BYTES);
  for (const name of omitted) delete contract[name];
  if (omitted.length > 0) contract["BRIGADE_OMITTED"] = omitted.join(" ");

  return Object.assign(processorEnvironment(spec), contract);
}

/** The part of it that is equal in all runs: what a program sees that was started before its record was known. */
export function processorEnvironment({ name, env }: RunSpec): Record<string, string> {
  const ofUser = env.filter(([variable]) => !recordVariables.has(variable));
  return { ...Object.fromEntries(ofUser), BRIGADE_PROCESSOR: name };
}

/** What is told of a record. Where the contract leaves it out, it must not come from `env` of the processor either. */
const recordVariables: ReadonlySet<string> = new Set([
  "BRIGADE_TOPIC",
  "BRIGADE_PARTITION",
  "BRIGADE_OFFSET",
  "BRIGADE_TIMESTAMP",
  "BRIGADE_ATTEMPT",
  "BRIGADE_RECORD_ID",
  "BRIGADE_KEY",
  "BRIGADE_KEY_BASE64",
  "BRIGADE_HEADERS",
  "BRIGADE_NULL",
  "BRIGADE_OMITTED",
]);

type HeaderJson = { name: string; value: string | null } | { name: string; base64: string };

function headerAsJson([name, value]: Header): HeaderJson {
  if (value === null) return { name, value };
  const text = decodeUtf8(value);
  return text === undefined ? { name, base64: Buffer.from(value).toString("base64") } : { name, value: text };
}

/** Text that an environment variable can hold: valid UTF-8 without NUL. */
function passableText(bytes: Uint8Array): string | undefined {
  return bytes.includes(0) ? undefined : decodeUtf8(bytes);
}
