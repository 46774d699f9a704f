import type { Clock } from "../../base/clock.ts";
import type { Moment } from "./moment.ts";

/** A master or an agent without sockets: events in, commands out. */
export interface Core<Event, Command> {
  step(event: Event, now: Moment): readonly Command[];
  /** When it wants to be woken, on the monotonic clock; 0: at once; undefined: not before its next event. */
  readonly nextWakeMs: number | undefined;
}

/**
 * Runs a core: hands it its events in order, performs its commands, and wakes it at its deadlines.
 *
 * What a command sets off waits until the commands before it are performed, so that the core is never entered twice.
 */
export class CoreLoop<Event, Command> {
  readonly #core: Core<Event, Command>;
  readonly #wake: Event;
  readonly #clock: Clock;
  readonly #perform: (command: Command) => void;
  #events: Event[] = [];
  /** How far the events have been taken. */
  #at = 0;
  #running = false;
  #alarm: { readonly atMs: number; readonly cancel: () => void } | undefined;
  #wakeSoon = false;
  #closed = false;

  /** @param wake the event that tells the core that its time has come */
  constructor(core: Core<Event, Command>, wake: Event, clock: Clock, perform: (command: Command) => void) {
    this.#core = core;
    this.#wake = wake;
    this.#clock = clock;
    this.#perform = perform;
  }

  dispatch(event: Event): void {
    if (this.#closed) return;
    this.#events.push(event);
    this.#drain();
  }

  /** Performs what the core said when it began, and sets its first alarm. */
  begin(commands: readonly Command[] = []): void {
    this.#running = true;
    try {
      for (const command of commands) this.#perform(command);
    } finally {
      this.#running = false;
    }
    this.#drain();
  }

  /** Nothing happens any more. */
  close(): void {
    this.#closed = true;
    this.#events = [];
    this.#alarm?.cancel();
  }

  now(): Moment {
    return { monotonicMs: this.#clock.monotonicMs(), wallMs: this.#clock.wallMs() };
  }

  #drain(): void {
    if (this.#running) return;
    this.#running = true;
    try {
      for (let event = this.#take(); event !== undefined; event = this.#take()) {
        for (const command of this.#core.step(event, this.now())) this.#perform(command);
      }
    } finally {
      this.#running = false;
      this.#setAlarm();
    }
  }

  /** The oldest event; the list is emptied in one go, so that taking is cheap. */
  #take(): Event | undefined {
    const event = this.#events[this.#at++];
    if (event === undefined) {
      this.#events = [];
      this.#at = 0;
    }
    return event;
  }

  /** What is wanted at once waits for the end of the turn, and so coalesces. */
  #setAlarm(): void {
    const nextMs = this.#core.nextWakeMs;
    if (this.#closed || nextMs === undefined) return;
    if (nextMs <= 0) {
      if (this.#wakeSoon) return;
      this.#wakeSoon = true;
      setImmediate(() => {
        this.#wakeSoon = false;
        this.dispatch(this.#wake);
      });
      return;
    }
    // An alarm that is too early does no harm: most deadlines only ever move on.
    if (this.#alarm !== undefined && this.#alarm.atMs <= nextMs) return;
    this.#alarm?.cancel();
    const cancel = this.#clock.schedule(nextMs - this.#clock.monotonicMs(), () => {
      this.#alarm = undefined;
      this.dispatch(this.#wake);
    });
    this.#alarm = { atMs: nextMs, cancel };
  }
}
