import { GrowingBytes } from "../base/growing-bytes.ts";
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
  readonly #bytes = new GrowingBytes();

  /** @param maxBytes largest frame accepted; a longer one fails rather than grow memory */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @throws {ZooKeeperProtocolError} a length is negative or over the bound; nothing more can be split then */
  push(chunk: Uint8Array): Uint8Array[] {
    this.#bytes.append(chunk);
    const { view } = this.#bytes;
    const frames: Uint8Array[] = [];
    let at = 0;
    for (let end = this.#endOfFrame(view, at); end !== undefined; end = this.#endOfFrame(view, at)) {
      frames.push(view.slice(at + LENGTH_BYTES, end));
      at = end;
    }
    if (at > 0) this.#bytes.append(this.#bytes.take().subarray(at));
    return frames;
  }

  #endOfFrame(bytes: Uint8Array, start: number): number | undefined {
    if (bytes.byteLength - start < LENGTH_BYTES) return undefined;
    const length = new DataView(bytes.buffer, bytes.byteOffset).getInt32(start);
    if (length < 0 || length > this.#maxBytes) {
      throw new ZooKeeperProtocolError(`Cannot read frame: its length is ${length}, must be 0 to ${this.#maxBytes}`);
    }
    const end = start + LENGTH_BYTES + length;
    return end <= bytes.byteLength ? end : undefined;
  }
}
