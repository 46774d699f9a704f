import type { Header } from "../../engine/ports.ts";

/** A record as it stands in a batch. Its bytes are its own: see `kept`. */
export interface StoredRecord {
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly Header[];
}

/** Reads the records of one batch, in offset order. */
export interface RecordReader {
  /** Records not read or skipped yet. */
  readonly remaining: number;
  /**
   * The next record at `offset` or behind it; those before it are skipped. undefined at the end.
   * @throws {ProtocolError} the bytes are no records, or not as many as there should be
   */
  read(offset: number): StoredRecord | undefined;
}

/** What a log is made of: a record batch, or a message of the formats before Kafka 0.11. Its checksum was right. */
export interface StoredBatch {
  /** Where the first record may stand; of an old message the offset of its last. */
  readonly baseOffset: number;
  /** Offset of the last record that was written; compaction may have taken it, or all of them. */
  readonly lastOffset: number;
  /** −1 where the producer is not idempotent. */
  readonly producerId: number;
  readonly isTransactional: boolean;
  readonly isControl: boolean;
  /**
   * Unpacks the records.
   * @throws {ProtocolError}
   */
  open(): RecordReader;
}

/**
 * A field that may outlive the buffer that it came in: a view where it makes up most of that buffer, else a copy. So
 * a small record that waits for hours does not keep a whole answer in memory.
 */
export function kept(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return (end - start) * 2 > bytes.buffer.byteLength ? bytes.subarray(start, end) : bytes.slice(start, end);
}

/** The same for bytes that are a view as a whole. */
export function keptWhole(view: Uint8Array): Uint8Array {
  // Of a Buffer, slice() would be no copy.
  return kept(new Uint8Array(view.buffer, view.byteOffset, view.byteLength), 0, view.byteLength);
}
