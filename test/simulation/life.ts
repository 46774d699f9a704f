import type { Clock } from "../../src/base/clock.ts";
import type { VirtualTime } from "./time.ts";

/** Wall time at the start of each history. */
const EPOCH_MS = 1_800_000_000_000;

/**
 * A process as the operating system sees it. It runs, or is stopped for a while (SIGSTOP), or is dead (kill -9).
 *
 * Nothing reaches a dead process, and nothing that its code still does reaches the world: every way in goes through
 * {@link deliver} and every way out through whoever asks {@link alive}.
 */
export class Life {
  readonly name: string;
  readonly clock: Clock;
  #state: "running" | "stopped" | "dead" = "running";
  #late: (() => void)[] = [];
  readonly #onDeath: (() => void)[] = [];

  constructor(name: string, time: VirtualTime) {
    this.name = name;
    this.clock = processClock(time, this);
  }

  get alive(): boolean {
    return this.#state !== "dead";
  }

  get stopped(): boolean {
    return this.#state === "stopped";
  }

  /** Something from outside. A process that is stopped sees it when it goes on. */
  deliver(run: () => void): void {
    if (this.#state === "running") run();
    else if (this.#state === "stopped") this.#late.push(run);
  }

  onDeath(run: () => void): void {
    this.#onDeath.push(run);
  }

  stop(): void {
    if (this.#state === "running") this.#state = "stopped";
  }

  goOn(): void {
    if (this.#state !== "stopped") return;
    this.#state = "running";
    const late = this.#late;
    this.#late = [];
    for (const run of late) this.deliver(run);
  }

  die(): void {
    if (this.#state === "dead") return;
    this.#state = "dead";
    this.#late = [];
    for (const run of this.#onDeath) run();
  }
}

function processClock(time: VirtualTime, life: Life): Clock {
  const schedule = (ms: number, run: () => void): (() => void) => {
    let cancelled = false;
    const cancel = time.schedule(ms, () => {
      life.deliver(() => {
        if (!cancelled) run();
      });
    });
    return () => {
      cancelled = true;
      cancel();
    };
  };
  return {
    wallMs: () => EPOCH_MS + time.nowMs,
    monotonicMs: () => time.nowMs,
    schedule,
    sleep(ms, { signal } = {}) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted === true) return reject(signal.reason as Error);
        const cancel = schedule(ms, resolve);
        const onAbort = (): void => {
          cancel();
          reject(signal?.reason as Error);
        };
        signal?.addEventListener("abort", onAbort, { once: true });
      });
    },
  };
}
