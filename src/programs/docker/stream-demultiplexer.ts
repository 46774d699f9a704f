import { BrigadeError } from "../../base/errors.ts";

const HEADER_BYTES = 8;
const STDOUT = 1;
const STDERR = 2;

/** Bytes that are no stream of a container. */
export class ContainerStreamError extends BrigadeError {
  override readonly name = "ContainerStreamError";
  readonly code = "container-stream";
  readonly fault = "infrastructure";
}

export interface ContainerOutput {
  /** Parts are views of the chunk that was pushed. */
  stdout(part: Uint8Array): void;
  stderr(part: Uint8Array): void;
}

/**
 * Tells a container's standard output from its standard error.
 *
 * Shape, repeated: one byte (0 stdin, 1 stdout, 2 stderr), three zeros, a u32 (big-endian) length, that many bytes. Chunks
 * may cut anywhere, also inside the header.
 *
 * @see Docker Engine API, "Attach to a container", stream format
 */
export class StreamDemultiplexer {
  readonly #output: ContainerOutput;
  readonly #header = new Uint8Array(HEADER_BYTES);
  #headerLength = 0;
  #remaining = 0;

  constructor(output: ContainerOutput) {
    this.#output = output;
  }

  /** @throws {ContainerStreamError} the bytes are not of this shape */
  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.byteLength; ) {
      if (this.#remaining === 0) {
        const part = chunk.subarray(at, at + HEADER_BYTES - this.#headerLength);
        this.#header.set(part, this.#headerLength);
        this.#headerLength += part.byteLength;
        at += part.byteLength;
        if (this.#headerLength === HEADER_BYTES) this.#frameBegins();
        continue;
      }
      const part = chunk.subarray(at, at + this.#remaining);
      at += part.byteLength;
      this.#remaining -= part.byteLength;
      if (this.#header[0] === STDOUT) this.#output.stdout(part);
      else this.#output.stderr(part);
    }
  }

  /** What is wrong with a stream that ends here, unless it is between two frames. */
  failureAtEnd(): ContainerStreamError | undefined {
    if (this.#remaining === 0 && this.#headerLength === 0) return undefined;
    return new ContainerStreamError("Cannot read a container's output: it is cut off within a frame");
  }

  #frameBegins(): void {
    const [type = 0] = this.#header;
    if (type !== STDOUT && type !== STDERR) {
      throw new ContainerStreamError(`Cannot read a container's output: a frame is of type ${type}, must be 1 or 2`);
    }
    this.#remaining = new DataView(this.#header.buffer).getUint32(4);
    this.#headerLength = 0;
  }
}
