import type { Clock } from "../../base/clock.ts";
import { pingEngine } from "./engine-api.ts";
import type { EngineClient, EngineStream } from "./engine-client.ts";
import { EngineLostError } from "./errors.ts";

/** How often an Engine is asked whether it lives, while something waits for it. */
const BEAT_MS = 5000;
/** So many beats without an answer, and it hangs. */
const SILENT_BEATS = 6;
const SILENCE_MS = BEAT_MS * SILENT_BEATS;

/**
 * Notices that the Engine was stopped or restarted, or hangs.
 *
 * One that stops ends its containers first, and one that starts those that it finds, with exit codes like any other: only
 * this tells that a program was not at fault. So it holds a stream open that says next to nothing, and which the
 * Engine's end breaks.
 *
 * One that hangs keeps every connection open and takes new ones. A program may run for days without a word, so that the
 * waits for it have no deadline: it is asked for a sign of life instead, and without one all that waits fails. The
 * silence is counted in beats, so that it does not count while this process itself stands still.
 */
export class EngineWatch {
  readonly #client: EngineClient;
  readonly #clock: Clock;
  readonly #onBack: () => void;
  #generation = 0;
  #stream: Promise<EngineStream> | undefined;
  #cancelBeat: (() => void) | undefined;
  /** Beats since it was asked; undefined while no question is open. */
  #silentBeats: number | undefined;

  /** @param onBack called when an Engine that was lost is there again */
  constructor(client: EngineClient, clock: Clock, onBack: () => void) {
    this.#client = client;
    this.#clock = clock;
    this.#onBack = onBack;
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
      await pingEngine(this.#client, { connect: true, deadlineMs: SILENCE_MS });
    } catch (error) {
      if (error instanceof EngineLostError) return false;
      throw error;
    }
    return generation === this.#generation;
  }

  /** Asks no more. What it holds open goes with the client. */
  close(): void {
    this.#cancelBeat?.();
  }

  async #open(): Promise<EngineStream> {
    const filters = encodeURIComponent(JSON.stringify({ type: ["daemon"] }));
    const request = { action: "watch the Engine", method: "GET", path: `/events?filters=${filters}` } as const;
    try {
      const stream = await this.#client.stream(request, { onData: () => undefined, deadlineMs: SILENCE_MS });
      void stream.end.then(() => {
        this.#generation++;
        this.#stream = undefined;
        this.#cancelBeat?.();
      });
      this.#beat();
      if (this.#generation > 0) this.#onBack();
      return stream;
    } catch (error) {
      this.#stream = undefined;
      if (error instanceof EngineLostError) throw error;
      throw new EngineLostError("Cannot use the Docker Engine: it does not tell its events", { cause: error });
    }
  }

  #beat(): void {
    this.#cancelBeat = this.#clock.schedule(BEAT_MS, () => {
      this.#beat();
      if (this.#silentBeats !== undefined) {
        this.#silentBeats++;
        if (this.#silentBeats >= SILENT_BEATS) this.#client.giveUp(`no answer for ${SILENCE_MS / 1000} s`);
      } else if (this.#client.busy > 1) {
        // More than this watch's own stream.
        this.#ask();
      }
    });
  }

  #ask(): void {
    this.#silentBeats = 0;
    const over = (): void => {
      this.#silentBeats = undefined;
    };
    // An Engine that is gone has broken the stream as well.
    pingEngine(this.#client, { connect: false, deadlineMs: null }).then(over, over);
  }
}
