import { knockAtEngine } from "./engine-api.ts";
import type { EngineClient, EngineStream } from "./engine-client.ts";
import { EngineLostError } from "./errors.ts";

/**
 * Notices that the Engine was stopped or restarted. One that stops ends its containers first, and one that starts those
 * that it finds, with exit codes like any other: only this tells that a program was not at fault.
 *
 * It holds a stream open that says next to nothing, and which the Engine's end breaks.
 */
export class EngineWatch {
  readonly #client: EngineClient;
  #generation = 0;
  #stream: Promise<EngineStream> | undefined;

  constructor(client: EngineClient) {
    this.#client = client;
  }

  /**
   * The number of the Engine's present life.
   *
   * @throws {EngineLostError} it does not answer
   */
  async enter(): Promise<number> {
    this.#stream ??= this.#open();
    await this.#stream;
    return this.#generation;
  }

  /** Whether the Engine is still in that life, and not about to end it. */
  async isIn(generation: number): Promise<boolean> {
    try {
      await knockAtEngine(this.#client);
    } catch (error) {
      if (error instanceof EngineLostError) return false;
      throw error;
    }
    return generation === this.#generation;
  }

  async close(): Promise<void> {
    const stream = this.#stream;
    if (stream === undefined) return;
    const opened = await stream.catch(() => undefined);
    opened?.close();
  }

  async #open(): Promise<EngineStream> {
    const filters = encodeURIComponent(JSON.stringify({ type: ["daemon"] }));
    const request = { action: "watch the Engine", method: "GET", path: `/events?filters=${filters}` } as const;
    try {
      const stream = await this.#client.stream(request, { onData: () => undefined });
      void stream.end.then(() => {
        this.#generation++;
        this.#stream = undefined;
      });
      return stream;
    } catch (error) {
      this.#stream = undefined;
      if (error instanceof EngineLostError) throw error;
      throw new EngineLostError("Cannot use the Docker Engine: it does not tell its events", { cause: error });
    }
  }
}
