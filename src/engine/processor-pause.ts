import { type RetryDelay, retryDelayMs } from "./retry.ts";
import type { TrackerNote } from "./tracker-events.ts";

/**
 * Whether the processor as such can run (promise I7: a missing program, image or topic is nobody's record's fault).
 * While it cannot, nothing is started but one probe at growing intervals; the first that gets further ends the pause.
 */
export class ProcessorPause {
  readonly #delay: RetryDelay;
  readonly #note: (note: TrackerNote) => void;
  #reason: string | undefined;
  #probes = 0;
  #probeAtMs = 0;

  constructor(delay: RetryDelay, note: (note: TrackerNote) => void) {
    this.#delay = delay;
    this.#note = note;
  }

  /** Why it is paused; undefined while it is not. */
  get reason(): string | undefined {
    return this.#reason;
  }

  get probeAtMs(): number {
    return this.#probeAtMs;
  }

  pause(reason: string, nowMs: number): void {
    if (this.#reason === undefined) {
      this.#probes = 0;
      this.#schedule(nowMs);
    }
    if (this.#reason !== reason) this.#note({ type: "paused", reason });
    this.#reason = reason;
  }

  /** A probe was started. */
  probed(nowMs: number): void {
    this.#schedule(nowMs);
  }

  /** Something changed that may mend it: probe at once. */
  probeNow(nowMs: number): void {
    this.#probes = 0;
    this.#probeAtMs = nowMs;
  }

  /** Something got further than what paused it. */
  end(): void {
    if (this.#reason === undefined) return;
    this.#reason = undefined;
    this.#note({ type: "unpaused" });
  }

  #schedule(nowMs: number): void {
    this.#probes++;
    this.#probeAtMs = nowMs + retryDelayMs(this.#delay, this.#probes, this.#probes);
  }
}
