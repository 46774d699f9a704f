import { utf8 } from "../base/bytes.ts";

/** Writes jute; see jute-reader.ts. */
export class JuteWriter {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;

  boolean(value: boolean): this {
    const at = this.#take(1);
    this.#view.setInt8(at, value ? 1 : 0);
    return this;
  }

  int(value: number): this {
    const at = this.#take(4);
    this.#view.setInt32(at, value);
    return this;
  }

  long(value: bigint): this {
    const at = this.#take(8);
    this.#view.setBigInt64(at, value);
    return this;
  }

  buffer(value: Uint8Array): this {
    this.int(value.byteLength);
    const start = this.#take(value.byteLength);
    this.#bytes.set(value, start);
    return this;
  }

  text(value: string): this {
    return this.buffer(utf8(value));
  }

  vector<T>(items: readonly T[], item: (value: T) => void): this {
    this.int(items.length);
    for (const value of items) item(value);
    return this;
  }

  /** Bytes that are jute already, without a length. */
  raw(value: Uint8Array): this {
    const start = this.#take(value.byteLength);
    this.#bytes.set(value, start);
    return this;
  }

  /** What was written: a view, final. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }

  /** The place of the next bytes. May replace buffer and view: use them only after it. */
  #take(length: number): number {
    const start = this.#at;
    const needed = start + length;
    if (needed > this.#bytes.byteLength) {
      const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.byteLength));
      grown.set(this.#bytes.subarray(0, start));
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.#at = needed;
    return start;
  }
}
