import { utf8 } from "../../base/bytes.ts";
import type { Header, OutputRecord } from "../../engine/ports.ts";
import { writeUnsignedVarint } from "../protocol/varint.ts";
import { BATCH_HEADER_BYTES, writeBatchHeader } from "./record-batch.ts";

export type RecordContent = Pick<OutputRecord, "key" | "value" | "headers">;

export interface BatchContent {
  /** At least one. */
  readonly records: readonly RecordContent[];
  /** Of all records, ms. */
  readonly timestampMs: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  /** Sequence number of the first record. */
  readonly baseSequence: number;
}

/** Attributes and timestamp delta, both 0 and one byte long. */
const FIXED_BYTES = 2;

/**
 * A record batch of format 2, uncompressed, as an idempotent producer sends it. The grammar of its records stands with
 * `BatchRecordReader`.
 */
export function encodeBatch({ records, timestampMs, ...producer }: BatchContent): Uint8Array {
  const names = new HeaderNames();
  const lengths = records.map((record, index) => recordLength(record, index, names));
  let size = BATCH_HEADER_BYTES;
  for (const length of lengths) size += varintBytes(length) + length;

  const batch = new Uint8Array(size);
  const writer = new RecordWriter(batch, BATCH_HEADER_BYTES, names);
  for (const [index, record] of records.entries()) writer.record(record, index, lengths[index] ?? 0);
  writeBatchHeader(batch, { ...producer, timestampMs, recordCount: records.length });
  return batch;
}

/** Header names in UTF-8: most records of a batch have the same. */
class HeaderNames {
  readonly #known = new Map<string, Uint8Array>();

  bytesOf(name: string): Uint8Array {
    let bytes = this.#known.get(name);
    if (bytes === undefined) {
      bytes = utf8(name);
      this.#known.set(name, bytes);
    }
    return bytes;
  }
}

class RecordWriter {
  readonly #bytes: Uint8Array;
  readonly #names: HeaderNames;
  #at: number;

  constructor(bytes: Uint8Array, at: number, names: HeaderNames) {
    this.#bytes = bytes;
    this.#at = at;
    this.#names = names;
  }

  record({ key, value, headers }: RecordContent, offsetDelta: number, length: number): void {
    this.#varint(length);
    this.#at += FIXED_BYTES;
    this.#varint(offsetDelta);
    this.#field(key);
    this.#field(value);
    this.#varint(headers.length);
    for (const [name, content] of headers) {
      this.#field(this.#names.bytesOf(name));
      this.#field(content);
    }
  }

  #field(field: Uint8Array | null): void {
    if (field === null) return this.#varint(-1);
    this.#varint(field.byteLength);
    this.#bytes.set(field, this.#at);
    this.#at += field.byteLength;
  }

  #varint(value: number): void {
    this.#at = writeUnsignedVarint(this.#bytes, this.#at, zigzag(value));
  }
}

/** Of what follows the length itself. */
function recordLength({ key, value, headers }: RecordContent, offsetDelta: number, names: HeaderNames): number {
  let length = FIXED_BYTES + varintBytes(offsetDelta) + fieldBytes(key) + fieldBytes(value);
  length += varintBytes(headers.length);
  for (const header of headers) length += headerBytes(header, names);
  return length;
}

function headerBytes([name, content]: Header, names: HeaderNames): number {
  return fieldBytes(names.bytesOf(name)) + fieldBytes(content);
}

function fieldBytes(field: Uint8Array | null): number {
  return field === null ? 1 : varintBytes(field.byteLength) + field.byteLength;
}

/** For −1 (null), and lengths and counts up to 2^31 − 1. */
function zigzag(value: number): number {
  return value < 0 ? 1 : value * 2;
}

function varintBytes(value: number): number {
  const bits = zigzag(value);
  if (bits < 2 ** 7) return 1;
  if (bits < 2 ** 14) return 2;
  if (bits < 2 ** 21) return 3;
  return bits < 2 ** 28 ? 4 : 5;
}
