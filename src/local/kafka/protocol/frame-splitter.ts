import { GrowingBytes } from "../../../base/growing-bytes.ts";
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
 * Each frame has memory of its own, which is the caller's; of the chunk nothing is kept. Memory is taken only for bytes
 * that have arrived, whatever length was announced and however small the chunks are.
 */
export class FrameSplitter {
  readonly #options: FrameSplitterOptions;
  /** What arrived of the frame that comes next, its length included. */
  readonly #gathered = new GrowingBytes();
  #checked = false;

  constructor(options: FrameSplitterOptions) {
    this.#options = options;
  }

  /** Bytes of a frame that has not arrived in full. */
  get bufferedBytes(): number {
    return this.#gathered.byteLength;
  }

  /** @throws {ProtocolError} no request begins like this; the stream cannot be read any further */
  push(chunk: Uint8Array): Uint8Array[] {
    const frames: Uint8Array[] = [];
    for (let at = 0; at < chunk.byteLength; ) {
      const rest = chunk.subarray(at);
      const whole = this.#gathered.byteLength === 0 ? this.#endOf(rest) : undefined;
      if (whole !== undefined && whole <= rest.byteLength) {
        // Of a Buffer, slice() would be no copy.
        frames.push(new Uint8Array(rest.subarray(LENGTH_BYTES, whole)));
        this.#checked = false;
        at += whole;
        continue;
      }
      const wanted = whole ?? this.#endOf(this.#gathered.view) ?? LENGTH_BYTES;
      const part = rest.subarray(0, wanted - this.#gathered.byteLength);
      this.#gathered.append(part, wanted);
      at += part.byteLength;
      if (this.#endOf(this.#gathered.view) === this.#gathered.byteLength) {
        frames.push(this.#gathered.take().subarray(LENGTH_BYTES));
        this.#checked = false;
      }
    }
    return frames;
  }

  /** Where the frame ends that begins here, as soon as its length is known. Checks it, once its head is here as well. */
  #endOf(start: Uint8Array): number | undefined {
    if (start.byteLength < LENGTH_BYTES) return undefined;
    const length = new DataView(start.buffer, start.byteOffset, LENGTH_BYTES).getInt32(0);
    if (!this.#checked) this.#check(length, start);
    return LENGTH_BYTES + length;
  }

  #check(length: number, start: Uint8Array): void {
    const { headBytes, headProblem } = this.#options;
    const maxBytes = this.#options.maxBytes();
    if (length < 0 || length > maxBytes) {
      throw new ProtocolError(`Cannot read request: its length is ${length}, must be 0 to ${maxBytes}`);
    }
    const headEnd = LENGTH_BYTES + headBytes;
    if (start.byteLength < headEnd || length < headBytes) return;
    this.#checked = true;
    const problem = headProblem(start.subarray(LENGTH_BYTES, headEnd));
    if (problem !== undefined) throw new ProtocolError(`Cannot read request: ${problem}`);
  }
}
