import { CodecError } from "./errors.ts";

const TWO_TO_32 = 4_294_967_296;
/** Groups inside groups that are skipped before the bytes count as garbage. Mesos uses none. */
const MAX_GROUP_DEPTH = 32;
/** Messages inside messages, as protocol buffers' own libraries limit them. */
const MAX_MESSAGE_DEPTH = 100;

/**
 * Reads protocol buffer primitives from a byte array, which must not change meanwhile.
 *
 * 64-bit integers come as numbers, rounded beyond 2^53.
 *
 * @throws {CodecError} `malformed`, from every method, where the bytes end early or make no sense
 * @see https://protobuf.dev/programming-guides/encoding/
 */
export class WireReader {
  /** Reading stops here: the end of the bytes, or of the sub-message being read. */
  end: number;
  #at = 0;
  readonly #buffer: Buffer;
  #low = 0;
  #high = 0;
  #depth = 0;

  constructor(bytes: Uint8Array) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.end = bytes.byteLength;
  }

  get done(): boolean {
    return this.#at >= this.end;
  }

  /** The next field's number and wire type as one: `number << 3 | type`. */
  tag(): number {
    const tag = this.uint32();
    if (tag >>> 3 === 0) throw malformed("field number 0");
    return tag;
  }

  uint32(): number {
    this.#varint();
    return this.#low >>> 0;
  }

  int32(): number {
    this.#varint();
    return this.#low | 0;
  }

  uint64(): number {
    this.#varint();
    return (this.#high >>> 0) * TWO_TO_32 + (this.#low >>> 0);
  }

  int64(): number {
    this.#varint();
    return (this.#high | 0) * TWO_TO_32 + (this.#low >>> 0);
  }

  bool(): boolean {
    this.#varint();
    return (this.#low | this.#high) !== 0;
  }

  double(): number {
    const at = this.#advance(8);
    return this.#buffer.readDoubleLE(at);
  }

  /** A copy: the bytes read from may be overwritten afterwards. */
  bytes(): Uint8Array {
    const length = this.uint32();
    const at = this.#advance(length);
    const copy = new Uint8Array(length);
    copy.set(this.#buffer.subarray(at, at + length));
    return copy;
  }

  /** What is not UTF-8 becomes U+FFFD. */
  string(): string {
    const length = this.uint32();
    const at = this.#advance(length);
    return this.#buffer.toString("utf8", at, at + length);
  }

  /** Narrows {@link end} to the sub-message that starts here; the result is the former end, for {@link leave}. */
  enter(): number {
    const length = this.uint32();
    const outer = this.end;
    if (length > outer - this.#at) throw malformed("a sub-message is cut short");
    if (++this.#depth > MAX_MESSAGE_DEPTH) throw malformed("messages are nested too deep");
    this.end = this.#at + length;
    return outer;
  }

  leave(outer: number): void {
    this.#depth--;
    this.end = outer;
  }

  /** Passes over a field's value. */
  skip(wireType: number, depth = 0): void {
    switch (wireType) {
      case 0:
        this.#varint();
        return;
      case 1:
        this.#advance(8);
        return;
      case 2:
        this.#advance(this.uint32());
        return;
      case 3:
        if (depth >= MAX_GROUP_DEPTH) throw malformed("groups are nested too deep");
        for (let tag = this.tag(); (tag & 7) !== 4; tag = this.tag()) this.skip(tag & 7, depth + 1);
        return;
      case 5:
        this.#advance(4);
        return;
      default:
        throw malformed(`wire type ${wireType}`);
    }
  }

  #advance(length: number): number {
    const at = this.#at;
    if (length > this.end - at) throw malformed("a field is cut short");
    this.#at = at + length;
    return at;
  }

  /** Leaves the value in `#low` and `#high`, 32 bits each. */
  #varint(): void {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.#at >= this.end) throw malformed("a number is cut short");
      const byte = this.#buffer[this.#at++] ?? 0;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (shift - 32);
      if (byte < 0x80) {
        this.#low = low;
        this.#high = high;
        return;
      }
    }
    throw malformed("a number has more than ten bytes");
  }
}

function malformed(what: string): CodecError {
  return new CodecError("malformed", what);
}
