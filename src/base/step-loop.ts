import type { Clock } from "./clock.ts";

/** A pure state machine: events in, commands out. */
export interface Machine<Event, Command> {
  step(event: Event, nowMs: number): Command[];
  /** When the machine wants to be told the time, on the clock of `nowMs`. */
  readonly wakeAtMs: number | undefined;
}

/**
 * Runs a machine: performs its commands one at a time and tells it the time when it asked for that.
 *
 * What a command sets off (a handler that calls back, a socket that fails at once) waits until the commands before it
 * are performed, so that the machine is never entered twice.
 */
export class StepLoop<Event, Command> {
  readonly #machine: Machine<Event, Command>;
  readonly #time: Event;
  readonly #clock: Clock;
  readonly #perform: (command: Command) => void;
  readonly #events: Event[] = [];
  #running = false;
  #stopped = false;
  #timer: { readonly atMs: number; readonly cancel: () => void } | undefined;

  /** @param time the event that tells the machine that its time has come */
  constructor(machine: Machine<Event, Command>, time: Event, clock: Clock, perform: (command: Command) => void) {
    this.#machine = machine;
    this.#time = time;
    this.#clock = clock;
    this.#perform = perform;
  }

  dispatch(event: Event): void {
    if (this.#stopped) return;
    this.#events.push(event);
    if (this.#running) return;
    this.#running = true;
    try {
      for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) {
        for (const command of this.#machine.step(next, this.#clock.monotonicMs())) {
          // A command's handler may have stopped the loop.
          if (!this.#stopped) this.#perform(command);
        }
      }
    } finally {
      this.#running = false;
    }
    this.#arrangeWake();
  }

  /** Nothing is performed any more. Idempotent. */
  stop(): void {
    this.#stopped = true;
    this.#events.length = 0;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** A timer that is too early is left alone: moving one at each event would cost more than to wake once in vain. */
  #arrangeWake(): void {
    const { wakeAtMs } = this.#machine;
    if (this.#stopped) return;
    if (wakeAtMs !== undefined && this.#timer !== undefined && this.#timer.atMs <= wakeAtMs) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (wakeAtMs === undefined) return;
    const cancel = this.#clock.schedule(wakeAtMs - this.#clock.monotonicMs(), () => {
      this.#timer = undefined;
      this.dispatch(this.#time);
    });
    this.#timer = { atMs: wakeAtMs, cancel };
  }
}
