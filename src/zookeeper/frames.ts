import { noBytes } from "../base/bytes.ts";
import { ZooKeeperProtocolError } from "./errors.ts";

const LENGTH_BYTES = 4;

/** A message as it goes over the wire: its length in 32 bits, big-endian, before it. */
export function frame(message: Uint8Array): Uint8Array {
  const framed = new Uint8Array(LENGTH_BYTES + message.byteLength);
  new DataView(framed.buffer).setInt32(0, message.byteLength);
  framed.set(message, LENGTH_BYTES);
  return framed;
}

/**
 * Splits a byte stream into frames. Chunks may cut anywhere, also inside the length.
 *
 * A frame is the caller's to keep. Memory grows with what has come, never with what a length announces.
 */
export class FrameSplitter {
  readonly #maxBytes: number;
  /** What is not split yet stands at its beginning. */
  #buffer: Uint8Array = noBytes;
  #have = 0;

  /** @param maxBytes largest frame accepted; a longer one fails rather than grow memory */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @throws {ZooKeeperProtocolError} a length is negative or over the bound; nothing more can be split then */
  push(chunk: Uint8Array): Uint8Array[] {
    this.#append(chunk);
    const frames: Uint8Array[] = [];
    let at = 0;
    for (let end = this.#endOfFrame(at); end !== undefined; end = this.#endOfFrame(at)) {
      frames.push(this.#buffer.slice(at + LENGTH_BYTES, end));
      at = end;
    }
    this.#dropUntil(at);
    return frames;
  }

  #endOfFrame(start: number): number | undefined {
    if (this.#have - start < LENGTH_BYTES) return undefined;
    const length = new DataView(this.#buffer.buffer, this.#buffer.byteOffset).getInt32(start);
    if (length < 0 || length > this.#maxBytes) {
      throw new ZooKeeperProtocolError(`Cannot read frame: its length is ${length}, must be 0 to ${this.#maxBytes}`);
    }
    const end = start + LENGTH_BYTES + length;
    return end <= this.#have ? end : undefined;
  }

  #append(chunk: Uint8Array): void {
    const needed = this.#have + chunk.byteLength;
    if (needed > this.#buffer.byteLength) {
      const grown = new Uint8Array(Math.max(needed, 2 * this.#have));
      grown.set(this.#buffer.subarray(0, this.#have));
      this.#buffer = grown;
    }
    this.#buffer.set(chunk, this.#have);
    this.#have = needed;
  }

  #dropUntil(at: number): void {
    if (at === 0) return;
    this.#buffer = this.#buffer.slice(at, this.#have);
    this.#have = this.#buffer.byteLength;
  }
}
