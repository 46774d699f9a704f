import type { Clock } from "../base/clock.ts";
import { errorCode } from "../base/errors.ts";

/**
 * A process that leads a group of its own (`setsid`), with all that it started and that did not leave the group.
 */
export class ProcessGroup {
  readonly #pid: number;
  readonly #clock: Clock;
  #killing: { readonly atMs: number; cancel(): void } | undefined;

  constructor(pid: number, clock: Clock) {
    this.#pid = pid;
    this.#clock = clock;
  }

  /** SIGTERM now, SIGKILL after `graceMs` unless {@link settle} comes first. A repetition counts where it is earlier. */
  terminate(graceMs: number): void {
    if (graceMs <= 0) return this.kill();
    const atMs = this.#clock.monotonicMs() + graceMs;
    if (this.#killing !== undefined && this.#killing.atMs <= atMs) return;
    if (this.#killing === undefined) this.#signal("SIGTERM");
    this.#killing?.cancel();
    this.#killing = { atMs, cancel: this.#clock.schedule(graceMs, () => this.#signal("SIGKILL")) };
  }

  kill(): void {
    this.settle();
    this.#signal("SIGKILL");
  }

  /** The leader has exited: no SIGKILL is to come any more. */
  settle(): void {
    this.#killing?.cancel();
    this.#killing = undefined;
  }

  #signal(name: "SIGTERM" | "SIGKILL"): void {
    try {
      process.kill(-this.#pid, name);
    } catch (error) {
      // ESRCH: nobody is left. EPERM: only processes that changed their user are left, and we may not signal those.
      const code = errorCode(error);
      if (code !== "ESRCH" && code !== "EPERM") throw error;
    }
  }
}
