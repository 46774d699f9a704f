import { concatBytes, noBytes } from "../base/bytes.ts";

/** Keeps the last `limitBytes` of all that passes. */
export class TailBuffer {
  readonly #limit: number;
  #bytes = noBytes;

  constructor(limitBytes: number) {
    this.#limit = limitBytes;
  }

  add(chunk: Uint8Array): void {
    const all = this.#bytes.byteLength === 0 ? chunk : concatBytes([this.#bytes, chunk]);
    // Copied where it is cut, so that the rest of a large chunk is not kept alive.
    this.#bytes = all.byteLength <= this.#limit ? all : all.slice(all.byteLength - this.#limit);
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }
}
