import { ProtocolError } from "./errors.ts";
import { readInt64 } from "./int64.ts";
import { readUnsignedVarint } from "./varint.ts";

const UUID_BYTES = 16;

/**
 * Reads the primitive types of Kafka's protocol from one request, left to right.
 *
 * `flexible` is how the message's version writes lengths (KIP-482): compact (`length + 1` as an unsigned varint, 0 for
 * null) or plain (int16 or int32, −1 for null). Bytes are views of the request, never copies. Everything that does not
 * fit into what is left throws, before memory is taken for it.
 *
 * @throws {ProtocolError} from every method
 */
export class Reader {
  readonly #bytes: Buffer;
  readonly #view: DataView;
  #flexible: boolean;
  #at = 0;

  constructor(bytes: Uint8Array, flexible = false) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#flexible = flexible;
  }

  get remaining(): number {
    return this.#bytes.byteLength - this.#at;
  }

  /** The request header tells by its version how the body is written. */
  setFlexible(flexible: boolean): void {
    this.#flexible = flexible;
  }

  int8(): number {
    return this.#view.getInt8(this.#take(1));
  }

  int16(): number {
    return this.#view.getInt16(this.#take(2));
  }

  int32(): number {
    return this.#view.getInt32(this.#take(4));
  }

  int64(): number {
    const value = readInt64(this.#view, this.#take(8));
    if (!Number.isSafeInteger(value)) throw new ProtocolError(`Cannot read int64: ${value} is beyond 2^53`);
    return value;
  }

  boolean(): boolean {
    return this.int8() !== 0;
  }

  unsignedVarint(): number {
    const { value, end } = readUnsignedVarint(this.#bytes, this.#at);
    this.#at = end;
    return value;
  }

  /** 16 bytes, as 32 hexadecimal digits. */
  uuid(): string {
    const start = this.#take(UUID_BYTES);
    return this.#bytes.toString("hex", start, start + UUID_BYTES);
  }

  string(): string {
    return this.nullableString() ?? this.#refuseNull("string");
  }

  nullableString(): string | null {
    const length = this.#flexible ? this.unsignedVarint() - 1 : this.int16();
    if (length < 0) return null;
    const start = this.#take(length);
    return this.#bytes.toString("utf8", start, start + length);
  }

  bytes(): Uint8Array {
    return this.nullableBytes() ?? this.#refuseNull("bytes");
  }

  nullableBytes(): Uint8Array | null {
    const length = this.#flexible ? this.unsignedVarint() - 1 : this.int32();
    if (length < 0) return null;
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  array<T>(item: () => T): T[] {
    return this.nullableArray(item) ?? [];
  }

  nullableArray<T>(item: () => T): T[] | null {
    const length = this.#flexible ? this.unsignedVarint() - 1 : this.int32();
    if (length < 0) return null;
    // Every item takes at least one byte, so a larger count is a lie.
    if (length > this.remaining) {
      throw new ProtocolError(`Cannot read array: it claims ${length} items in ${this.remaining} bytes`);
    }
    const items: T[] = [];
    for (let i = 0; i < length; i++) items.push(item());
    return items;
  }

  /** Skips the tagged fields that end every structure of a flexible version. None of those we know matters here. */
  tags(): void {
    if (!this.#flexible) return;
    for (let count = this.unsignedVarint(); count > 0; count--) {
      this.unsignedVarint();
      this.#take(this.unsignedVarint());
    }
  }

  #take(length: number): number {
    const start = this.#at;
    if (length > this.remaining) {
      throw new ProtocolError(`Cannot read request: ${length} bytes are wanted, ${this.remaining} are left`);
    }
    this.#at = start + length;
    return start;
  }

  #refuseNull(what: string): never {
    throw new ProtocolError(`Cannot read ${what}: it is null, must have a value`);
  }
}
