import { attachInput, attachOutput } from "./engine-api.ts";
import type { EngineClient, EngineStream } from "./engine-client.ts";
import { OutputStream } from "./output-stream.ts";
import type { ContainerOutput } from "./stream-demultiplexer.ts";

/** Standard input, output and error of a container that is about to start. */
export class ContainerStreams {
  readonly #output: OutputStream;
  readonly #input: EngineStream | undefined;

  private constructor(output: OutputStream, input: EngineStream | undefined) {
    this.#output = output;
    this.#input = input;
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
    const hasInput = input !== null && input.byteLength > 0;
    const [out, into] = await Promise.allSettled([
      OutputStream.open((onData) => attachOutput(client, id, onData), output),
      hasInput ? attachInput(client, id) : undefined,
    ]);
    if (out.status === "fulfilled" && into.status === "fulfilled") {
      if (hasInput) into.value?.finishWith(input);
      return new ContainerStreams(out.value, into.value);
    }
    for (const one of [out, into]) if (one.status === "fulfilled") one.value?.close();
    throw out.status === "rejected" ? out.reason : (into as PromiseRejectedResult).reason;
  }

  /** As {@link OutputStream.ends}. */
  outputEnds(): Promise<void> {
    return this.#output.ends();
  }

  /** Reads and writes no more. Idempotent. */
  close(): void {
    this.#output.close();
    this.#input?.close();
  }
}
