import { ProtocolError } from "../protocol/errors.ts";

/** Compressed bytes that are cut, damaged, or unpack to too much. */
export class DecompressError extends ProtocolError {}

/** Where LZ77 blocks (snappy, lz4) are unpacked: grows, and copies from what it already holds. */
export class BlockOutput {
  #bytes: Uint8Array;
  #length = 0;
  readonly #maxBytes: number;

  constructor(expectedBytes: number, maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#bytes = new Uint8Array(Math.min(Math.max(expectedBytes, 64), maxBytes));
  }

  append(part: Uint8Array): void {
    this.#reserve(part.byteLength);
    this.#bytes.set(part, this.#length);
    this.#length += part.byteLength;
  }

  /** Repeats `length` bytes that begin `distance` before the end; they may overlap what is being written. */
  repeat(distance: number, length: number): void {
    if (distance < 1 || distance > this.#length) {
      throw new DecompressError(
        `Cannot unpack a record batch: it refers ${distance} bytes back, there are ${this.#length}`,
      );
    }
    this.#reserve(length);
    const bytes = this.#bytes;
    let to = this.#length;
    if (distance >= length) {
      bytes.copyWithin(to, to - distance, to - distance + length);
    } else {
      for (const end = to + length; to < end; to++) bytes[to] = bytes[to - distance] ?? 0;
    }
    this.#length += length;
  }

  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.byteLength) return;
    if (needed > this.#maxBytes) {
      throw new DecompressError(`Cannot unpack a record batch: it has more than ${this.#maxBytes} bytes`);
    }
    const larger = new Uint8Array(Math.min(this.#maxBytes, Math.max(needed, 2 * this.#bytes.byteLength)));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}
