import { concatBytes } from "../../../base/bytes.ts";
import { ProtocolError } from "./errors.ts";

const LENGTH_BYTES = 4;

export interface FrameSplitterOptions {
  /** Largest frame accepted, without its length (Kafka's `socket.request.max.bytes`). */
  readonly maxBytes: number;
}

/**
 * Splits a byte stream into the frames of Kafka's protocol.
 *
 * Shape: `<length as int32, big-endian><that many bytes>`, repeated. Chunks may cut anywhere, also inside the length.
 * A frame that lies within one chunk is a view of it; one that spans several is copied together once. Memory is taken
 * only for bytes that have arrived, whatever length was announced.
 */
export class FrameSplitter {
  readonly #maxBytes: number;
  #parts: Uint8Array[] = [];
  #buffered = 0;

  constructor({ maxBytes }: FrameSplitterOptions) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes of a frame that has not arrived in full. */
  get bufferedBytes(): number {
    return this.#buffered;
  }

  /** @throws {ProtocolError} a length is negative or over the limit; the stream cannot be read any further */
  push(chunk: Uint8Array): Uint8Array[] {
    this.#parts.push(chunk);
    this.#buffered += chunk.byteLength;
    const frames: Uint8Array[] = [];
    for (;;) {
      const length = this.#nextLength();
      if (length === undefined || this.#buffered < LENGTH_BYTES + length) return frames;
      const all = this.#joined();
      const end = LENGTH_BYTES + length;
      frames.push(all.subarray(LENGTH_BYTES, end));
      this.#parts = end === all.byteLength ? [] : [all.subarray(end)];
      this.#buffered -= end;
    }
  }

  #nextLength(): number | undefined {
    if (this.#buffered < LENGTH_BYTES) return undefined;
    if ((this.#parts[0]?.byteLength ?? 0) < LENGTH_BYTES) this.#joined();
    const head = this.#parts[0];
    if (head === undefined) return undefined;
    const length = new DataView(head.buffer, head.byteOffset, LENGTH_BYTES).getInt32(0);
    if (length < 0 || length > this.#maxBytes) {
      throw new ProtocolError(`Cannot read request: its length is ${length}, must be 0 to ${this.#maxBytes}`);
    }
    return length;
  }

  #joined(): Uint8Array {
    const [first] = this.#parts;
    if (first !== undefined && this.#parts.length === 1) return first;
    const all = concatBytes(this.#parts);
    this.#parts = [all];
    return all;
  }
}
