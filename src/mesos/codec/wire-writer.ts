const TWO_TO_32 = 4_294_967_296;
const encoder = new TextEncoder();

/**
 * Writes protocol buffer primitives into a buffer that grows.
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 */
export class WireWriter {
  #bytes = new Uint8Array(512);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#at);
  }

  tag(number: number, wireType: number): void {
    this.uint32((number << 3) | wireType);
  }

  uint32(value: number): void {
    this.#ensure(5);
    let rest = value >>> 0;
    while (rest > 0x7f) {
      this.#bytes[this.#at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.#at++] = rest;
  }

  /** Any whole number, signed or not; negative ones take ten bytes. */
  int64(value: number): void {
    if (value >= 0 && value < TWO_TO_32) {
      this.uint32(value);
      return;
    }
    this.#ensure(10);
    let rest = BigInt.asUintN(64, BigInt(Math.trunc(value)));
    while (rest > 0x7fn) {
      this.#bytes[this.#at++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#bytes[this.#at++] = Number(rest);
  }

  double(value: number): void {
    this.#ensure(8);
    this.#view.setFloat64(this.#at, value, true);
    this.#at += 8;
  }

  bytes(value: Uint8Array): void {
    this.uint32(value.byteLength);
    this.#ensure(value.byteLength);
    this.#bytes.set(value, this.#at);
    this.#at += value.byteLength;
  }

  string(value: string): void {
    const start = this.open();
    // At most three bytes of UTF-8 for each unit of UTF-16.
    this.#ensure(value.length * 3);
    this.#at += encoder.encodeInto(value, this.#bytes.subarray(this.#at)).written;
    this.close(start);
  }

  /** Starts something whose length is not known yet; the result is for {@link close}. */
  open(): number {
    this.#ensure(1);
    this.#at += 1;
    return this.#at;
  }

  /** Puts the length in front. One byte was kept for it; a longer one moves the content up. */
  close(start: number): void {
    const length = this.#at - start;
    let extra = 0;
    for (let rest = length >>> 7; rest > 0; rest >>>= 7) extra++;
    if (extra > 0) {
      this.#ensure(extra);
      this.#bytes.copyWithin(start + extra, start, this.#at);
    }
    this.#at = start - 1;
    this.uint32(length);
    this.#at += length;
  }

  #ensure(more: number): void {
    const needed = this.#at + more;
    if (needed <= this.#bytes.byteLength) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.byteLength * 2));
    grown.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
