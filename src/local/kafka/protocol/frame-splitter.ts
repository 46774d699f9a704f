import { concatBytes } from "../../../base/bytes.ts";
import { ProtocolError } from "../../../kafka/protocol/errors.ts";

const LENGTH_BYTES = 4;

export interface FrameSplitterOptions {
  /** Largest frame accepted now, without its length. */
  readonly maxBytes: () => number;
  /** How many bytes {@link headProblem} looks at. */
  readonly headBytes: number;
  /**
   * Why no frame begins like this, or undefined where one does. Asked as soon as the first bytes of a frame are here,
   * so that nobody waits for the rest of what is garbage.
   */
  readonly headProblem: (head: Uint8Array) => string | undefined;
}

/**
 * Splits a byte stream into the frames of Kafka's protocol.
 *
 * Shape: `<length as int32, big-endian><that many bytes>`, repeated. Chunks may cut anywhere, also inside the length.
 * A frame that lies within one chunk is a view of it; one that spans several is copied together once. Memory is taken
 * only for bytes that have arrived, whatever length was announced.
 */
export class FrameSplitter {
  readonly #options: FrameSplitterOptions;
  /** What arrived of the frame that comes next, its length included; the first part holds the length and the head. */
  #parts: Uint8Array[] = [];
  #buffered = 0;
  #checked = false;

  constructor(options: FrameSplitterOptions) {
    this.#options = options;
  }

  /** Bytes of a frame that has not arrived in full. */
  get bufferedBytes(): number {
    return this.#buffered;
  }

  /** @throws {ProtocolError} no request begins like this; the stream cannot be read any further */
  push(chunk: Uint8Array): Uint8Array[] {
    this.#parts.push(chunk);
    this.#buffered += chunk.byteLength;
    const frames: Uint8Array[] = [];
    for (let length = this.#nextLength(); length !== undefined; length = this.#nextLength()) {
      const end = LENGTH_BYTES + length;
      if (this.#buffered < end) break;
      const all = this.#joined();
      frames.push(all.subarray(LENGTH_BYTES, end));
      this.#parts = end === all.byteLength ? [] : [all.subarray(end)];
      this.#buffered -= end;
      this.#checked = false;
    }
    return frames;
  }

  #nextLength(): number | undefined {
    if (this.#buffered < LENGTH_BYTES) return undefined;
    const head = this.#head();
    const length = new DataView(head.buffer, head.byteOffset, LENGTH_BYTES).getInt32(0);
    if (this.#checked) return length;
    const { headBytes, headProblem } = this.#options;
    const maxBytes = this.#options.maxBytes();
    if (length < 0 || length > maxBytes) {
      throw new ProtocolError(`Cannot read request: its length is ${length}, must be 0 to ${maxBytes}`);
    }
    if (this.#buffered >= LENGTH_BYTES + headBytes) {
      this.#checked = true;
      const problem = headProblem(head.subarray(LENGTH_BYTES, LENGTH_BYTES + headBytes));
      if (problem !== undefined) throw new ProtocolError(`Cannot read request: ${problem}`);
    }
    return length;
  }

  /** Length and head in one piece, as far as they are here. */
  #head(): Uint8Array {
    const [first] = this.#parts;
    const isWhole = first !== undefined && first.byteLength >= LENGTH_BYTES + this.#options.headBytes;
    return isWhole ? first : this.#joined();
  }

  #joined(): Uint8Array {
    const [first] = this.#parts;
    if (first !== undefined && this.#parts.length === 1) return first;
    const all = concatBytes(this.#parts);
    this.#parts = [all];
    return all;
  }
}
