import type { Clock } from "../base/clock.ts";
import { errorCode } from "../base/errors.ts";
import { type EndSignal, Termination } from "./termination.ts";

/**
 * A process that leads a group of its own (`setsid`), with all that it started and that did not leave the group.
 */
export class ProcessGroup {
  readonly #pid: number;
  readonly #termination: Termination;

  constructor(pid: number, clock: Clock) {
    this.#pid = pid;
    this.#termination = new Termination(clock, (name) => this.#signal(name));
  }

  /** SIGTERM now, SIGKILL after `graceMs`, unless {@link kill} comes first. A repetition counts where it is earlier. */
  terminate(graceMs: number): void {
    this.#termination.request(graceMs);
  }

  /** SIGKILL to whoever is left. Idempotent. */
  kill(): void {
    this.#termination.settle();
    this.#signal("SIGKILL");
  }

  #signal(name: EndSignal): void {
    try {
      process.kill(-this.#pid, name);
    } catch (error) {
      // ESRCH: nobody is left. EPERM: only processes that changed their user are left, and we may not signal those.
      const code = errorCode(error);
      if (code !== "ESRCH" && code !== "EPERM") throw error;
    }
  }
}
