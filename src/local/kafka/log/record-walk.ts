import { ProtocolError } from "../../../kafka/protocol/errors.ts";
import { readZigzagVarint } from "../../../kafka/protocol/varint.ts";
import type { RecordBatchHeader } from "../../../kafka/records/record-batch.ts";

/**
 * Goes through the records of a batch without taking them apart: each is checked to be whole, and only what a broker
 * wants to know of it is kept.
 *
 * ```
 * Record => length:varint attributes:int8 timestampDelta:varlong offsetDelta:varint
 *           keyLength:varint key valueLength:varint value headerCount:varint [Header]
 * Header => keyLength:varint key:utf8 valueLength:varint value
 * ```
 *
 * @see https://kafka.apache.org/documentation/#record
 */
export class RecordWalk {
  readonly #bytes: Uint8Array;
  readonly #baseTimestampMs: number;
  readonly #count: number;
  #at = 0;
  #index = -1;

  timestampMs = 0;
  offsetDelta = 0;
  hasKey = false;

  /** @param bytes all records, unpacked */
  constructor(header: RecordBatchHeader, bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#baseTimestampMs = header.baseTimestampMs;
    this.#count = header.recordCount;
  }

  /** Place of the present record in the batch, from 0. */
  get index(): number {
    return this.#index;
  }

  /**
   * Goes to the next record; false behind the last.
   * @throws {ProtocolError} it is not whole, or there are more bytes than records
   */
  next(): boolean {
    if (++this.#index >= this.#count) {
      if (this.#at === this.#bytes.byteLength) return false;
      throw malformed(`there are more bytes than ${this.#count} records have`);
    }
    const length = this.#varint();
    const end = this.#at + length;
    if (length < 0 || end > this.#bytes.byteLength) throw malformed(`a record claims ${length} bytes`);
    this.#at++; // attributes: unused
    this.timestampMs = this.#baseTimestampMs + this.#varint();
    this.offsetDelta = this.#varint();
    this.hasKey = this.#skipField(end);
    this.#skipField(end);
    const headers = this.#varint();
    // Each takes two bytes at least.
    if (headers < 0 || headers > (end - this.#at) / 2) throw malformed(`a record claims ${headers} headers`);
    for (let i = 0; i < headers; i++) {
      if (!this.#skipField(end)) throw malformed("the name of a header is null");
      this.#skipField(end);
    }
    if (this.#at !== end) throw malformed(`a record of ${length} bytes has ${this.#at - end} more`);
    return true;
  }

  /** False where the field is null. */
  #skipField(end: number): boolean {
    const length = this.#varint();
    if (length === -1) return false;
    if (length < 0 || this.#at + length > end) throw malformed(`a field claims ${length} bytes`);
    this.#at += length;
    return true;
  }

  #varint(): number {
    // Most lengths and deltas have one byte.
    const byte = this.#bytes[this.#at];
    if (byte !== undefined && byte < 0x80) {
      this.#at++;
      return (byte >>> 1) ^ -(byte & 1);
    }
    const { value, end } = readZigzagVarint(this.#bytes, this.#at);
    this.#at = end;
    return value;
  }
}

function malformed(why: string): ProtocolError {
  return new ProtocolError(`Cannot read records of a batch: ${why}`);
}
