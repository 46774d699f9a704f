import { giveBack, noBytes } from "./bytes.ts";

const SMALLEST = 256;

/** Bytes that come in parts, in one array: memory grows with what has come, never with what was announced. */
export class GrowingBytes {
  #buffer: Uint8Array = noBytes;
  #length = 0;

  get byteLength(): number {
    return this.#length;
  }

  /** What has come so far; good until the next {@link append}. */
  get view(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  /** @param atMost how many there will be, where that is known: no more room is taken */
  append(bytes: Uint8Array, atMost = Number.POSITIVE_INFINITY): void {
    const needed = this.#length + bytes.byteLength;
    if (needed > this.#buffer.byteLength) {
      const room = Math.min(Math.max(needed, 2 * this.#length, SMALLEST), Math.max(needed, atMost));
      const grown = new Uint8Array(room);
      grown.set(this.view);
      giveBack(this.#buffer);
      this.#buffer = grown;
    }
    this.#buffer.set(bytes, this.#length);
    this.#length = needed;
  }

  /** All of it, for good; what is appended later begins anew. */
  take(): Uint8Array {
    const all = this.view;
    this.#buffer = noBytes;
    this.#length = 0;
    return all;
  }
}
