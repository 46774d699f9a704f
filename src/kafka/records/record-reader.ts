import type { Header } from "../../engine/ports.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { readZigzagVarint } from "../protocol/varint.ts";
import type { RecordBatchHeader } from "./record-batch.ts";
import { kept, type RecordReader, type StoredRecord } from "./stored-batch.ts";

const noHeaders: readonly Header[] = [];

/**
 * Reads the records of a batch of format 2, one after the other.
 *
 * ```
 * Record => length:varint attributes:int8 timestampDelta:varlong offsetDelta:varint
 *           keyLength:varint key valueLength:varint value headerCount:varint [Header]
 * Header => keyLength:varint key:utf8 valueLength:varint value
 * ```
 *
 * Lengths are zigzag varints; −1 stands for null, which a header's name cannot be.
 *
 * @see https://kafka.apache.org/documentation/#record
 */
export class BatchRecordReader implements RecordReader {
  readonly #header: RecordBatchHeader;
  readonly #bytes: Uint8Array;
  /** The same memory: only a Buffer makes text of a range without a view of it. */
  readonly #text: Buffer;
  /** Where the header names of the record before stood: they are mostly the same again. */
  readonly #names: { readonly start: number; readonly length: number; readonly text: string }[] = [];
  #at = 0;
  #remaining: number;
  /** Where the record before stands in the batch. */
  #lastDelta = -1;

  /** @param bytes all records, unpacked */
  constructor(header: RecordBatchHeader, bytes: Uint8Array) {
    this.#header = header;
    // Not a Buffer, whose slice() is no copy.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#remaining = header.recordCount;
  }

  get remaining(): number {
    return this.#remaining;
  }

  read(offset: number): StoredRecord | undefined {
    const { baseOffset, lastOffsetDelta, baseTimestampMs, maxTimestampMs, isLogAppendTime } = this.#header;
    while (this.#remaining > 0) {
      const length = this.#varint();
      const end = this.#at + length;
      if (length < 0 || end > this.#bytes.byteLength) throw malformed(`a record claims ${length} bytes`);
      this.#remaining--;
      this.#at++; // attributes: unused
      const timestampDelta = this.#varint();
      const offsetDelta = this.#varint();
      if (offsetDelta <= this.#lastDelta || offsetDelta > lastOffsetDelta) {
        throw malformed(
          `a record stands at +${offsetDelta}, must be at +${this.#lastDelta + 1} to +${lastOffsetDelta}`,
        );
      }
      this.#lastDelta = offsetDelta;
      const recordOffset = baseOffset + offsetDelta;
      if (recordOffset < offset) {
        this.#at = end;
        this.#checkEnd();
        continue;
      }
      const timestampMs = isLogAppendTime ? maxTimestampMs : baseTimestampMs + timestampDelta;
      const key = this.#field(end);
      const value = this.#field(end);
      const headers = this.#headers(end);
      if (this.#at !== end) throw malformed(`a record of ${length} bytes ends ${this.#at - end} bytes too late`);
      this.#checkEnd();
      return { offset: recordOffset, timestampMs, key, value, headers };
    }
    return undefined;
  }

  #checkEnd(): void {
    if (this.#remaining > 0 || this.#at === this.#bytes.byteLength) return;
    throw malformed(`there are more bytes than ${this.#header.recordCount} records have`);
  }

  #headers(end: number): readonly Header[] {
    const count = this.#varint();
    if (count === 0) return noHeaders;
    // Each takes two bytes at least.
    if (count < 0 || count > (end - this.#at) / 2) throw malformed(`a record claims ${count} headers`);
    const headers: Header[] = [];
    for (let index = 0; index < count; index++) headers.push([this.#name(index, end), this.#field(end)]);
    return headers;
  }

  #name(index: number, end: number): string {
    const length = this.#varint();
    const start = this.#at;
    if (length < 0 || start + length > end) throw malformed(`a header's name claims ${length} bytes`);
    this.#at = start + length;
    const known = this.#names[index];
    if (known?.length === length && this.#equal(known.start, start, length)) return known.text;
    const text = this.#text.toString("utf8", start, start + length);
    this.#names[index] = { start, length, text };
    return text;
  }

  #field(end: number): Uint8Array | null {
    const length = this.#varint();
    if (length === -1) return null;
    const start = this.#at;
    if (length < 0 || start + length > end) throw malformed(`a field claims ${length} bytes`);
    this.#at = start + length;
    return kept(this.#bytes, start, start + length);
  }

  #equal(a: number, b: number, length: number): boolean {
    for (let i = 0; i < length; i++) if (this.#bytes[a + i] !== this.#bytes[b + i]) return false;
    return true;
  }

  #varint(): number {
    const { value, end } = readZigzagVarint(this.#bytes, this.#at);
    this.#at = end;
    return value;
  }
}

function malformed(why: string): ProtocolError {
  return new ProtocolError(`Cannot read records of a batch: ${why}`);
}
