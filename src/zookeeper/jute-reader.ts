import { decodeUtf8, noBytes } from "../base/bytes.ts";
import { ZooKeeperProtocolError } from "./errors.ts";

/**
 * Reads jute, ZooKeeper's encoding: big-endian numbers, and lengths of 32 bits before text, bytes and vectors, −1 for
 * null.
 *
 * Whatever does not fit into what is left throws, before memory is taken for it. Bytes are copies.
 *
 * @throws {ZooKeeperProtocolError} from every method
 */
export class JuteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get remaining(): number {
    return this.#bytes.byteLength - this.#at;
  }

  boolean(): boolean {
    return this.#view.getInt8(this.#take(1)) !== 0;
  }

  int(): number {
    return this.#view.getInt32(this.#take(4));
  }

  /** Ids of sessions and transactions use all 64 bits. */
  long(): bigint {
    return this.#view.getBigInt64(this.#take(8));
  }

  /** Null reads as empty: to ZooKeeper's own clients a node without data is either. */
  buffer(): Uint8Array {
    const length = this.#length("bytes");
    if (length <= 0) return noBytes;
    const start = this.#take(length);
    return this.#bytes.slice(start, start + length);
  }

  text(): string {
    const length = this.#length("text");
    if (length <= 0) return "";
    const start = this.#take(length);
    const text = decodeUtf8(this.#bytes.subarray(start, start + length));
    if (text === undefined) throw new ZooKeeperProtocolError("Cannot read text: it is not UTF-8");
    return text;
  }

  /** @param leastBytes that an item takes: a count that cannot be true is refused before anything is read */
  vector<T>(leastBytes: number, item: () => T): T[] {
    const count = this.#length("vector");
    if (count * leastBytes > this.remaining) {
      throw new ZooKeeperProtocolError(`Cannot read vector: it claims ${count} items in ${this.remaining} bytes`);
    }
    const items: T[] = [];
    for (let i = 0; i < count; i++) items.push(item());
    return items;
  }

  #length(what: string): number {
    const length = this.int();
    if (length < -1) throw new ZooKeeperProtocolError(`Cannot read ${what}: its length is ${length}`);
    return length;
  }

  #take(length: number): number {
    const start = this.#at;
    if (length > this.remaining) {
      throw new ZooKeeperProtocolError(`Cannot read frame: ${length} bytes are wanted, ${this.remaining} are left`);
    }
    this.#at = start + length;
    return start;
  }
}
