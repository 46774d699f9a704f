import { concatBytes, utf8 } from "../base/bytes.ts";
import { BrigadeError } from "../base/errors.ts";
import { GrowingBytes } from "../base/growing-bytes.ts";

/** The stream is not RecordIO: the place where the next record starts is lost with it. */
export class FramingError extends BrigadeError {
  override readonly name = "FramingError";
  readonly code = "mesos-framing";
  readonly fault = "infrastructure";
}

const LINE_FEED = 10;
const ZERO = 48;
const NINE = 57;

/** OFFERS of a cluster of thousands of agents take some megabytes, a status update with its data four. */
export const defaultMaxRecordBytes = 64 * 1024 * 1024;

/** `<length in ASCII decimal>\n<the record>`. */
export function encodeRecord(record: Uint8Array): Uint8Array {
  return concatBytes([utf8(`${record.byteLength}\n`), record]);
}

/**
 * Splits a byte stream into RecordIO records.
 *
 * Shape: `<length in ASCII decimal>\n<that many bytes>`, repeated. Chunks may cut anywhere, also inside the length, and
 * may hold any number of records. Records are views of the chunk where that holds the whole record, else of a buffer
 * of their own: nothing here writes to them later.
 *
 * @see apache/mesos docs/recordio.md
 */
export class RecordIoDecoder {
  readonly #maxBytes: number;
  /** Of the record that comes next; undefined until its first digit. */
  #length: number | undefined;
  /** Whether its length is complete. */
  #begun = false;
  /** Its bytes so far, where it comes in more than one chunk. */
  readonly #record = new GrowingBytes();

  /** @param maxBytes largest record accepted; a longer one fails rather than grow memory */
  constructor(maxBytes = defaultMaxRecordBytes) {
    this.#maxBytes = maxBytes;
  }

  /** Whether the stream could end here: no record has been begun. */
  get atBoundary(): boolean {
    return this.#length === undefined;
  }

  /**
   * The records that `chunk` completes.
   *
   * @throws {FramingError} a length that is not decimal or over `maxBytes`; the decoder is of no further use then
   */
  push(chunk: Uint8Array): Uint8Array[] {
    const records: Uint8Array[] = [];
    let at = 0;
    while (at < chunk.byteLength) {
      if (this.#begun && this.#length !== undefined) {
        const part = chunk.subarray(at, at + this.#length - this.#record.byteLength);
        this.#record.append(part, this.#length);
        at += part.byteLength;
        if (this.#record.byteLength === this.#length) records.push(this.#take());
        continue;
      }
      const byte = chunk[at++] ?? 0;
      if (byte !== LINE_FEED) {
        this.#digit(byte);
        continue;
      }
      const length = this.#length;
      if (length === undefined) throw new FramingError("Cannot read RecordIO: the length of a record is empty");
      if (length <= chunk.byteLength - at) {
        records.push(chunk.subarray(at, at + length));
        at += length;
        this.#length = undefined;
      } else {
        this.#begun = true;
      }
    }
    return records;
  }

  #digit(byte: number): void {
    if (byte < ZERO || byte > NINE) {
      throw new FramingError(`Cannot read RecordIO: the length of a record has byte ${byte}, must be decimal digits`);
    }
    this.#length = (this.#length ?? 0) * 10 + (byte - ZERO);
    if (this.#length > this.#maxBytes) {
      throw new FramingError(`Cannot read RecordIO: a record has over ${this.#maxBytes} bytes, which is the limit`);
    }
  }

  #take(): Uint8Array {
    this.#begun = false;
    this.#length = undefined;
    return this.#record.take();
  }
}
