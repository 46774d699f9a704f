import { attachInput, attachOutput } from "./engine-api.ts";
import type { EngineClient, EngineStream } from "./engine-client.ts";
import { type ContainerOutput, ContainerStreamError, StreamDemultiplexer } from "./stream-demultiplexer.ts";

/** Standard input, output and error of a container that is about to start. */
export class ContainerStreams {
  readonly #output: EngineStream;
  readonly #input: EngineStream | undefined;
  readonly #failure: () => ContainerStreamError | undefined;

  private constructor(
    output: EngineStream,
    input: EngineStream | undefined,
    failure: () => ContainerStreamError | undefined,
  ) {
    this.#output = output;
    this.#input = input;
    this.#failure = failure;
  }

  /**
   * Attaches to a container that was created and not started, and sends its input, which the Engine keeps until the
   * program reads it.
   *
   * @param input where it is empty nothing is attached: see container-config.ts
   * @throws {EngineLostError | EngineRefusedError}
   */
  static async attach(
    client: EngineClient,
    id: string,
    input: Uint8Array | null,
    output: ContainerOutput,
  ): Promise<ContainerStreams> {
    const demultiplexer = new StreamDemultiplexer(output);
    let failure: ContainerStreamError | undefined;
    const onData = (chunk: Uint8Array): void => {
      if (failure !== undefined) return;
      try {
        demultiplexer.push(chunk);
      } catch (error) {
        if (!(error instanceof ContainerStreamError)) throw error;
        failure = error;
      }
    };
    const hasInput = input !== null && input.byteLength > 0;
    const [out, into] = await Promise.allSettled([
      attachOutput(client, id, onData),
      hasInput ? attachInput(client, id) : undefined,
    ]);
    if (out.status === "fulfilled" && into.status === "fulfilled") {
      if (hasInput) into.value?.finishWith(input);
      return new ContainerStreams(out.value, into.value, () => failure ?? demultiplexer.failureAtEnd());
    }
    for (const one of [out, into]) if (one.status === "fulfilled") one.value?.close();
    throw out.status === "rejected" ? out.reason : (into as PromiseRejectedResult).reason;
  }

  /**
   * Resolves when there is no more output.
   *
   * @throws {EngineLostError | ContainerStreamError} the output is not whole, also after {@link close}
   */
  async outputEnds(): Promise<void> {
    const end = await this.#output.end;
    if (end !== "ended") throw end;
    const failure = this.#failure();
    if (failure !== undefined) throw failure;
  }

  /** Reads and writes no more. Idempotent. */
  close(): void {
    this.#output.close();
    this.#input?.close();
  }
}
