import { writeInt64 } from "./int64.ts";
import { writeUnsignedVarint } from "./varint.ts";

const DEFAULT_CAPACITY = 256;
const UUID_BYTES = 16;

/**
 * Writes the primitive types of Kafka's protocol into a growing buffer.
 *
 * `flexible` is how the message's version writes lengths; see {@link Reader}. A caller that knows how much will come
 * says so with `capacity`, and nothing is copied twice.
 */
export class Writer {
  readonly #flexible: boolean;
  #bytes: Buffer;
  #view: DataView;
  #at = 0;

  constructor(flexible = false, capacity = DEFAULT_CAPACITY) {
    this.#flexible = flexible;
    this.#bytes = Buffer.allocUnsafe(capacity);
    this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.byteLength);
  }

  get length(): number {
    return this.#at;
  }

  /** Makes room for `more` bytes, so that writing them does not grow the buffer again. */
  reserve(more: number): void {
    const needed = this.#at + more;
    if (needed <= this.#bytes.byteLength) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#bytes.byteLength * 2));
    this.#bytes.copy(grown, 0, 0, this.#at);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer, grown.byteOffset, grown.byteLength);
  }

  int8(value: number): void {
    const at = this.#take(1);
    this.#view.setInt8(at, value);
  }

  int16(value: number): void {
    const at = this.#take(2);
    this.#view.setInt16(at, value);
  }

  int32(value: number): void {
    const at = this.#take(4);
    this.#view.setInt32(at, value);
  }

  int64(value: number): void {
    const at = this.#take(8);
    writeInt64(this.#view, at, value);
  }

  boolean(value: boolean): void {
    this.int8(value ? 1 : 0);
  }

  unsignedVarint(value: number): void {
    this.reserve(5);
    this.#at = writeUnsignedVarint(this.#bytes, this.#at, value);
  }

  /** `value` has 32 hexadecimal digits. */
  uuid(value: string): void {
    const start = this.#take(UUID_BYTES);
    this.#bytes.write(value, start, "hex");
  }

  string(value: string): void {
    const length = Buffer.byteLength(value);
    if (this.#flexible) this.unsignedVarint(length + 1);
    else this.int16(length);
    const start = this.#take(length);
    this.#bytes.write(value, start);
  }

  nullableString(value: string | null): void {
    if (value !== null) this.string(value);
    else if (this.#flexible) this.unsignedVarint(0);
    else this.int16(-1);
  }

  bytes(value: Uint8Array): void {
    this.bytesOf([value]);
  }

  /** The parts as one value of type bytes (or records). */
  bytesOf(parts: readonly Uint8Array[]): void {
    let length = 0;
    for (const part of parts) length += part.byteLength;
    if (this.#flexible) this.unsignedVarint(length + 1);
    else this.int32(length);
    this.reserve(length);
    for (const part of parts) this.#bytes.set(part, this.#take(part.byteLength));
  }

  /** `item` is called once for each, in order, and writes it. */
  array<T>(items: readonly T[], item: (value: T) => void): void {
    if (this.#flexible) this.unsignedVarint(items.length + 1);
    else this.int32(items.length);
    for (const value of items) item(value);
  }

  nullableArray<T>(items: readonly T[] | null, item: (value: T) => void): void {
    if (items !== null) this.array(items, item);
    else if (this.#flexible) this.unsignedVarint(0);
    else this.int32(-1);
  }

  /** Ends a structure: no tagged fields in a flexible version, nothing in the others. */
  tags(): void {
    if (this.#flexible) this.unsignedVarint(0);
  }

  /** Overwrites an int32 that was written before, such as a length known only at the end. */
  patchInt32(at: number, value: number): void {
    this.#view.setInt32(at, value);
  }

  /** What was written: a view, final. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }

  /** The place of the next `length` bytes. May replace buffer and view: use them only after it. */
  #take(length: number): number {
    this.reserve(length);
    const start = this.#at;
    this.#at = start + length;
    return start;
  }
}
