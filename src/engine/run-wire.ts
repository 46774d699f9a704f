import { concatBytes, decodeUtf8, noBytes, utf8 } from "../base/bytes.ts";
import { BrigadeError } from "../base/errors.ts";
import type { ProcessorSpec } from "../config/processor.ts";
import type { InputRecord, RunResult } from "./ports.ts";
import { isRequestHead, isResultHead, type RequestHead } from "./run-heads.ts";

/*
 * What travels with a run: the request in TaskInfo.data, the result in TaskStatus.data. Both begin with a version byte,
 * followed by a u32 (big-endian) length, that many bytes of JSON, and the raw bytes that the JSON gives the lengths of.
 *
 *     01 | 00 00 01 2c | {"processor":…,"keyBytes":3,"valueBytes":12,…} | key | value | header values …
 *
 * Each release reads the version before its own.
 */

const REQUEST_VERSION = 2;
const RESULT_VERSION = 1;
const PREFIX_BYTES = 5;

/** The parts of a specification that the place of execution needs. `env` values are secret: they are never logged. */
export type RunSpec = Pick<
  ProcessorSpec,
  | "name"
  | "program"
  | "isolation"
  | "warm"
  | "maxUses"
  | "cpus"
  | "memMb"
  | "volumes"
  | "env"
  | "secrets"
  | "timeoutMs"
  | "maxOutputBytes"
  | "version"
>;

export interface RunRequest {
  readonly spec: RunSpec;
  readonly record: InputRecord;
  readonly attempt: number;
}

/** Bytes that are no request or result of a version known here. */
export class RunWireError extends BrigadeError {
  override readonly name = "RunWireError";
  readonly code = "run-wire";
  readonly fault = "bug";
}

export function runSpec(spec: ProcessorSpec): RunSpec {
  const { name, program, isolation, warm, maxUses, cpus, memMb, volumes, env, secrets } = spec;
  const { timeoutMs, maxOutputBytes, version } = spec;
  return {
    name,
    program,
    isolation,
    warm,
    maxUses,
    cpus,
    memMb,
    volumes,
    env,
    secrets,
    timeoutMs,
    maxOutputBytes,
    version,
  };
}

/** Equal in all runs of a record, and different for any other record of the same topic's lifetime. */
export function recordId(record: Pick<InputRecord, "topic" | "partition" | "offset">): string {
  return `${record.topic}/${record.partition}/${record.offset}`;
}

export function encodeRunRequest({ spec, record, attempt }: RunRequest): Uint8Array {
  const json = {
    spec,
    attempt,
    topic: record.topic,
    partition: record.partition,
    offset: record.offset,
    timestampMs: record.timestampMs,
    keyBytes: record.key?.byteLength ?? null,
    valueBytes: record.value?.byteLength ?? null,
    headers: record.headers.map(([name, value]) => [name, value?.byteLength ?? null]),
  };
  const values = record.headers.map(([, value]) => value ?? noBytes);
  return frame(REQUEST_VERSION, json, [record.key ?? noBytes, record.value ?? noBytes, ...values]);
}

/** @throws {RunWireError} */
export function decodeRunRequest(bytes: Uint8Array): RunRequest {
  const { version, json, rest } = unframe(bytes, [1, REQUEST_VERSION], "run request");
  if (!isRequestHead(json)) throw new RunWireError("Cannot read run request: its head has another shape");
  const head = json as RequestHead<RunSpec | RunSpec1>;
  const take = taker(rest, "run request");
  const key = head.keyBytes === null ? null : take(head.keyBytes);
  const value = head.valueBytes === null ? null : take(head.valueBytes);
  const headers = head.headers.map(([name, length]) => [name, length === null ? null : take(length)] as const);
  const { topic, partition, offset, timestampMs } = head;
  return {
    spec: version === 1 ? fromVersion1(head.spec as RunSpec1) : (head.spec as RunSpec),
    attempt: head.attempt,
    record: { topic, partition, offset, timestampMs, key, value, headers },
  };
}

/** Version 1 knew no options of containers but `forcePull`, no containers but fresh ones, and no secrets. */
interface RunSpec1 extends Omit<RunSpec, "program" | "secrets" | "warm" | "maxUses"> {
  readonly program:
    | Extract<RunSpec["program"], { type: "command" }>
    | (Omit<Extract<RunSpec["program"], { type: "image" }>, "container"> & { readonly forcePull: boolean });
}

function fromVersion1({ program, ...spec }: RunSpec1): RunSpec {
  const added = { secrets: [], warm: 0, maxUses: 1 };
  if (program.type === "command") return { ...spec, ...added, program };
  const { forcePull, ...image } = program;
  return { ...spec, ...added, program: { ...image, container: { pull: forcePull ? "always" : "if-missing" } } };
}

export function encodeRunResult(result: RunResult): Uint8Array {
  const json = {
    outcome: result.outcome,
    durationMs: result.durationMs,
    specVersion: result.specVersion,
    attempt: result.attempt,
    notice: result.notice,
    stdoutBytes: result.stdout.byteLength,
    stderrBytes: result.stderrTail.byteLength,
  };
  return frame(RESULT_VERSION, json, [result.stdout, result.stderrTail]);
}

/** @throws {RunWireError} */
export function decodeRunResult(bytes: Uint8Array): RunResult {
  const { json, rest } = unframe(bytes, [RESULT_VERSION], "run result");
  if (!isResultHead(json)) throw new RunWireError("Cannot read run result: its head has another shape");
  const take = taker(rest, "run result");
  const stdout = take(json.stdoutBytes);
  const stderrTail = take(json.stderrBytes);
  const { outcome, durationMs, specVersion, attempt, notice } = json;
  return {
    outcome,
    durationMs,
    specVersion,
    ...(attempt === undefined ? {} : { attempt }),
    ...(notice === undefined ? {} : { notice }),
    stdout,
    stderrTail,
  };
}

function frame(version: number, json: unknown, parts: readonly Uint8Array[]): Uint8Array {
  const text = utf8(JSON.stringify(json));
  const prefix = new Uint8Array(PREFIX_BYTES);
  prefix[0] = version;
  new DataView(prefix.buffer).setUint32(1, text.byteLength);
  return concatBytes([prefix, text, ...parts]);
}

/** @param known the versions that are read, the newest last */
function unframe(
  bytes: Uint8Array,
  known: readonly number[],
  what: string,
): { version: number; json: unknown; rest: Uint8Array } {
  const [version] = bytes;
  if (version === undefined || bytes.byteLength < PREFIX_BYTES) {
    throw new RunWireError(`Cannot read ${what}: ${bytes.byteLength} bytes`);
  }
  if (!known.includes(version)) {
    throw new RunWireError(`Cannot read ${what}: version ${version}, this Brigade reads ${known.join(" and ")}`);
  }
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(1);
  const end = PREFIX_BYTES + length;
  const text = end <= bytes.byteLength ? decodeUtf8(bytes.subarray(PREFIX_BYTES, end)) : undefined;
  if (text === undefined) throw new RunWireError(`Cannot read ${what}: its head is cut or not UTF-8`);
  try {
    return { version, json: JSON.parse(text), rest: bytes.subarray(end) };
  } catch (cause) {
    throw new RunWireError(`Cannot read ${what}: its head is not JSON`, { cause });
  }
}

function taker(bytes: Uint8Array, what: string): (length: number) => Uint8Array {
  let at = 0;
  return (length) => {
    if (at + length > bytes.byteLength) throw new RunWireError(`Cannot read ${what}: it is cut short`);
    const part = bytes.subarray(at, at + length);
    at += length;
    return part;
  };
}
