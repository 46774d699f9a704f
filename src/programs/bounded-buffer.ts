import { noBytes } from "../base/bytes.ts";

/**
 * Gathers bytes up to a limit. Its memory is bounded by the limit (twice that while it grows), in however small pieces
 * the bytes come.
 */
export class BoundedBuffer {
  readonly #limit: number;
  #bytes = noBytes;
  #length = 0;

  constructor(limitBytes: number) {
    this.#limit = limitBytes;
  }

  /** Takes what fits. @returns false where something did not */
  add(chunk: Uint8Array): boolean {
    const part = chunk.subarray(0, this.#limit - this.#length);
    if (this.#length === 0) {
      // Nearly all outputs come in one piece, which is then kept as it is.
      this.#bytes = part;
    } else {
      this.#reserve(this.#length + part.byteLength);
      this.#bytes.set(part, this.#length);
    }
    this.#length += part.byteLength;
    return part.byteLength === chunk.byteLength;
  }

  /** A view of what was taken. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(neededBytes: number): void {
    if (neededBytes <= this.#bytes.byteLength) return;
    const larger = new Uint8Array(Math.min(this.#limit, Math.max(neededBytes, 2 * this.#bytes.byteLength, 1024)));
    larger.set(this.bytes);
    this.#bytes = larger;
  }
}
