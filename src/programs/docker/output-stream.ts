import type { EngineStream } from "./engine-client.ts";
import { type ContainerOutput, ContainerStreamError, StreamDemultiplexer } from "./stream-demultiplexer.ts";

/** What a program at the Engine writes, told apart, and the way to its input where the Engine has one connection for both. */
export class OutputStream {
  readonly #stream: EngineStream;
  readonly #failure: () => ContainerStreamError | undefined;

  private constructor(stream: EngineStream, failure: () => ContainerStreamError | undefined) {
    this.#stream = stream;
    this.#failure = failure;
  }

  /** @param open the Engine's call, which must hand its bytes to `onData` */
  static async open(
    open: (onData: (chunk: Uint8Array) => void) => Promise<EngineStream>,
    output: ContainerOutput,
  ): Promise<OutputStream> {
    const demultiplexer = new StreamDemultiplexer(output);
    let failure: ContainerStreamError | undefined;
    const stream = await open((chunk) => {
      if (failure !== undefined) return;
      try {
        demultiplexer.push(chunk);
      } catch (error) {
        if (!(error instanceof ContainerStreamError)) throw error;
        failure = error;
      }
    });
    return new OutputStream(stream, () => failure ?? demultiplexer.failureAtEnd());
  }

  /**
   * Resolves when there is no more output.
   *
   * @throws {EngineLostError | ContainerStreamError} the output is not whole, also after {@link close}
   */
  async ends(): Promise<void> {
    const end = await this.#stream.end;
    if (end !== "ended") throw end;
    const failure = this.#failure();
    if (failure !== undefined) throw failure;
  }

  /** Sends a part of the program's input. */
  write(input: Uint8Array): void {
    this.#stream.write(input);
  }

  /** Sends the last part. */
  finishWith(input: Uint8Array): void {
    this.#stream.finishWith(input);
  }

  /** Reads and writes no more. Idempotent. */
  close(): void {
    this.#stream.close();
  }
}
